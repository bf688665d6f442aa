"""Expiry: past it a session is dead for every operation; past the state's, the state reads as empty."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from holdfast import Adapter, Capability, Message, NotFound, Session, SessionExpired, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._refusals import all_refused

HOUR = timedelta(hours=1)
MICRO = timedelta(microseconds=1)
SPANS = (
    MICRO,
    timedelta(microseconds=999),
    timedelta(milliseconds=1),
    timedelta(milliseconds=999, microseconds=1),
    timedelta(seconds=1),
    timedelta(seconds=59, microseconds=123_457),
    HOUR,
    timedelta(days=400, microseconds=1),
)


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is not found, though it has not expired"
    return session


async def _expired(case: Case) -> tuple[Adapter, Session]:
    adapter = await case.open()
    begin = Session(id="s", data={"a": 1}, expires_at=case.clock.now + HOUR)
    session = await adapter.sessions.save(begin)
    await adapter.messages.append("s", case.say("a", "b"))
    case.clock.pass_(hours=1)
    return adapter, session


# --- the instant ------------------------------------------------------------------------------------


@clause(
    "expiry.instant",
    "A session lives up to its time, to the microsecond, and not beyond.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def instant(case: Case) -> None:
    adapter = await case.open()
    begin = case.clock.now
    for number, span in enumerate(SPANS):
        session = Session(id=f"s{number}", expires_at=begin + span)
        await adapter.commit(Turn(session_id=session.id, session=session, messages=case.say("a")))
    for number, span in enumerate(SPANS):
        name = f"s{number}"
        with case.about(f"a session that expires after {span}"):
            case.clock.now = begin + span - MICRO
            case.same((await _now(adapter, name)).expires_at, begin + span, "expires_at, a microsecond before it")
            case.same(len(await adapter.messages.find(name)), 1, "messages, a microsecond before")
            case.clock.now = begin + span
            case.same(await adapter.sessions.get(name), None, "the session at the instant when it expires")
            await case.refused(SessionExpired, adapter.messages.find(name))
            await case.refused(SessionExpired, adapter.messages.append(name, case.say("b")))


@clause(
    "expiry.state_instant",
    "A state lives up to its time, to the microsecond, and reads as empty from then on.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def state_instant(case: Case) -> None:
    adapter = await case.open()
    begin = case.clock.now
    for number, span in enumerate(SPANS):
        await adapter.sessions.save(Session(id=f"s{number}", data={"n": 1}, state_expires_at=begin + span))
    for number, span in enumerate(SPANS):
        with case.about(f"a state that expires after {span}"):
            case.clock.now = begin + span - MICRO
            session = await _now(adapter, f"s{number}")
            case.same((session.data, session.state_expires_at), ({"n": 1}, begin + span), "data, state_expires_at")
            case.clock.now = begin + span
            case.same((await _now(adapter, f"s{number}")).data, {}, "the data at the instant when it expires")


@clause(
    "expiry.far_and_near",
    "Times of expiry far off, in the past, or of another time zone, are kept as the instants that they are.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def far_and_near(case: Case) -> None:
    adapter = await case.open()
    far = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    east = (case.clock.now + MICRO).astimezone(timezone(timedelta(hours=14)))
    for name, at in {"far": far, "east": east}.items():
        await adapter.sessions.save(Session(id=name, expires_at=at, state_expires_at=at))
        session = await _now(adapter, name)
        case.same((session.expires_at, session.state_expires_at), (at.astimezone(UTC),) * 2, f"expiry of {name!r}")
    for name, at in {"now": case.clock.now, "old": datetime(1969, 1, 1, tzinfo=UTC)}.items():
        await adapter.sessions.save(Session(id=name, expires_at=at))
        case.same(await adapter.sessions.get(name), None, f"a session that expires at {at}")
    case.clock.pass_(microseconds=1)
    case.same(await adapter.sessions.get("east"), None, "a session past an instant given in another time zone")
    await case.listed(adapter, SessionQuery(), ["far"])


@clause(
    "expiry.listed",
    "An expired session is listed only where the query includes expired ones.",
    needs=[Capability.EXPIRY],
)
async def listed(case: Case) -> None:
    adapter = await case.open()
    at = case.clock.now + HOUR
    own: dict[str, Any] = {"user_id": "u", "agent": "a", "status": "odd"}
    for name, expires in (("old", at), ("later", at + MICRO), ("ever", None)):
        await adapter.sessions.save(Session(id=name, expires_at=expires, **own))
        case.clock.pass_(seconds=1)
    words: tuple[dict[str, Any], ...] = ({}, own, {"user_id": "u"}, {"agent": "a"}, {"status": "odd"})
    queries: tuple[dict[str, Any], ...] = (*words, {"nested": True}, {"updated_before": at}, {"with_state": True})
    alive = ["old", "later", "ever"]
    for now in (at - MICRO, at, at + MICRO):
        case.clock.now = now
        for query in queries:
            with case.about(f"the query {query} at {now}, where 'old' expires at {at}"):
                await case.listed(adapter, SessionQuery(order="created", **query), alive)
        await case.listed(adapter, SessionQuery(), alive[::-1])
        every = SessionQuery(order="created", include_expired=True)
        await case.listed(adapter, every, ["old", "later", "ever"])
        alive = alive[1:]


# --- every operation --------------------------------------------------------------------------------


@clause(
    "expiry.dead",
    "Every operation finds an expired session dead: it is neither read nor written.",
    needs=[Capability.EXPIRY],
)
async def dead(case: Case) -> None:
    adapter, old = await _expired(case)
    case.same(await adapter.sessions.get("s"), None, "the expired session")
    said = case.say("c")
    longer = old.model_copy(update={"expires_at": None})
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "save": lambda: adapter.sessions.save(old),
        "save of a longer life": lambda: adapter.sessions.save(longer),
        "save over any": lambda: adapter.sessions.save(longer, expected="any"),
        "save of a value without a key": lambda: adapter.sessions.save(Session(id="s"), expected="any"),
        "append": lambda: adapter.messages.append("s", said),
        "append of what is there": lambda: adapter.messages.append("s", case.say("a")),
        "append of nothing": lambda: adapter.messages.append("s", []),
        "find": lambda: adapter.messages.find("s"),
        "get of a message": lambda: adapter.messages.get("s", "a"),
        "turn of messages": lambda: adapter.commit(Turn(session_id="s", messages=said)),
        "turn with a state": lambda: adapter.commit(Turn(session_id="s", session=longer, messages=said)),
        "turn of nothing": lambda: adapter.commit(Turn(session_id="s", key=old.key)),
    }
    await all_refused(case, SessionExpired, calls)
    case.same(await adapter.sessions.get("s"), None, "the expired session after refused writes")
    [info] = await case.listed(adapter, SessionQuery(include_expired=True), ["s"])
    found = (info.version, info.last_seq, info.expires_at)
    case.same(found, (1, 2, case.clock.now), "version, last_seq and expires_at after refused writes")


@clause(
    "expiry.dead_remove",
    "An expired session's messages cannot be removed.",
    needs=[Capability.EXPIRY, Capability.REMOVE],
)
async def dead_remove(case: Case) -> None:
    adapter, _ = await _expired(case)
    await case.refused(SessionExpired, adapter.messages.remove("s", after=0, through=1))


@clause(
    "expiry.dead_replace",
    "An expired session's messages cannot be replaced.",
    needs=[Capability.EXPIRY, Capability.REPLACE],
)
async def dead_replace(case: Case) -> None:
    adapter, _ = await _expired(case)
    await case.refused(SessionExpired, adapter.messages.replace("s", Message(id="a", role="user")))


@clause("expiry.ended_by_save", "A save can end a life at once.", needs=[Capability.EXPIRY])
async def ended_by_save(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    saved = await adapter.sessions.save(session.model_copy(update={"expires_at": case.clock.now}))
    case.same((saved.version, saved.expires_at), (2, case.clock.now), "version and expires_at as answered")
    case.same(await adapter.sessions.get("s"), None, "the session")


@clause(
    "expiry.deleted",
    "Deleting an expired session finds none, whatever its guards, and frees its id.",
    needs=[Capability.EXPIRY],
)
async def deleted(case: Case) -> None:
    adapter = await case.open()
    all_guards: list[dict[str, Any]] = [{}, {"expected": 99, "last_seq": 99}]
    for guards in all_guards:
        session = Session(id="s", expires_at=case.clock.now + HOUR)
        await adapter.commit(Turn(session_id="s", session=session, messages=case.say("a")))
        case.clock.pass_(hours=1)
        with case.about(f"the guards {guards}"):
            answer = await adapter.sessions.delete("s", **guards)
            assert answer is False, f"deleting an expired session is answered with {answer!r}"
            await case.listed(adapter, SessionQuery(include_expired=True), [])


# --- lives ------------------------------------------------------------------------------------------


@clause(
    "expiry.next_life",
    "Creating the id of an expired session begins another life, which sees nothing of it.",
    needs=[Capability.EXPIRY],
)
async def next_life(case: Case) -> None:
    adapter, old = await _expired(case)
    again = await adapter.sessions.save(Session(id="s", user_id="other"))
    assert again.key != old.key, "the next life has the key of the expired one"
    now = case.clock.now
    fresh = Session(id="s", user_id="other", key=again.key, version=1, created_at=now, updated_at=now)
    case.same(again, fresh, "the new life")
    case.same(await adapter.messages.get("s", "a"), None, "a message of the expired life")
    [stored] = await adapter.messages.append("s", case.say("a"))
    case.same((stored.seq, stored.created_at), (1, now), "position and time of words that the expired life had")
    await case.refused(NotFound, adapter.sessions.save(old))
    await adapter.sweep()
    case.same((await _now(adapter)).key, again.key, "the key after a sweep")
    case.same(list(await adapter.messages.find("s")), [stored], "the messages after a sweep")


@clause(
    "expiry.earlier_life",
    "A session of an earlier life is not found; one of the expired life has expired.",
    needs=[Capability.EXPIRY],
)
async def earlier_life(case: Case) -> None:
    adapter = await case.open()
    first = await adapter.sessions.save(Session(id="s"))
    await adapter.sessions.delete("s")
    second = await adapter.sessions.save(Session(id="s", expires_at=case.clock.now))
    for session, kind in ((first, NotFound), (second, SessionExpired)):
        with case.about(f"a session that must be answered with {kind.__name__}"):
            await case.refused(kind, adapter.sessions.save(session))
            await case.refused(kind, adapter.commit(Turn(session_id="s", key=session.key)))
