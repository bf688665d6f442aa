"""Lifetimes of sessions and states."""

from datetime import UTC, datetime

from contract_tests.tests.planted.bases import Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.clock import to_micros
from holdfast.toolkit import Plan


@planted("Expiry is ignored.", "expiry.dead", "expiry.instant")
class Ignored(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write, head and head._replace(expires_at=None), known, removable)

    def head_out(self, head):
        return head._replace(fence="held alive")


@planted("A write to an expired session brings it back.", "expiry.dead", "expiry.next_life")
class WritesRevive(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write, head and head._replace(expires_at=None), known, removable)


def _keeps(unit):
    def judge(self, write, head, known, removable):
        plan = Toy.judge(self, write, head, known, removable)
        if isinstance(plan, Plan) and plan.done.head.expires_at:
            return with_head(plan, expires_at=plan.done.head.expires_at // unit * unit)
        return plan

    return judge


@planted("Expiry is kept in seconds.", "expiry.instant", "identity.columns_of_expiry", "values.lifetimes")
class InSeconds(Toy):
    judge = _keeps(10**6)


@planted("Expiry is kept in milliseconds.", "expiry.instant", "values.lifetimes")
class InMilliseconds(Toy):
    judge = _keeps(1000)


@planted("Expiry is written in milliseconds and read as microseconds.", "expiry.dead", "expiry.kept")
class WrongUnit(Toy):
    def judge(self, write, head, known, removable):
        if write.state and write.state.expires_at:
            write = write._replace(state=write.state._replace(expires_at=write.state.expires_at // 1000))
        return super().judge(write, head, known, removable)


@planted("A session lives on in the very moment of its expiry.", "expiry.instant")
class OneMomentLonger(Toy):
    def head_out(self, head):
        return head._replace(expires_at=head.expires_at and head.expires_at + 1)


@planted("Expiry goes by the machine's clock.", "expiry.dead")
class MachinesClock(Toy):
    def head_out(self, head):
        dead = head.expires_at and head.expires_at <= to_micros(datetime.now(UTC))
        return head._replace(expires_at=dead and 1)

    def judge(self, write, head, known, removable):
        return super().judge(write, head and self.head_out(head), known, removable)


@planted("Times of expiry after 2038 wrap.", "expiry.far_and_near", "values.lifetimes")
class Wraps2038(Toy):
    def head_out(self, head):
        return head._replace(expires_at=head.expires_at and min(head.expires_at, 2**31 * 10**6))


@planted("An append removes the expiry, as SET does in Redis.", "expiry.kept")
class AppendPersists(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, expires_at=None) if write.only_appends else plan


@planted("A save keeps the old expiry.", "expiry.kept", "identity.columns_of_expiry")
class SaveKeepsExpiry(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, expires_at=head.expires_at) if head and write.state and not write.create else plan


@planted("An append moves state_expires_at.", "expiry.kept")
class AppendMovesStateExpiry(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        moves = write.only_appends and head and head.state_expires_at
        return with_head(plan, state_expires_at=head.state_expires_at + 1) if moves else plan


@planted("An append brings an expired state back.", "expiry.state_stays_expired")
class AppendRevivesState(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        revives = write.rows and head and not write.state and head.forgotten(write.now)
        return with_head(plan, state_expires_at=None) if revives else plan


@planted("An expired state is still read.", "expiry.state", "expiry.state_instant", "listing.expired_state")
class ExpiredStateRead(Toy):
    def head_out(self, head):
        return head._replace(state_expires_at=None)

    async def find(self, query):
        found = await super().find(query)
        return found._replace(heads=[self.head_out(head) for head in found.heads])


@planted("A listing shows expired states.", "listing.expired_state", "expiry.state")
class ExpiredStateListed(Toy):
    async def find(self, query):
        found = await super().find(query)
        return found._replace(heads=[head._replace(state_expires_at=None) for head in found.heads])


@planted("An expired state takes the whole session with it.", "expiry.state", "expiry.next_state")
class StateTakesSession(Toy):
    def head_out(self, head):
        ends = [time for time in (head.expires_at, head.state_expires_at) if time is not None]
        return head._replace(expires_at=min(ends, default=None))
