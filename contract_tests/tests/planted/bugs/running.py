"""How an adapter runs: its life, its loop, its tasks."""

import asyncio
import time

from contract_tests.tests.planted.bases import OtherQueue, Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Done, GroupCommit, Observed, Phase


class _Alone(GroupCommit):
    async def submit(self, write, operation):
        """A lone write flies at once, in its caller's task."""
        if self._runs():
            return await super().submit(write, operation)
        operation.turn_id = write.turn_id
        [outcome] = await self.store.flush([write])
        if self.observer:
            self.observer(Observed("flush", 0.0, None, ()))
        if not isinstance(outcome, Done):
            raise outcome.error
        operation.phase = Phase.STORED
        return outcome


@planted("A lone write flies in its caller's task.", "flush.in_nobodys_task", "flush.in_nobodys_context")
class InTheCallersTask(OtherQueue):
    Queue = _Alone


class _Inheriting(GroupCommit):
    def _start(self):
        if not self._runs():
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._ended)


@planted("The flush runs in the context of its first caller.", "flush.in_nobodys_context")
class InTheCallersContext(OtherQueue):
    Queue = _Inheriting


@planted("A write that is refused refuses all that fly with it.", "flush.own_outcome", "together.refused")
class RefusedTogether(Toy):
    async def flush(self, writes):
        outcomes = await super().flush(writes)
        refused = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
        return [refused[0]] * len(writes) if refused else outcomes


@planted("The loop is blocked while the backend works.", "flush.loop_stays_free")
class LoopBlocked(Toy):
    async def flush(self, writes):
        time.sleep(0.002)
        return await super().flush(writes)


@planted("The loop is blocked by reading.", "flush.loop_stays_free")
class LoopBlockedByReading(Toy):
    async def rows(self, key, span):
        time.sleep(0.002)
        return await super().rows(key, span)


@planted("A connection is not given back when its caller is cancelled.", "cancel.read", patience=1.0)
class LeakedOnCancel(Toy):
    free_ones = 2

    async def rows(self, key, span):
        while not self.free_ones:
            await asyncio.sleep(0.01)
        self.free_ones -= 1
        await asyncio.sleep(0)
        rows = await super().rows(key, span)
        self.free_ones += 1
        return rows


@planted("An answer that its reader did not wait for is given to the next.", "cancel.read")
class AnotherAnswer(Toy):
    async def rows(self, key, span):
        left = self.__dict__.setdefault("left", [])
        left.append(await super().rows(key, span))
        await asyncio.sleep(0)
        return left.pop(0)


@planted("Cancelling one caller cancels the flush of all.", "cancel.others")
class FlushCancelled(OtherQueue):
    class Queue(GroupCommit):
        async def submit(self, write, operation):
            try:
                return await super().submit(write, operation)
            except asyncio.CancelledError:
                if self._task and not self._task.done():
                    self._task.cancel()
                raise

    class Store(Toy):
        async def flush(self, writes):
            for _ in range(3):
                await asyncio.sleep(0)
            return await super().flush(writes)


@planted("A cancelled turn is stored by half.", "cancel.turn")
class CancelledByHalf(Outer):
    async def commit(self, turn):
        known = {message.id for message in await self.messages.find(turn.session_id, limit=1000)}
        if not known & {message.id for message in turn.messages}:
            await self.messages.append(turn.session_id, turn.messages[:1], turn_id=turn.id)
        return await super().commit(turn)


@planted("An append costs more behind a longer history.", "growth.append")
class AppendsGrow(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        rows = self._rows.get(plan.done.head.key.key)
        repr(rows)


@planted("The newest 20 cost more of a longer history.", "growth.newest")
class NewestGrows(Toy):
    async def rows(self, key, span):
        repr(list(self._rows[key.key].by_seq.values()))
        return await super().rows(key, span)
