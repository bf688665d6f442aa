"""Inputs that are taken though they are wrong."""

import json
from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict, InvalidArgument, NotFound
from holdfast.models import Session
from holdfast.toolkit import Plan, Refused
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions


@planted("Values that do not travel are stored as their text.", "values.refused_state", "values.changed_state")
class StoredAsText(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            try:
                return await super().save(session, **how)
            except InvalidArgument:
                data = json.loads(json.dumps(session.data, default=str, skipkeys=True))
                return await super().save(session.model_copy(update={"data": data}), **how)


@planted("What is over a limit is cut.", "turns.refused_for_size", "limits.state_bytes")
class CutToFit(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            try:
                return await super().save(session, **how)
            except InvalidArgument:
                return await super().save(session.model_copy(update={"data": {}}), **how)

    async def commit(self, turn):
        try:
            return await super().commit(turn)
        except InvalidArgument:
            return await super().commit(turn.model_copy(update={"messages": turn.messages[:1]}))


@planted("Ids that are no text are turned into text.", "ids.refused")
class IdsTurnedIntoText(Outer):
    class Sessions(StoreSessions):
        async def get(self, session_id):
            return await super().get(session_id if isinstance(session_id, str) else repr(session_id))

    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            return await super().find(session_id if isinstance(session_id, str) else repr(session_id), **how)


@planted("Numbers may be texts.", "inputs.messages", "paging.bad_arguments")
class NumbersAsTexts(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            numbers = {
                name: int(value) if name in {"limit", "last"} and value else value for name, value in how.items()
            }
            return await super().find(session_id, **numbers)


@planted("A removal of nothing is an answer.", "removal.empty_range", "inputs.removals")
class EmptyRemoval(Outer):
    class Messages(StoreMessages):
        async def remove(self, session_id, *, after, through, turn_id=None):
            if after >= through:
                return 0
            return await super().remove(session_id, after=after, through=through, turn_id=turn_id)


@planted("A removal from nothing is an answer.", "removal.missing")
class RemovalFromNothing(Outer):
    class Messages(StoreMessages):
        async def remove(self, session_id, **how):
            try:
                return await super().remove(session_id, **how)
            except NotFound:
                return 0


@planted("An id that is twice in one call is stored once.", "retries.twice_in_one_call")
class TwiceIsOnce(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            once = {message.id: message for message in messages}
            return await super().append(session_id, list(once.values()), **how)


@planted("Appending nothing to nobody is an answer.", "retries.nothing_to_nobody")
class NothingToNobody(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            return await super().append(session_id, messages, **how) if messages else []


@planted("A session may be saved by whatever looks like one.", "inputs.models")
class LooksLikeASession(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            fields = {name: getattr(session, name) for name in Session.model_fields if hasattr(session, name)}
            return await super().save(Session(**fields), **how)


@planted("A sweep of no limit sweeps all.", "sweeping.limit")
class NoLimitIsAll(Outer):
    async def sweep(self, *, limit=1000):
        return await super().sweep(limit=limit if type(limit) is int and limit > 0 else 1000)


@planted("A tenant may be anything.", "tenants.identifiers", "ids.refused_tenant")
class AnyTenant(Outer):
    def for_tenant(self, tenant):
        return super().for_tenant(str(tenant).strip("\0 ")[:100] or "default")


@planted("Turns are known over all tenants.", "tenants.own_turns")
class TurnsOfAllTenants(Toy):
    def judge(self, write, head, known, removable):
        seen = self.__dict__.setdefault("seen", {})
        if write.state and seen.setdefault(write.turn_id, write.ref) != write.ref:
            return Refused(DuplicateIdConflict(write.ref.id, [write.turn_id]))
        return super().judge(write, head, known, removable)


@planted("A turn that was refused cannot be mended: its id is spent.", "turns.mended", "turns.mended_removal")
class RefusedIsSpent(Toy):
    def judge(self, write, head, known, removable):
        spent = self.__dict__.setdefault("spent", set())
        if (write.ref, write.turn_id) in spent:
            return Refused(DuplicateIdConflict(write.ref.id, [write.turn_id]))
        verdict = super().judge(write, head, known, removable)
        spent |= {(write.ref, write.turn_id)} if isinstance(verdict, Refused) else set()
        return verdict


@planted("The same words as in the turn's own removal are not appended.", "turns.same_words_in_removal")
class SameWordsLost(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and write.remove:
            kept = tuple(row for row in plan.append if row.id not in known)
            return replace(plan, append=kept)
        return plan
