"""Removals and redactions."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict, NotFound
from holdfast.toolkit import Done, Plan, Refused, Removal
from holdfast.toolkit.messages import StoreMessages


@planted("A removal takes the message at `after` too.", "removal.between")
class AfterIncluded(Toy):
    def write_in(self, write):
        remove = write.remove and Removal(max(write.remove.after - 1, 0), write.remove.through)
        return super().write_in(write)._replace(remove=remove)


@planted("A removal leaves the message at `through`.", "removal.between")
class ThroughLeft(Toy):
    def _carry_out(self, write, plan, head):
        short = write.remove and Removal(write.remove.after, write.remove.through - 1)
        super()._carry_out(write._replace(remove=short), plan, head)


@planted("A removal takes all that follows, also what came since.", "removal.between")
class EverythingBehind(Toy):
    def _carry_out(self, write, plan, head):
        all_behind = write.remove and Removal(write.remove.after, 2**62)
        super()._carry_out(write._replace(remove=all_behind), plan, head)


@planted("What was never appended can be removed.", "removal.beyond")
class BeyondRemoved(Toy):
    def judge(self, write, head, known, removable):
        if write.remove and head:
            through = min(write.remove.through, head.next_seq - 1)
            write = write._replace(remove=Removal(min(write.remove.after, through), through))
        return super().judge(write, head, known, removable)


@planted("A replayed removal says that it removed nothing.", "removal.replayed", "retries.removal")
class ReplayedRemovesNone(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        return verdict._replace(removed=0) if isinstance(verdict, Done) else verdict


@planted("A removal says how long the range was.", "removal.counts")
class LengthTold(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write, head, known, write.remove.through - write.remove.after if write.remove else 0)


@planted("A removed id stays taken.", "removal.frees_ids", "retries.removed_ids")
class RemovedStaysTaken(Toy):
    def _carry_out(self, write, plan, head):
        rows = self._rows[head.key.key] if head else None
        ids = dict(rows.by_id) if rows else {}
        super()._carry_out(write, plan, head)
        gone = {id_ for id_ in ids if rows and id_ not in rows.by_id}
        self.graves = getattr(self, "graves", set()) | gone

    def judge(self, write, head, known, removable):
        buried = getattr(self, "graves", set())
        taken = [row.id for row in write.rows if row.id in buried]
        if taken:
            return Refused(DuplicateIdConflict(write.ref.id, taken))
        return super().judge(write, head, known, removable)


@planted("No more than 1,000 messages are removed in one call.", "removal.over_a_thousand")
class AThousandRemoved(Toy):
    def _carry_out(self, write, plan, head):
        capped = write.remove and Removal(write.remove.after, min(write.remove.through, write.remove.after + 1000))
        super()._carry_out(write._replace(remove=capped), plan, head)


@planted("A removal is no activity.", "removal.is_a_write", "listing.removal_is_activity")
class RemovalIsNoActivity(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, updated_at=head.updated_at) if write.remove and head else plan


@planted("A removal raises the version.", "conflicts.removals")
class RemovalRaisesVersion(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, version=head.version + 1) if write.remove and head and not write.state else plan


@planted("A redaction raises the version.", "conflicts.redactions")
class RedactionRaisesVersion(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, version=head.version + 1) if write.replace and head else plan


@planted("A redaction is no activity.", "listing.redaction_is_activity")
class RedactionIsNoActivity(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, updated_at=head.updated_at) if write.replace and head else plan


@planted("A redacted message keeps its digest: a retry of the old words brings them back.", "redaction.retry")
class DigestKept(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and plan.replace:
            return replace(plan, replace=plan.replace._replace(digest=write.replace.digest))
        return plan


@planted("A redaction gives the message a new time, turn and segment.", "redaction.place")
class RedactionIsANewMessage(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and plan.replace:
            return replace(plan, replace=write.replace.at(plan.replace.seq)._replace(digest=b""))
        return plan


@planted("Redacting what is not there appends it.", "redaction.not_there")
class RedactionAppends(Outer):
    class Messages(StoreMessages):
        async def replace(self, session_id, message):
            try:
                return await super().replace(session_id, message)
            except NotFound:
                return (await self.append(session_id, [message]))[0]


@planted("The words of a redacted message stay in a log.", "redaction.gone")
class WordsInALog(Toy):
    def snapshot(self):
        return super().snapshot() + repr(getattr(self, "log", [])).encode()

    def write_in(self, write):
        self.log = [*getattr(self, "log", []), write]
        return super().write_in(write)


@planted("A message that was removed can be redacted.", "redaction.removed")
class RemovedIsRedacted(Outer):
    class Messages(StoreMessages):
        async def replace(self, session_id, message):
            try:
                return await super().replace(session_id, message)
            except NotFound:
                await self._run.live_head(self._ref(session_id))
                return message
