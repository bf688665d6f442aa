"""Errors of the wrong kind, or that tell too much or too little."""

import logging

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict, HoldfastError, NotFound, VersionConflict
from holdfast.toolkit import Refused
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions


@planted("An error tells what a message says.", "errors.messages")
class MessagesTold(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            try:
                return await super().append(session_id, messages, **how)
            except HoldfastError as error:
                error.detail = f"{error.detail} {messages}"
                raise


@planted("An error tells what a state holds.", "errors.states", "errors.guards")
class StatesTold(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            try:
                return await super().save(session, **how)
            except HoldfastError as error:
                error.args = (f"{error.args} {session!r}",)
                error.detail = f"{error.detail} {session!r}"
                raise


@planted("A log line tells what a message says.", "errors.logs")
class MessagesLogged(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            logging.getLogger("holdfast").info("append %r", messages)
            return await super().append(session_id, messages, **how)


@planted("The name of an adapter tells what was written last.", "errors.logs")
class NameTells(Outer):
    def __repr__(self):
        return f"<{type(self).__name__} {self.toy.snapshot()!r}>"


@planted("A missing session is a KeyError.", "paging.missing", "identity.deleted", raises=KeyError)
class KeyErrors(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            try:
                return await super().find(session_id, **how)
            except NotFound:
                raise KeyError(session_id) from None


@planted("A conflict of ids names none.", "retries.other_words")
class NoIdNamed(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        taken = isinstance(verdict, Refused) and isinstance(verdict.error, DuplicateIdConflict)
        return Refused(DuplicateIdConflict(write.ref.id, [])) if taken else verdict


@planted("A stale version is NotFound.", "conflicts.save", "races.versions")
class StaleIsNotFound(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        stale = isinstance(verdict, Refused) and isinstance(verdict.error, VersionConflict)
        return Refused(NotFound("It was changed.")) if stale else verdict


@planted("An expired session is NotFound, and no more.", "expiry.dead")
class ExpiredIsNotFound(Toy):
    def judge(self, write, head, known, removable):
        gone = head and head.dead(write.now) and not write.create and not write.delete
        return Refused(NotFound("It is gone.")) if gone else super().judge(write, head, known, removable)
