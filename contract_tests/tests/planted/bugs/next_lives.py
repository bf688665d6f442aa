"""What is left of expired lives, and what is swept with them."""

from contract_tests.tests.planted.bases import Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Plan

DAY = 86_400 * 10**6


@planted(
    "Where a turn with messages creates an expired session anew, the old messages stay and the new are lost.",
    "expiry.next_life_by_turn",
    "races.expired",
)
class OldRowsForATurn(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        if plan.bury and plan.create and write.rows:
            self._rows[plan.done.head.key.key] = self._rows[plan.bury.key]


@planted(
    "Where a turn with messages creates a deleted session anew, the old messages come back.",
    "identity.next_life_by_turn",
)
class DeletedRowsForATurn(Toy):
    def _carry_out(self, write, plan, head):
        left = self.__dict__.setdefault("left", {})
        super()._carry_out(write, plan, head)
        if write.delete and head:
            left[write.ref] = [*self._rows[head.key.key].by_seq.values()]
        if plan.create and write.rows:
            rows = self._rows[plan.done.head.key.key]
            for row in left.pop(write.ref, []):
                if row.id not in rows.by_id:
                    rows.put(row)


@planted("The turns of an expired life are remembered by the next.", "expiry.turns_of_one_life")
class TurnsOutliveExpiry(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and plan.bury and plan.create:
            return with_head(plan, recent_turns=(*head.recent_turns, *plan.done.head.recent_turns)[-16:])
        return plan


@planted("In a tenant, the children of what expired are not swept.", "sweeping.families_in_a_tenant")
class ChildrenOfTenantsLeft(Toy):
    def _doomed(self, tenant, now):
        return [head for head in super()._doomed(tenant, now) if head.dead(now) or not head.key.tenant]


@planted("A sweep ends a session whose state expired more than a day ago.", "sweeping.alive")
class StateEndsTheSession(Toy):
    def _doomed(self, tenant, now):
        doomed = super()._doomed(tenant, now)
        old = [
            head
            for head in self._heads.values()
            if head.state_expires_at and head.state_expires_at + DAY < now and tenant in (None, head.key.tenant)
        ]
        return doomed + [head for head in old if head not in doomed]
