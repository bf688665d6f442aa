"""Handles that remember for ever that something was not there."""

from contract_tests.tests.planted.bases import Outer, Shared
from contract_tests.tests.planted.planting import planted

from holdfast.errors import NotFound
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions

CLAUSE = "handles.absent_before"


class _Handle(Outer):
    Store = Shared


@planted("A handle remembers that a session was not there, until it saves it itself.", CLAUSE)
class SessionAbsent(_Handle):
    class Sessions(StoreSessions):
        async def get(self, session_id):
            if session_id in self.__dict__.setdefault("absent", set()):
                return None
            found = await super().get(session_id)
            if found is None:
                self.__dict__.setdefault("absent", set()).add(session_id)
            return found

        async def save(self, session, **how):
            self.__dict__.setdefault("absent", set()).discard(session.id)
            return await super().save(session, **how)


@planted("A handle remembers that a message was not there, until it appends it itself.", CLAUSE)
class MessageAbsent(_Handle):
    class Messages(StoreMessages):
        async def get(self, session_id, message_id):
            if (session_id, message_id) in self.__dict__.setdefault("absent", set()):
                return None
            found = await super().get(session_id, message_id)
            if found is None:
                self.__dict__.setdefault("absent", set()).add((session_id, message_id))
            return found

        async def append(self, session_id, messages, **how):
            self.__dict__.setdefault("absent", set()).difference_update(
                (session_id, message.id) for message in messages
            )
            return await super().append(session_id, messages, **how)


@planted("A handle remembers that a session had no messages.", CLAUSE)
class NoMessages(_Handle):
    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            page = self.__dict__.setdefault("empty", {}).get((session_id, repr(how)))
            if page is not None:
                return page
            page = await super().find(session_id, **how)
            if not page.items:
                self.empty[session_id, repr(how)] = page
            return page


@planted("A handle remembers that a session had no transcript.", CLAUSE, raises=NotFound)
class NoTranscript(_Handle):
    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            gone = self.__dict__.setdefault("gone", set())
            if session_id in gone:
                raise NotFound(f"There is no session {session_id!r}.")
            try:
                return await super().find(session_id, **how)
            except NotFound:
                gone.add(session_id)
                raise


@planted("A handle remembers that a listing was empty.", CLAUSE)
class EmptyListing(_Handle):
    class Sessions(StoreSessions):
        async def find(self, query):
            page = self.__dict__.setdefault("empty", {}).get(query.model_dump_json())
            if page is not None:
                return page
            page = await super().find(query)
            if not page.items:
                self.empty[query.model_dump_json()] = page
            return page
