"""Expiry of states, and a clock that goes back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from holdfast import Adapter, Capability, Message, Session, SessionExpired, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

HOUR = timedelta(hours=1)


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is not found, though it has not expired"
    return session


@clause(
    "expiry.state",
    "An expired state reads as empty wherever it is read, and the rest of the session stays.",
    needs=[Capability.EXPIRY],
    sealed=True,
    level=Level.SMOKE,
)
async def state(case: Case) -> None:
    adapter = await case.open()
    at = case.clock.now + HOUR
    session = Session(id="s", user_id="u", agent="a", status="odd", state_expires_at=at, completed_at=at)
    session.data, session.metadata, session.data_by_route = {"a": 1}, {"m": 1}, {"r": {"x": 1}}
    session.enter_route("r", "step", at=case.clock.now)
    session.schema_version = 3
    saved = await adapter.sessions.save(session)
    await adapter.messages.append("s", case.say("a"))
    before = await _now(adapter)
    case.same((before.data, before.key), ({"a": 1}, saved.key), "data and key before the state expires")
    case.clock.pass_(hours=1)
    empty: dict[str, Any] = dict.fromkeys(("current_route", "current_step", "schema_version"))
    empty |= {"data": {}, "metadata": {}, "data_by_route": {}, "route_history": []}
    expected = before.model_copy(update=empty)
    case.same(await _now(adapter), expected, "the session, its state expired")
    [found] = await case.listed(adapter, SessionQuery(with_state=True), ["s"])
    case.same(found, expected, "the session as it is listed, its state expired")
    case.same([message.id for message in await adapter.messages.find("s")], ["a"], "the messages")


@clause(
    "expiry.state_stays_expired",
    "No append, read or turn of messages brings an expired state back.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def state_stays_expired(case: Case) -> None:
    adapter = await case.open(session_ttl=HOUR, refresh_ttl_on_read=True)
    await adapter.sessions.save(Session(id="s", data={"secret": 1}))
    case.clock.pass_(hours=1)
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "an append": lambda: adapter.messages.append("s", case.say("a")),
        "a read of messages": lambda: adapter.messages.find("s"),
        "a turn of messages": lambda: adapter.commit(Turn(session_id="s", messages=case.say("b"))),
        "a read of the session": lambda: adapter.sessions.get("s"),
    }
    for what, call in calls.items():
        await call()
        case.same((await _now(adapter)).data, {}, f"the expired state after {what}")


@clause(
    "expiry.state_stays_expired_by_removal",
    "No removal brings an expired state back.",
    needs=[Capability.EXPIRY, Capability.REMOVE],
)
async def state_stays_expired_by_removal(case: Case) -> None:
    adapter = await case.open(session_ttl=HOUR)
    await adapter.sessions.save(Session(id="s", data={"secret": 1}))
    await adapter.messages.append("s", case.say("a"))
    case.clock.pass_(hours=1)
    await adapter.messages.remove("s", after=0, through=1)
    case.same((await _now(adapter)).data, {}, "the expired state after a removal")


@clause(
    "expiry.state_stays_expired_by_replacement",
    "No replacement brings an expired state back.",
    needs=[Capability.EXPIRY, Capability.REPLACE],
)
async def state_stays_expired_by_replacement(case: Case) -> None:
    adapter = await case.open(session_ttl=HOUR)
    await adapter.sessions.save(Session(id="s", data={"secret": 1}))
    await adapter.messages.append("s", case.say("a"))
    case.clock.pass_(hours=1)
    await adapter.messages.replace("s", Message(id="a", role="user"))
    case.same((await _now(adapter)).data, {}, "the expired state after a replacement")


@clause("expiry.next_state", "A save after its state expired begins a new one.", needs=[Capability.EXPIRY])
async def next_state(case: Case) -> None:
    adapter = await case.open(session_ttl=HOUR)
    await adapter.sessions.save(Session(id="s", data={"old": 1}))
    case.clock.pass_(hours=1)
    session = await _now(adapter)
    session.data["new"] = 1
    saved = await adapter.sessions.save(session)
    found = (saved.version, saved.data, saved.state_expires_at)
    case.same(found, (2, {"new": 1}, case.clock.now + HOUR), "version, data, state_expires_at")
    case.same(await _now(adapter), saved, "what is stored, against the answer")


# --- a clock that goes back -------------------------------------------------------------------------


@clause(
    "expiry.clock_goes_back",
    "A clock that goes back brings nothing to life that was seen dead.",
    needs=[Capability.EXPIRY],
)
async def clock_goes_back(case: Case) -> None:
    adapter = await case.open()
    old = await adapter.sessions.save(Session(id="s", expires_at=case.clock.now + HOUR))
    case.clock.pass_(hours=1)
    await adapter.sessions.save(Session(id="state", data={"a": 1}, state_expires_at=case.clock.now))
    case.same(await adapter.sessions.get("s"), None, "the expired session")
    case.same((await _now(adapter, "state")).data, {}, "the expired state")
    case.clock.pass_(hours=-2)
    case.same(await adapter.sessions.get("s"), None, "the expired session, after the clock went back")
    case.same((await _now(adapter, "state")).data, {}, "the expired state, after the clock went back")
    await case.refused(SessionExpired, adapter.messages.append("s", case.say("c")))
    await case.refused(SessionExpired, adapter.messages.find("s"))
    await case.refused(SessionExpired, adapter.sessions.save(old))
    await case.listed(adapter, SessionQuery(), ["state"])


@clause("expiry.activity_goes_on", "A clock that goes back does not make a write older than the one before.")
async def activity_goes_on(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="a"))
    before = (await adapter.sessions.save(Session(id="b"))).updated_at
    assert before is not None, "a saved session has no updated_at"
    case.clock.pass_(hours=-5)
    await adapter.messages.append("a", case.say("m"))
    after = (await _now(adapter, "a")).updated_at
    assert after is not None, "updated_at is lost after an append"
    assert after >= before, f"updated_at went back from {before} to {after}"


@clause(
    "expiry.views_share_a_clock",
    "The tenants' views of an adapter share one clock, which does not go back.",
    needs=[Capability.EXPIRY, Capability.TENANTS],
)
async def views_share_a_clock(case: Case) -> None:
    adapter = await case.open()
    view = adapter.for_tenant("t")
    await view.sessions.save(Session(id="s", expires_at=case.clock.now + HOUR))
    case.clock.pass_(hours=1)
    await adapter.ping()
    case.same(await adapter.sessions.get("other"), None, "a session that never was")
    case.clock.pass_(hours=-1)
    case.same(await view.sessions.get("s"), None, "a view's session that expired before the clock went back")
