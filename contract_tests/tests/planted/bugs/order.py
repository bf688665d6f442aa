"""Positions, and what is counted beside them."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Shared, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Plan, Refused


@planted("A number is taken before the write: a refused write leaves a hole.", "order.refused_takes_none")
class TakenBeforeTheWrite(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        if isinstance(outcome, Refused) and (head := self._heads.get(write.ref)):
            self._heads[write.ref] = head._replace(next_seq=head.next_seq + len(write.rows))
        return outcome


@planted("A duplicate takes a number too.", "order.duplicates_take_none")
class DuplicatesTakeNumbers(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        extra = sum(row.id in known for row in write.rows)
        if extra and not isinstance(plan, Plan):
            self._heads[write.ref] = head._replace(next_seq=head.next_seq + extra)
        return plan


@planted("The next number is the highest that is there, plus one.", "order.never_reused")
class HighestPlusOne(Toy):
    def judge(self, write, head, known, removable):
        seqs = self._rows[head.key.key].seqs if head else ()
        head = head and head._replace(next_seq=max(seqs, default=0) + 1)
        return super().judge(write, head, known, removable)


@planted("A turn that replaces the tail gives its numbers again.", "order.never_reused_in_one_step")
class TailGivenAgain(Toy):
    def judge(self, write, head, known, removable):
        if head and write.remove and write.rows and write.remove.through == head.next_seq - 1:
            head = head._replace(next_seq=write.remove.after + 1)
            write = write._replace(remove=write.remove._replace(through=write.remove.after))
        return super().judge(write, head, known, removable)


@planted("What follows a removal is renumbered.", "removal.between")
class Renumbered(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        if write.remove and head:
            rows = self._rows[head.key.key]
            left = [rows.by_seq[seq] for seq in rows.seqs]
            rows.drop(0, head.next_seq)
            for seq, row in enumerate(left, 1):
                rows.put(row.at(seq))


@planted("One counter numbers the messages of all sessions.", "order.sessions_at_once")
class OneCounter(Toy):
    def judge(self, write, head, known, removable):
        highest = max((head.next_seq for head in self._heads.values()), default=1)
        return super().judge(write, head and head._replace(next_seq=highest), known, removable)


@planted("Messages are read by their time.", "order.not_by_time")
class OrderedByTime(Toy):
    async def rows(self, key, span):
        rows = await super().rows(key, span)
        return rows and sorted(rows, key=lambda row: row.created_at)


@planted("Numbers are compared as text: 10 before 9.", "paging.to_newer")
class OrderedAsText(Toy):
    async def rows(self, key, span):
        rows = await super().rows(key, span)
        return rows and sorted(rows, key=lambda row: str(row.seq))


@planted("Messages of one call are stored as a set.", "order.as_given")
class AsASet(Toy):
    def write_in(self, write):
        return write._replace(rows=tuple(sorted(write.rows, key=lambda row: row.id)))


@planted("Writes of one flush all count from the same number.", "order.writers_at_once")
class SameNumberInAFlush(Toy):
    async def flush(self, writes):
        before = {write.ref: self._heads.get(write.ref) for write in writes}
        outcomes = []
        for write in writes:
            if write.only_appends and before[write.ref]:
                self._heads[write.ref] = before[write.ref]
            outcomes.append(self._write(write))
        return outcomes


@planted("A refused write among others takes a number from them.", "order.refused_among_others")
class RefusedAmongOthers(Toy):
    async def flush(self, writes):
        outcomes = [self._write(write) for write in writes]
        for write, outcome in zip(writes, outcomes, strict=True):
            head = self._heads.get(write.ref)
            if len(writes) > 1 and head and isinstance(outcome, Refused):
                self._heads[write.ref] = head._replace(next_seq=head.next_seq + 1)
        return outcomes


@planted("last_seq is the highest position that is there now.", "order.last_seq")
class LastSeqOfWhatIsThere(Toy):
    def head_out(self, head):
        return head._replace(next_seq=max(self._rows[head.key.key].seqs, default=0) + 1)


@planted("last_message_at is the latest time of all.", "order.last_message_at")
class LatestOfAll(Toy):
    def head_out(self, head):
        rows = self._rows[head.key.key].by_seq.values()
        return head._replace(last_message_at=max((row.created_at for row in rows), default=None))


@planted("last_message_at is when it was written.", "order.last_message_at")
class WhenWritten(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, last_message_at=write.now) if write.rows else plan


@planted("A removal moves last_message_at back.", "removal.leaves_last_message_at")
class LastMessageMovedBack(Toy):
    def head_out(self, head):
        rows = self._rows[head.key.key]
        return head._replace(last_message_at=rows.by_seq[rows.seqs[-1]].created_at if rows.seqs else None)


@planted("message_count does not fall when messages are removed.", "removal.in_a_turn")
class CountNeverFalls(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and write.remove:
            return with_head(plan, message_count=plan.done.head.message_count + removable)
        return plan


@planted("message_count falls by the length of a removal, not by what was there.", "removal.counts")
class CountFallsByLength(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and write.remove:
            length = write.remove.through - write.remove.after
            return with_head(plan, message_count=plan.done.head.message_count + removable - length)
        return plan


@planted(
    "message_count counts what is sent, duplicates too.",
    "order.duplicates_take_none",
    "turns.same_words_in_removal",
)
class DuplicatesCounted(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and head:
            return with_head(plan, message_count=plan.done.head.message_count + len(known))
        return plan


@planted("A replaced message is counted again.", "order.redaction_moves_nothing")
class ReplacedCounted(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and write.replace:
            return with_head(plan, message_count=plan.done.head.message_count + 1)
        return plan


@planted("A replaced message moves to the end.", "order.redaction_moves_nothing")
class ReplacedMoves(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and plan.replace:
            self._rows[head.key.key].drop(plan.replace.seq - 1, plan.replace.seq)
            moved = replace(plan, replace=plan.replace.at(head.next_seq))
            return with_head(moved, next_seq=head.next_seq + 1)
        return plan


@planted("One handle keeps the next number to itself.", "order.never_reused_by_others")
class NumberKeptByAHandle(Shared):
    kept: dict[str, int] | None = None

    def judge(self, write, head, known, removable):
        self.kept = self.kept or {}
        if head:
            head = head._replace(next_seq=self.kept.setdefault(head.key.key, head.next_seq))
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan):
            self.kept[plan.done.head.key.key] = plan.done.head.next_seq
        return plan
