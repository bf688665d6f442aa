"""Lifetimes of sessions and states."""

from datetime import UTC, datetime

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.clock import to_micros
from holdfast.toolkit import Plan
from holdfast.toolkit.sessions import StoreSessions


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


@planted("Lifetimes are not moved by appends.", "expiry.ttl_moved", "expiry.ttl_silence")
class NotMovedByAppends(Toy):
    def write_in(self, write):
        return write._replace(lifetimes={}) if write.only_appends else write


@planted("Lifetimes are moved by appends alone.", "expiry.ttl_moved_by_removal")
class NotMovedByRemovals(Toy):
    def write_in(self, write):
        return write._replace(lifetimes={}) if write.remove else write


@planted("Lifetimes by status are ignored.", "expiry.ttl_by_status")
class StatusIgnored(Toy):
    def write_in(self, write):
        return write._replace(lifetimes={"": write.lifetimes[""]} if write.lifetimes else {})


@planted("The state lives as long as the session.", "expiry.ttl_creation")
class OneLifetime(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, state_expires_at=plan.done.head.expires_at) if isinstance(plan, Plan) else plan


@planted("Reading prolongs a session unasked.", "expiry.ttl_not_read")
class ReadingProlongs(Outer):
    def __init__(self, **options):
        super().__init__(**{**options, "refresh_ttl_on_read": True})


@planted("Reading never prolongs a session.", "expiry.ttl_read")
class ReadingNeverProlongs(Outer):
    def __init__(self, **options):
        super().__init__(**{**options, "refresh_ttl_on_read": False})


@planted("A clock that goes back brings the dead to life.", "expiry.clock_goes_back")
class ClockGoesBack(Outer):
    def _bind(self, tenant):
        super()._bind(tenant)
        runtime = self._runtime
        runtime.now = lambda: to_micros(runtime.clock())


@planted("A refused write prolongs the session.", "expiry.ttl_refused")
class RefusedProlongs(Toy):
    def _write(self, write):
        super()._write(write._replace(touch=True, rows=(), state=None, remove=None, delete=False, replace=None))
        return super()._write(write)


@planted("Creating an expired id goes on with the old life.", "expiry.next_life", "races.expired")
class OldLifeGoesOn(Toy):
    def judge(self, write, head, known, removable):
        if head and head.dead(write.now) and write.create:
            write, head = write._replace(create=None, expected=None), head._replace(expires_at=None)
        return super().judge(write, head, known, removable)


@planted("Deleting an expired session says that there was one.", "expiry.deleted")
class ExpiredDeletionTold(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            there = await self._run.head(self._ref(session_id))
            return await super().delete(session_id, **how) or there is not None

        def _ref(self, session_id):
            return self._run.store.name((self._tenant, session_id))


@planted("A sweep frees what lives.", "sweeping.alive")
class SweepFreesTheLiving(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=tenant, limit=limit, now=now + 1)


@planted("A sweep ignores its limit.", "sweeping.step")
class SweepWithoutLimit(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=tenant, limit=10**9, now=now)


@planted("A sweep ignores the tenant.", "sweeping.tenants")
class SweepOfAllTenants(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=None, limit=limit, now=now)


@planted("A sweep of the adapter is of the default tenant.", "sweeping.tenants")
class SweepOfDefaultTenant(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=tenant or "", limit=limit, now=now)


@planted("A sweep ends sessions, and leaves their rows.", "sweeping.no_row_stays", "sweeping.until_none_is_left")
class SweepLeavesRows(Toy):
    async def free(self, key, *, limit):
        self._dead.pop(key.key, None)
        return 0


@planted("A sweep takes parents with their children.", "sweeping.parents_of_the_expired")
class SweepTakesParents(Toy):
    def _doomed(self, tenant, now):
        doomed = super()._doomed(tenant, now)
        keys = {head.parent_key for head in doomed}
        return doomed + [head for head in self._heads.values() if head.key.key in keys and head not in doomed]


@planted("A sweep leaves the children of what expired.", "sweeping.families")
class SweepLeavesChildren(Toy):
    def _doomed(self, tenant, now):
        return [head for head in super()._doomed(tenant, now) if head.dead(now)]


@planted("A sweep always says that something was freed.", "sweeping.nothing_dead")
class SweepNeverDone(Toy):
    async def sweep(self, *, tenant, limit, now):
        return max(1, await super().sweep(tenant=tenant, limit=limit, now=now))
