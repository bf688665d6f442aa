"""Lifetimes: each write moves when a session and its state expire, by the adapter's options."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from holdfast import Adapter, Capability, Message, NotFound, Session, SessionExpired, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

HOUR = timedelta(hours=1)


async def _times(adapter: Adapter, session_id: str = "s") -> tuple[datetime | None, datetime | None]:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is not found, though it has not expired"
    return session.expires_at, session.state_expires_at


@clause(
    "expiry.kept",
    "Without options only a save moves an expiry: an append leaves it, a save puts what it says.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def kept(case: Case) -> None:
    adapter = await case.open()
    at, state_at = case.clock.now + HOUR, case.clock.now + HOUR / 2
    session = await adapter.sessions.save(Session(id="s", expires_at=at, state_expires_at=state_at))
    case.clock.pass_(minutes=10)
    await adapter.messages.append("s", case.say("a"))
    case.same(await _times(adapter), (at, state_at), "both expiries after an append")
    await adapter.commit(Turn(session_id="s", messages=case.say("b")))
    case.same(await _times(adapter), (at, state_at), "both expiries after a turn of messages")
    session = await adapter.sessions.save(session)
    case.same(await _times(adapter), (at, state_at), "both expiries after a save of what was loaded")
    session.expires_at, session.state_expires_at = None, case.clock.now + HOUR
    await adapter.sessions.save(session)
    case.same(await _times(adapter), (None, case.clock.now + HOUR), "both expiries after a save of others")


@clause(
    "expiry.kept_by_removal",
    "Without options a removal leaves the expiries.",
    needs=[Capability.EXPIRY, Capability.REMOVE],
    level=Level.SMOKE,
)
async def kept_by_removal(case: Case) -> None:
    adapter = await case.open()
    at, state_at = case.clock.now + HOUR, case.clock.now + HOUR / 2
    await adapter.sessions.save(Session(id="s", expires_at=at, state_expires_at=state_at))
    await adapter.messages.append("s", case.say("a"))
    case.clock.pass_(minutes=10)
    await adapter.messages.remove("s", after=0, through=1)
    case.same(await _times(adapter), (at, state_at), "both expiries")


@clause(
    "expiry.ttl_creation",
    "`message_ttl` and `session_ttl` are set by a creation.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def ttl_creation(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR, session_ttl=600)
    saved = await adapter.sessions.save(Session(id="s"))
    times = (case.clock.now + HOUR, case.clock.now + timedelta(minutes=10))
    case.same((saved.expires_at, saved.state_expires_at), times, "both expiries as answered")
    case.same(await adapter.sessions.get("s"), saved, "what is stored, against the answer")


async def _moved_by(case: Case, writes: dict[str, Callable[[Adapter, Session], Awaitable[Any]]]) -> None:
    adapter = await case.open(message_ttl=HOUR, session_ttl=HOUR / 2)
    for what, write in writes.items():
        with case.about(f"{what}, 20 minutes after the creation"):
            await adapter.sessions.delete("s")
            session = await adapter.sessions.save(Session(id="s"))
            await adapter.messages.append("s", case.say("a", "b"))
            case.clock.pass_(minutes=20)
            await write(adapter, session)
            expected = (case.clock.now + HOUR, case.clock.now + HOUR / 2)
            case.same(await _times(adapter), expected, "both expiries")


@clause("expiry.ttl_moved", "Every append, save and turn moves both expiries.", needs=[Capability.EXPIRY])
async def ttl_moved(case: Case) -> None:
    said = case.say("c")
    await _moved_by(
        case,
        {
            "an append": lambda adapter, _: adapter.messages.append("s", said),
            "a save": lambda adapter, session: adapter.sessions.save(session),
            "a turn": lambda adapter, session: adapter.commit(
                Turn(session_id="s", session=session, messages=said)
            ),
            "a turn of messages": lambda adapter, _: adapter.commit(Turn(session_id="s", messages=said)),
        },
    )


@clause(
    "expiry.ttl_moved_by_removal",
    "Every removal moves both expiries.",
    needs=[Capability.EXPIRY, Capability.REMOVE],
)
async def ttl_moved_by_removal(case: Case) -> None:
    await _moved_by(case, {"a removal": lambda adapter, _: adapter.messages.remove("s", after=0, through=1)})


@clause(
    "expiry.ttl_moved_by_replacement",
    "Every replacement moves both expiries.",
    needs=[Capability.EXPIRY, Capability.REPLACE],
)
async def ttl_moved_by_replacement(case: Case) -> None:
    new = Message(id="b", role="user")
    await _moved_by(case, {"a replacement": lambda adapter, _: adapter.messages.replace("s", new)})


@clause(
    "expiry.ttl_read",
    "Reading moves the expiries where it is asked to, and changes nothing else.",
    needs=[Capability.EXPIRY],
)
async def ttl_read(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR, session_ttl=HOUR / 2, refresh_ttl_on_read=True)
    reads: dict[str, Callable[[], Awaitable[Any]]] = {
        "get": lambda: adapter.sessions.get("get"),
        "find": lambda: adapter.messages.find("find"),
    }
    created = {name: await adapter.sessions.save(Session(id=name)) for name in reads}
    case.clock.pass_(minutes=20)
    read_at = case.clock.now
    for read in reads.values():
        await read()
    case.clock.pass_(minutes=45)
    for name, before in created.items():
        with case.about(f"a session read by {name}, 45 minutes ago"):
            session = await adapter.sessions.get(name)
            assert session is not None, "it has expired, though reading was to prolong its life"
            case.same(session.expires_at, read_at + HOUR, "expires_at")
            found = (session.version, session.updated_at)
            case.same(found, (before.version, before.updated_at), "version and updated_at")


@clause("expiry.ttl_not_read", "Reading moves no expiry unless it is asked to.", needs=[Capability.EXPIRY])
async def ttl_not_read(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR, session_ttl=HOUR / 2)
    saved = await adapter.sessions.save(Session(id="s"))
    case.clock.pass_(minutes=20)
    await adapter.messages.find("s")
    await adapter.messages.get("s", "a")
    for _ in range(2):
        case.same(await adapter.sessions.get("s"), saved, "the session that was read")
    case.clock.pass_(minutes=40)
    case.same(await adapter.sessions.get("s"), None, "the session an hour after its creation")


@clause("expiry.ttl_of_state", "A state does not outlive its session.", needs=[Capability.EXPIRY])
async def ttl_of_state(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR, session_ttl=timedelta(days=1))
    await adapter.sessions.save(Session(id="s"))
    case.same(await _times(adapter), (case.clock.now + HOUR,) * 2, "both expiries")


@clause("expiry.ttl_by_status", "Each status may have lifetimes of its own.", needs=[Capability.EXPIRY])
async def ttl_by_status(case: Case) -> None:
    adapter = await case.open(
        message_ttl=HOUR,
        message_ttl_by_status={"completed": 60},
        session_ttl_by_status={"completed": 30, "odd": HOUR * 100},
    )
    session = await adapter.sessions.save(Session(id="s"))
    now = case.clock.now
    case.same(await _times(adapter), (now + HOUR, None), "both expiries of an active session")
    session.status = "completed"
    session = await adapter.sessions.save(session)
    expected = (now + timedelta(minutes=1), now + timedelta(seconds=30))
    case.same(await _times(adapter), expected, "both expiries of a completed session")
    session.status = "active"
    session = await adapter.sessions.save(session)
    case.same(session.expires_at, now + HOUR, "expires_at of a session that is active again")
    session.status = "odd"
    await adapter.sessions.save(session)
    case.same(await _times(adapter), (now + HOUR, now + HOUR), "both expiries of a session of an odd status")


@clause("expiry.ttl_of_one_status", "A status alone may have a lifetime.", needs=[Capability.EXPIRY])
async def ttl_of_one_status(case: Case) -> None:
    adapter = await case.open(message_ttl_by_status={"completed": HOUR})
    await adapter.sessions.save(Session(id="a"))
    await adapter.sessions.save(Session(id="b", status="completed"))
    case.same(await _times(adapter, "a"), (None, None), "both expiries of an active session")
    case.same(await _times(adapter, "b"), (case.clock.now + HOUR, None), "both expiries of a completed session")


@clause("expiry.ttl_of_stored_status", "An append counts by the status that is stored.", needs=[Capability.EXPIRY])
async def ttl_of_stored_status(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR, message_ttl_by_status={"completed": HOUR / 4})
    await adapter.sessions.save(Session(id="s", status="completed"))
    case.clock.pass_(minutes=10)
    await adapter.messages.append("s", case.say("a"))
    case.same(await _times(adapter), (case.clock.now + HOUR / 4, None), "both expiries after an append")


@clause(
    "expiry.ttl_silence", "Writing in time keeps a session alive, and silence ends it.", needs=[Capability.EXPIRY]
)
async def ttl_silence(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR)
    await adapter.sessions.save(Session(id="s"))
    for number in range(5):
        case.clock.pass_(minutes=50)
        await adapter.messages.append("s", case.say(f"m{number}"))
    case.clock.pass_(hours=1)
    case.same(await adapter.sessions.get("s"), None, "the session an hour after its last message")
    await case.refused(SessionExpired, adapter.messages.append("s", case.say("late")))


@clause("expiry.ttl_refused", "A write that is refused prolongs nothing.", needs=[Capability.EXPIRY])
async def ttl_refused(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR)
    session = await adapter.sessions.save(Session(id="s"))
    before = await _times(adapter)
    case.clock.pass_(minutes=30)
    other = session.model_copy(update={"user_id": "v"})
    await case.refused(NotFound, adapter.sessions.save(other))
    await case.refused(VersionConflict, adapter.sessions.save(session, expected=7))
    await case.refused(VersionConflict, adapter.messages.append("s", case.say("a"), last_seq=7))
    case.same(await _times(adapter), before, "both expiries after refused writes")


@clause(
    "expiry.ttl_refused_replacement",
    "A replacement of what is not there prolongs nothing.",
    needs=[Capability.EXPIRY, Capability.REPLACE],
)
async def ttl_refused_replacement(case: Case) -> None:
    adapter = await case.open(message_ttl=HOUR)
    await adapter.sessions.save(Session(id="s"))
    before = await _times(adapter)
    case.clock.pass_(minutes=30)
    await case.refused(NotFound, adapter.messages.replace("s", Message(id="none", role="user")))
    case.same(await _times(adapter), before, "both expiries after a refused replacement")
