"""Retries that are stored twice, refused, or answered wrongly."""

import asyncio
import time

from contract_tests.tests.planted.bases import Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict
from holdfast.toolkit import Done, Plan, Refused


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
