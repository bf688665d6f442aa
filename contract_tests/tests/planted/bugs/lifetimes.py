"""Lifetimes that writes and reads move."""

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.clock import to_micros
from holdfast.toolkit import Plan
from holdfast.toolkit.sessions import StoreSessions


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
