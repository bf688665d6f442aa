"""Lives of sessions: creation, deletion, children, tenants."""

import asyncio

from contract_tests.tests.planted.bases import Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Done, Head, SessionKey
from holdfast.toolkit.sessions import StoreSessions


@planted("Deletion leaves the session, and takes its messages only.", "identity.deleted", "identity.next_life")
class HeadLeft(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        if write.delete and head:
            self._rows[head.key.key].drop(0, 2**62)
            self._heads[write.ref] = head


@planted("Deletion leaves the state: the next life reads it.", "identity.next_life")
class StateLeft(Toy):
    def _carry_out(self, write, plan, head):
        left = self.__dict__.setdefault("left", {})
        super()._carry_out(write, plan, head)
        if write.delete and head:
            left[write.ref] = head.body
        if plan.create and plan.body == "{}":
            self._heads[write.ref] = self._heads[write.ref]._replace(body=left.get(write.ref, "{}"))


@planted("Rows hang from the id: the next life sees them.", "identity.next_life", "identity.each_life")
class RowsOfTheId(Toy):
    def write_in(self, write):
        return write._replace(create=write.create and f"key of {write.ref.id}")

    async def free(self, key, *, limit):
        return 0


@planted("No row is freed.", "identity.rows_freed", "sweeping.no_row_stays")
class NothingFreed(Toy):
    async def free(self, key, *, limit):
        return 0


@planted("One step of rows is freed.", "identity.rows_freed")
class OneStepFreed(Toy):
    async def free(self, key, *, limit):
        return min(await super().free(key, limit=limit), limit - 1)


@planted("A dead life's turns are remembered by the next.", "identity.turns_of_one_life")
class TurnsOfAllLives(Toy):
    def _carry_out(self, write, plan, head):
        turns = self.__dict__.setdefault("turns", {})
        super()._carry_out(write, plan, head)
        if write.delete and head:
            turns[write.ref] = head.recent_turns
        if plan.create and write.ref in self._heads:
            new = self._heads[write.ref]
            self._heads[write.ref] = new._replace(recent_turns=turns.pop(write.ref, ()) + new.recent_turns)


@planted("Deleting says nothing of whether there was one.", "identity.delete_tells")
class AlwaysTrue(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            return await super().delete(session_id, **how) or True


@planted("An append to a deleted session makes it again.", "identity.deleted")
class AppendCreates(Toy):
    def write_in(self, write):
        if write.only_appends and write.ref not in self._heads and write.key is None:
            return write._replace(create=f"made for {write.turn_id}")
        return write


@planted("A retried deletion ends the next life.", "cancel.deletion")
class DeletionByName(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            told = await super().delete(session_id, **how)
            asyncio.get_running_loop().call_later(0, self._again, session_id)
            return told

        def _again(self, session_id):
            self._run.store._heads.pop((self._tenant, session_id), None)


@planted("An append that races with a deletion lands in the next life.", "races.deletion")
class AppendLandsLater(Shared):
    async def flush(self, writes):
        if any(write.only_appends for write in writes):
            for _ in range(10):
                await asyncio.sleep(0)
        outcomes = [self._write(write) for write in writes]
        told = zip(writes, outcomes, strict=True)
        return [
            out if isinstance(out, Done) or not write.only_appends else self._late(write) for write, out in told
        ]

    def _late(self, write):
        self.world.setdefault("late", []).append(write)
        return Done(self._heads.get(write.ref) or _gone(write), (1,) * len(write.rows), appended=len(write.rows))


def _gone(write):
    return Head(SessionKey(*write.ref, "gone"), next_seq=2)
