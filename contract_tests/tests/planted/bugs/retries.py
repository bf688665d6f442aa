"""Retries that are stored twice, refused, or answered wrongly."""

import asyncio
import time

from contract_tests.tests.planted.bases import Outer, Shared, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict
from holdfast.models import Committed
from holdfast.toolkit import REMEMBERED, Done, Plan, Recent, Refused
from holdfast.toolkit.messages import StoreMessages


@planted("A retry stores its messages again, under new ids.", "retries.append")
class StoredTwice(Toy):
    def judge(self, write, head, known, removable):
        rows = [row._replace(id=f"{row.id} ") if row.id in known else row for row in write.rows]
        return super().judge(write._replace(rows=tuple(rows)), head, {}, removable)


@planted("Known ids are looked for in the newest 100 messages only.", "retries.long_after", "retries.large_append")
class NewestHundredKnown(Toy):
    def judge(self, write, head, known, removable):
        near = {id_: row for id_, row in known.items() if row.seq > head.next_seq - 100}
        return super().judge(write, head, near, removable)


@planted("A retried save is a conflict.", "retries.save", "cancel.save")
class RetryConflicts(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write, head and head._replace(recent_turns=()), known, removable)


@planted("The time is in the digest.", "retries.append", "digests.no_words")
class TimeInDigest(Toy):
    def write_in(self, write):
        rows = [row._replace(digest=row.digest + time.time_ns().to_bytes(8)) for row in write.rows]
        return super().write_in(write._replace(rows=tuple(rows)))


@planted("The role is not in the digest.", "digests.words")
class RoleNotInDigest(Toy):
    def write_in(self, write):
        return super().write_in(
            write._replace(rows=tuple(row._replace(digest=row.body.encode()) for row in write.rows))
        )


@planted(
    "Digests are not compared: other words under one id pass for a retry.", "retries.other_words", "digests.words"
)
class DigestsIgnored(Toy):
    def judge(self, write, head, known, removable):
        rows = [row._replace(digest=known[row.id].digest) if row.id in known else row for row in write.rows]
        return super().judge(write._replace(rows=tuple(rows)), head, known, removable)


@planted("A turn id alone tells a retry, whatever the turn says.", "retries.turn_id_used", "digests.state")
class TurnIdTells(Toy):
    def judge(self, write, head, known, removable):
        if head:
            same = [one._replace(digest=write.digest) for one in head.recent_turns]
            head = head._replace(recent_turns=tuple(same))
        return super().judge(write, head, known, removable)


@planted("A used turn id conflicts, even with the same turn.", "retries.turn")
class UsedTurnConflicts(Toy):
    def judge(self, write, head, known, removable):
        if head and write.turn_id in {one.turn_id for one in head.recent_turns}:
            return Refused(DuplicateIdConflict(write.ref.id, [write.turn_id]))
        return super().judge(write, head, known, removable)


@planted("Segments of a turn are not told apart.", "segments.states", "segments.each_once")
class SegmentsIgnored(Toy):
    def write_in(self, write):
        return super().write_in(write)._replace(segment=0)


def _remembering(count):
    def judge(self, write, head, known, removable):
        plan = Toy.judge(self, write, head, known, removable)
        if isinstance(plan, Plan) and head:
            longer = (*head.recent_turns, *plan.done.head.recent_turns[-1:])
            kept = longer if write.state or write.remove else head.recent_turns
            return with_head(plan, recent_turns=kept[-count:])
        return plan

    return judge


@planted("Only 4 turns are remembered.", "retries.window")
class FourRemembered(Toy):
    judge = _remembering(4)


@planted("Turns are remembered for ever.", "retries.past_window")
class NeverForgotten(Toy):
    judge = _remembering(10**6)


@planted("Removals take no place among the turns that are remembered.", "retries.window_of_removals")
class RemovalsNotRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        forgets = head and write.remove and not write.state
        return with_head(plan, recent_turns=head.recent_turns) if forgets else plan


@planted("Appends take places among the turns that are remembered.", "retries.window_of_appends")
class AppendsRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if write.only_appends and head and isinstance(plan, Plan):
            return with_head(plan, recent_turns=head.recent_turns[1:])
        return plan


@planted("Redactions take places among the turns that are remembered.", "retries.window_of_redactions")
class RedactionsRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, recent_turns=head.recent_turns[1:]) if write.replace and head else plan


@planted("A refused write takes a place among the turns that are remembered.", "retries.window")
class RefusedRemembered(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        head = self._heads.get(write.ref)
        if isinstance(outcome, Refused) and head:
            recent = (*head.recent_turns, Recent(write.turn_id, 0, write.digest, head.version, 0, 0))
            self._heads[write.ref] = head._replace(recent_turns=recent[-REMEMBERED:])
        return outcome


@planted("A retry is answered with the session of now, not with the version of the first try.", "retries.save")
class VersionOfNow(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        return verdict._replace(head=head) if isinstance(verdict, Done) else verdict


@planted("Committed.replayed is always False.", "retries.turn", "retries.turn_at_once")
class NeverReplayed(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return Committed(done.session, done.messages, replayed=False, removed=done.removed)


@planted("The answer to a retried turn brings back what was removed since.", "retries.all_removed_since")
class RemovedInTheAnswer(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return Committed(done.session, done.messages or tuple(turn.messages), done.replayed, done.removed)


@planted("Only the first of the ids that are taken is named.", "retries.other_words")
class FirstIdNamed(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        if isinstance(verdict, Refused) and isinstance(verdict.error, DuplicateIdConflict):
            return Refused(DuplicateIdConflict(write.ref.id, verdict.error.ids[:1]))
        return verdict


@planted("A retried append gets the messages as they were sent: with the new time.", "retries.among_new")
class AnsweredAsSent(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            told = await super().append(session_id, messages, **how)
            now = self._run.clock()
            return [message.model_copy(update={"created_at": now}) for message in told]


@planted("A duplicate is acknowledged before it is durable.", "races.duplicate")
class AcknowledgedTooEarly(Shared):
    async def flush(self, writes):
        pending = self.world.setdefault("pending", {})
        if all(write.only_appends and all(row.id in pending for row in write.rows) for write in writes):
            return [self._early(write, pending) for write in writes]
        for write in writes:
            head = self._heads.get(write.ref)
            pending |= {row.id: head.next_seq if head else 1 for row in write.rows}
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().flush(writes)

    def _early(self, write, pending):
        seqs = tuple(pending[row.id] for row in write.rows)
        return Done(self._heads[write.ref]._replace(body=None), seqs, appended=len(write.rows), replayed=True)


@planted("A repetition counts as activity.", "listing.activity", "retries.append")
class RepetitionIsActivity(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        if isinstance(verdict, Done):
            self._heads[write.ref] = head._replace(updated_at=write.now)
        return verdict


@planted("Ids that a turn itself removes count as taken.", "turns.tail")
class OwnRemovalTaken(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        fits = isinstance(verdict, Plan) and head and write.remove
        taken = [row.id for row in write.rows if row.id in known] if fits else []
        return Refused(DuplicateIdConflict(write.ref.id, taken)) if taken else verdict


@planted("The turn that stored a message is put on messages that were there before.", "retries.among_new")
class NewTurnOnOldMessages(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        rows = self._rows.get(plan.done.head.key.key)
        for seq in plan.done.seqs if rows else ():
            rows.put(replace_turn(rows.by_seq[seq], write))


def replace_turn(row, write):
    return row._replace(turn_id=write.turn_id, segment=write.segment)


@planted("A retry of a turn whose first try brought no state stores the state alone.", "retries.more_state")
class MoreStateStored(Toy):
    def judge(self, write, head, known, removable):
        if head and write.rows and write.state and all(row.id in known for row in write.rows):
            write = write._replace(rows=(), turn_id=write.turn_id + " state")
        return super().judge(write, head, known, removable)
