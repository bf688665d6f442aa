"""Values on every path: whichever call wrote them, and whichever reads them; and the times beside them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from holdfast import Adapter, Capability, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._round_trip import check_message, check_state, message_with, state_with

TRICKY: Mapping[str, Any] = {
    "z": [True, 1, 1.0, -0.0, None, "", "null", 2**53 + 1, 10**30],
    "a.b": {"$set": (1, {2}, frozenset({3})), "": b"\x00\xff", "nul": "a\x00b", "é": "e\u0301"},
    "exact": (Decimal("1.10"), datetime(2026, 1, 1, 1, 2, 3, 456_789, timezone(timedelta(hours=5, minutes=30)))),
    "m": {"y": " a ", "b": "a\r\nb", "x": "😀"},
}

# What the store gives, and what an ability of its own stands behind.
_GIVEN = {"key", "version", "last_seq", "message_count", "last_message_at", "created_at", "updated_at"}

Write = Callable[[Adapter, Session], Awaitable[Any]]


def _turn(session: Session, **fields: Any) -> Turn:
    return Turn(session_id=session.id, session=session, **fields)


@clause(
    "values.state_paths",
    "A state is the same, whichever call wrote it and whichever reads it.",
    sealed=True,
    level=Level.SMOKE,
)
async def state_paths(case: Case) -> None:
    adapter = await case.open()
    writes: dict[str, Write] = {
        "save, as new": lambda a, s: a.sessions.save(s),
        "commit, as new": lambda a, s: a.commit(_turn(s)),
        "commit with a message, as new": lambda a, s: a.commit(_turn(s, messages=case.say("a"))),
        "save, over another": lambda a, s: a.sessions.save(s, expected=1),
        "save, over any": lambda a, s: a.sessions.save(s, expected="any"),
        "commit, over another": lambda a, s: a.commit(_turn(s, expected=1)),
        "commit, over any": lambda a, s: a.commit(_turn(s, expected="any", messages=case.say("a"))),
    }
    for number, (how, write) in enumerate(writes.items()):
        with case.about(f"a state written by {how}"):
            name = f"s{number}"
            case.clock.pass_(seconds=1)
            if "over" in how:
                await adapter.sessions.save(Session(id=name, data={"old": 1}, metadata={"old": 1}))
            await write(adapter, state_with(name, TRICKY))
            check_state(case, await adapter.sessions.get(name), TRICKY, "what sessions.get gave")
    await _check_listed(case, adapter, [f"s{number}" for number in range(len(writes))])


async def _check_listed(case: Case, adapter: Adapter, names: list[str]) -> None:
    by_age = SessionQuery(order="created", with_state=True)
    by_activity = SessionQuery(order="activity", with_state=True)
    for query, expected in ((by_age, names), (by_activity, names[::-1])):
        for session in await case.listed(adapter, query, expected):
            with case.about(f"session {session.id!r} in a listing by {query.order}"):
                assert isinstance(session, Session), f"with_state=True gives sessions, found {type(session)}"
                if Capability.LISTING_EXACT in adapter.capabilities:
                    check_state(case, session, TRICKY, "what sessions.find gave")


@clause(
    "values.message_paths",
    "A message is the same, whichever call wrote it and whichever reads it.",
    sealed=True,
    level=Level.SMOKE,
)
async def message_paths(case: Case) -> None:
    adapter = await case.open()
    value = dict(TRICKY)
    done = await adapter.commit(_turn(Session(id="s"), messages=[message_with("a", value)]))
    committed = await adapter.commit(Turn(session_id="s", messages=[message_with("b", value)]))
    appended = await adapter.messages.append("s", [message_with("c", value)])
    again = await adapter.messages.append("s", [message_with(word, value) for word in "abc"])
    ways: dict[str, Iterable[Message | None]] = {
        "commit with a state": done.messages,
        "commit": committed.messages,
        "append": appended,
        "append of what is there": again,
        "messages.find": await adapter.messages.find("s"),
        "messages.find(last=3)": await adapter.messages.find("s", last=3),
        "messages.find(before=4)": await adapter.messages.find("s", before=4),
        "messages.find(limit=1)": await adapter.messages.find("s", limit=1),
        "messages.get": [await adapter.messages.get("s", word) for word in "abc"],
    }
    for how, messages in ways.items():
        for message in messages:
            check_message(case, message, value, f"what {how} gave")
    case.same([one.id for one in again], ["a", "b", "c"], "the ids of the second append")


@clause(
    "values.replacement",
    "What replaces a message comes back as it was.",
    needs=[Capability.REPLACE],
    sealed=True,
    level=Level.SMOKE,
)
async def replacement(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b"))
    told = await adapter.messages.replace("s", message_with("a", dict(TRICKY)))
    check_message(case, told, dict(TRICKY), "what replace gave back")
    check_message(case, await adapter.messages.get("s", "a"), dict(TRICKY), "what messages.get gave")
    [first, second] = await adapter.messages.find("s")
    check_message(case, first, dict(TRICKY), "what messages.find gave")
    case.same(second.content, "b", "the message beside")


@clause("values.emptied", "A state that was emptied reads as empty, and not as it was before.", sealed=True)
async def emptied(case: Case) -> None:
    adapter = await case.open()
    at = case.clock.now
    full = state_with("s", TRICKY)
    full.enter_route("r", "step", at=at)
    full.agent, full.status, full.completed_at, full.schema_version = "agent", "done", at, 7
    saved = await adapter.sessions.save(full)
    case.same((saved.agent, saved.status, saved.completed_at), ("agent", "done", at), "the columns when full")
    empty = Session(id="s", version=saved.version)
    told = await adapter.sessions.save(empty)
    for how, found in (("save gave back", told), ("sessions.get gave", await adapter.sessions.get("s"))):
        assert found is not None, "the session that was just saved is not there"
        for field in sorted(Session.model_fields.keys() - _GIVEN):
            case.same(getattr(found, field), getattr(empty, field), f"what {how}: {field}")


MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2001, 9, 9, 1, 46, 40, 1, UTC),
    datetime(2026, 1, 1, 0, 0, 0, 123_456, UTC),
    datetime(2026, 7, 1, 12, 0, 0, 999_999, UTC),
    datetime(2038, 1, 19, 3, 14, 8, 1000, UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
]


@clause(
    "values.times",
    "The times of messages and sessions keep their microseconds, from year 1 to 9999, and are given in UTC.",
    sealed=True,
)
async def times(case: Case) -> None:
    adapter = await case.open()
    tokyo = timezone(timedelta(hours=9))
    given = [*MOMENTS, datetime(2026, 1, 1, 3, 0, 0, 7, tokyo)]
    expected = [*MOMENTS, datetime(2025, 12, 31, 18, 0, 0, 7, UTC)]
    await adapter.sessions.save(Session(id="s"))
    sent = [Message(id=f"m{at}", role="user", created_at=when) for at, when in enumerate(given)]
    told = await adapter.messages.append("s", sent)
    case.same([one.created_at for one in told], expected, "created_at, as append gave it back")
    found = await adapter.messages.find("s")
    case.same([one.created_at for one in found], expected, "created_at, as messages.find gave it")
    for number, (when, then) in enumerate(zip(given, expected, strict=True)):
        saved = await adapter.sessions.save(Session(id=f"t{number}", completed_at=when))
        state = await adapter.sessions.get(f"t{number}")
        assert state is not None, "the session that was just saved is not there"
        case.same(saved.completed_at, then, "completed_at, as save gave it back")
        case.same(state.completed_at, then, "completed_at, as sessions.get gave it")


@clause("values.clock", "The times that the adapter gives are its clock's, to the microsecond.")
async def clock(case: Case) -> None:
    adapter = await case.open()
    case.clock.pass_(microseconds=123_457)
    born = case.clock.now
    await adapter.sessions.save(Session(id="s"))
    case.clock.pass_(microseconds=1)
    [told] = await adapter.messages.append("s", case.say("a"))
    found = await adapter.sessions.get("s")
    read = await adapter.messages.get("s", "a")
    assert found is not None, "the session that was just saved is not there"
    assert read is not None, "the message that was just appended is not there"
    now = case.clock.now
    case.same((told.created_at, read.created_at), (now, now), "created_at of the message, told and read")
    case.same((found.created_at, found.updated_at), (born, now), "created_at and updated_at of the session")
    case.same(found.last_message_at, now, "last_message_at of the session")


@clause(
    "values.lifetimes",
    "`expires_at` and `state_expires_at` keep their microseconds, up to the year 9999.",
    needs=[Capability.EXPIRY],
)
async def lifetimes(case: Case) -> None:
    adapter = await case.open()
    for number, when in enumerate(moment for moment in MOMENTS if moment > case.clock.now):
        early = when - timedelta(microseconds=1)
        saved = await adapter.sessions.save(Session(id=f"s{number}", expires_at=when, state_expires_at=early))
        found = await adapter.sessions.get(f"s{number}")
        assert found is not None, f"the session that expires at {when} is not there at {case.clock.now}"
        for how, session in (("save gave back", saved), ("sessions.get gave", found)):
            case.same((session.expires_at, session.state_expires_at), (when, early), f"the times that {how}")
