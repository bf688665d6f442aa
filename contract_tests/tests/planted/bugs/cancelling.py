"""Callers who go away, and histories that grow."""

import asyncio

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict
from holdfast.toolkit import Plan
from holdfast.toolkit.messages import StoreMessages


@planted("A retry that comes while the first try is on its way is a conflict.", "races.same_turn", "cancel.twin")
class RetryInFlight(Outer):
    async def commit(self, turn):
        flying = self._runtime.__dict__.setdefault("flying", set())
        if turn.id in flying:
            raise DuplicateIdConflict(turn.session_id, [turn.id])
        flying.add(turn.id)
        try:
            return await super().commit(turn)
        finally:
            flying.discard(turn.id)


@planted("A cancelled append takes the numbers that it was to get.", "cancel.append")
class CancelledTakesNumbers(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            try:
                return await super().append(session_id, messages, **how)
            except asyncio.CancelledError:
                heads = self._run.store._heads
                ref = self._ref(session_id)
                heads[ref] = heads[ref]._replace(next_seq=heads[ref].next_seq + 1)
                raise


@planted("A removal that is retried after it was cancelled removes nothing, and says so.", "cancel.removal")
class RemovalForgotten(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        forget = isinstance(plan, Plan) and head and write.remove and not write.state
        return with_head(plan, recent_turns=head.recent_turns) if forget else plan


@planted("In a storm one caller gets another's answer.", "cancel.storm")
class AnswersShift(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            answers = self._run.__dict__.setdefault("answers", [])
            answers.append(await super().append(session_id, messages, **how))
            await asyncio.sleep(0)
            return answers.pop(0)


@planted("A save costs more behind a longer history.", "growth.state")
class SavesGrow(Toy):
    def judge(self, write, head, known, removable):
        if head and write.state:
            repr(list(self._rows[head.key.key].by_seq.values()))
        return super().judge(write, head, known, removable)
