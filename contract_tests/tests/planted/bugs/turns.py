"""Turns that are not whole."""

import asyncio
from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Shared, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.models import Committed
from holdfast.toolkit import Done, Plan, Refused


@planted("Half of a batch is kept when a turn is refused.", "turns.refused")
class HalfIsKept(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        if isinstance(outcome, Refused) and write.state:
            super()._write(write._replace(rows=write.rows[:1], state=None, expected=None, create=None))
        return outcome


@planted("A refused append keeps the messages before the one that was refused.", "turns.refused_append")
class KeptUpToTheRefused(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        for row in write.rows if isinstance(outcome, Refused) else ():
            if not isinstance(super()._write(write._replace(rows=(row,))), Done):
                break
        return outcome


@planted("The state of a refused turn is stored.", "turns.refused")
class StateOfARefusedTurn(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        if isinstance(outcome, Refused) and write.state and write.rows and write.expected != 0:
            super()._write(write._replace(rows=(), remove=None, last_seq=None))
        return outcome


@planted("A refused turn has removed already.", "turns.refused_with_removal")
class RemovedBeforeRefused(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        if isinstance(outcome, Refused) and write.remove and (head := self._heads.get(write.ref)):
            self._rows[head.key.key].drop(*write.remove)
        return outcome


@planted("A refused creation leaves a session.", "turns.refused_creation_with_removal")
class RefusedCreationStays(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        if isinstance(outcome, Refused) and write.create and write.ref not in self._heads:
            super()._write(write._replace(rows=(), remove=None, last_seq=None))
        return outcome


@planted("A turn is written message by message.", "turns.never_split", "races.turns_whole")
class MessageByMessage(Outer):
    async def commit(self, turn):
        done = []
        for message in turn.messages:
            done += await self.messages.append(turn.session_id, [message], turn_id=turn.id)
        last = await super().commit(turn)
        return Committed(last.session, tuple(done) or last.messages, last.replayed, last.removed)


@planted("The state is stored later than the messages.", "races.turns_whole", "turns.refused")
class StateLater(Outer):
    async def commit(self, turn):
        if turn.session and turn.messages and turn.session.version:
            messages = await self.messages.append(turn.session_id, turn.messages, turn_id=turn.id)
            await asyncio.sleep(0)
            done = await super().commit(turn.model_copy(update={"messages": (), "id": turn.id + " state"}))
            return Committed(done.session, tuple(messages), done.replayed, done.removed)
        return await super().commit(turn)


@planted("A session is read in two steps: head first, state later.", "turns.one_state")
class ReadInTwoSteps(Toy):
    async def heads(self, refs, *, state):
        heads = await super().heads(refs, state=state)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        bodies = await super().heads(refs, state=state)
        return [head and body and head._replace(body=body.body) for head, body in zip(heads, bodies, strict=True)]


@planted("A turn without a state empties it.", "turns.messages_keep_state")
class MessagesEmptyTheState(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return replace(plan, body="{}") if isinstance(plan, Plan) and write.rows and not write.state else plan


@planted("An append raises the version.", "conflicts.appends")
class AppendRaisesVersion(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, version=head.version + 1) if write.only_appends and head else plan


@planted("The answer to a turn is the session as it was before.", "turns.whole")
class AnswerOfBefore(Toy):
    def _write(self, write):
        before = self._heads.get(write.ref)
        outcome = super()._write(write)
        return (
            outcome._replace(head=before._replace(body=None)) if isinstance(outcome, Done) and before else outcome
        )


@planted("Turns keep at most 100 messages.", "turns.large")
class AHundredMessages(Toy):
    def write_in(self, write):
        return super().write_in(write)._replace(rows=write.rows[:100])


@planted("What a message says of its own position is believed.", "turns.placed_by_the_store")
class PositionBelieved(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        told = zip(done.messages, turn.messages, strict=False)
        messages = [new.model_copy(update={"seq": old.seq or new.seq}) for new, old in told]
        return Committed(done.session, tuple(messages), done.replayed, done.removed)


@planted("The adapter's clock is put over the caller's times.", "turns.own_times")
class ClockOverCaller(Toy):
    def write_in(self, write):
        return write._replace(rows=tuple(row._replace(created_at=write.now) for row in write.rows))


@planted("A turn's key is ignored.", "identity.dead_key")
class KeyIgnored(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write if write.delete else write._replace(key=None), head, known, removable)


@planted("A turn with a key creates the session anew.", "identity.key_creates_nothing")
class KeyCreates(Toy):
    def write_in(self, write):
        return write._replace(key=None) if write.create else write


@planted("One in fifty is acknowledged and dropped.", "turns.many_appends")
class OneInFiftyDropped(Toy):
    count = 0

    def _carry_out(self, write, plan, head):
        self.count += 1
        if self.count % 50:
            super()._carry_out(write, plan, head)


@planted("What is acknowledged is stored when it is closed, if then.", "retries.other_handle", "races.duplicate")
class WriteBehind(Shared):
    def join(self, world):
        super().join(dict(world))


@planted("What is acknowledged is lost at a restart.", "death.restart", "cursors.after_restart")
class LostAtARestart(Shared):
    async def aclose(self):
        self.clear()
        self.world.clear()
