"""Identity: the next life of an id, and what a session's envelope says."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from holdfast import Adapter, Capability, InvalidArgument, Message, NotFound, Session, SessionInfo, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._refusals import all_refused


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is not found"
    return session


@clause("identity.next_life", "The next life of an id sees nothing of the last.", sealed=True, level=Level.SMOKE)
async def next_life(case: Case) -> None:
    adapter = await case.open()
    filled = Session(id="s", data={"secret": 1}, metadata={"m": 1}, agent="a", user_id="u", status="odd")
    filled.data_by_route, filled.current_route, filled.current_step = {"r": {"x": 1}}, "r", "step"
    filled.schema_version, filled.completed_at = 7, case.clock.now
    await adapter.sessions.save(await adapter.sessions.save(filled))
    await adapter.messages.append("s", case.say("a", "b", "c"))
    await adapter.sessions.delete("s")
    case.clock.pass_(hours=1)
    again = await adapter.sessions.save(Session(id="s"))
    now = case.clock.now
    empty = Session(id="s", key=again.key, version=1, created_at=now, updated_at=now)
    case.same(again, empty, "the new life as it was answered")
    case.same(await _now(adapter), empty, "the new life as it is stored")
    case.same((await adapter.messages.find("s")).items, (), "its messages")
    case.same(await adapter.messages.get("s", "a"), None, "a message of the last life")
    [stored] = await adapter.messages.append("s", [Message(id="a", role="user", content="other words")])
    case.same(
        (stored.seq, stored.content), (1, "other words"), "position and text of an id that the last life had"
    )
    [stored] = await adapter.messages.append("s", case.say("b"))
    case.same((stored.seq, stored.created_at), (2, now), "position and time of words that the last life had")


@clause(
    "identity.next_life_by_turn",
    "A turn that creates the id of a deleted session begins another life, with its own messages alone.",
)
async def next_life_by_turn(case: Case) -> None:
    adapter = await case.open()
    old = Session(id="s", data={"secret": 1}, agent="a", user_id="u")
    first = await adapter.commit(Turn(session_id="s", session=old, messages=case.say("a", "b", "c")))
    await adapter.sessions.delete("s")
    case.clock.pass_(hours=1)
    said = [Message(id=word, role="user", content="new words") for word in ("a", "x")]
    done = await adapter.commit(Turn(session_id="s", session=Session(id="s", data={"n": 2}), messages=said))
    assert done.session.key != first.session.key, "the next life has the key of the last"
    now = case.clock.now
    fresh = Session(id="s", key=done.session.key, version=1, data={"n": 2}, last_seq=2, message_count=2)
    fresh.created_at = fresh.updated_at = fresh.last_message_at = now
    case.same(await _now(adapter), fresh, "the new life as it is stored")
    case.same([message.seq for message in done.messages], [1, 2], "the positions")
    for when in ("before", "after"):
        with case.about(f"{when} a sweep"):
            case.same((await adapter.messages.find("s")).items, done.messages, "the messages of the new life")
            case.same(await adapter.messages.get("s", "b"), None, "a message of the last life")
            await adapter.sweep()


@clause("identity.large_life", "Of a deleted session with very many messages none comes back in the next life.")
async def large_life(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    some = min(400, adapter.limits.turn_messages)
    for part in range(3):
        await adapter.messages.append("s", case.say(*(f"m{part}-{number}" for number in range(some))))
    await adapter.sessions.delete("s")
    await adapter.sessions.save(Session(id="s"))
    case.same((await adapter.messages.find("s")).items, (), "the messages of the new life")
    [stored] = await adapter.messages.append("s", case.say("m2-1"))
    case.same(stored.seq, 1, "the position of the new life's first message")
    await adapter.sweep()
    case.same(list(await adapter.messages.find("s")), [stored], "the messages after a sweep")


@clause("identity.dead_key", "A session that was loaded in one life is not found in the next.", level=Level.SMOKE)
async def dead_key(case: Case) -> None:
    adapter = await case.open()
    old = await adapter.sessions.save(Session(id="s", data={"life": 1}))
    await adapter.sessions.delete("s")
    await adapter.sessions.save(Session(id="s", data={"life": 2}))
    said = case.say("a")
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "save": lambda: adapter.sessions.save(old),
        "save over any": lambda: adapter.sessions.save(old, expected="any"),
        "save over version 1": lambda: adapter.sessions.save(old, expected=1),
        "save over none": lambda: adapter.sessions.save(old, expected=0),
        "turn with the key": lambda: adapter.commit(Turn(session_id="s", key=old.key, messages=said)),
        "turn of nothing": lambda: adapter.commit(Turn(session_id="s", key=old.key)),
        "turn with a state": lambda: adapter.commit(Turn(session_id="s", session=old, messages=said)),
    }
    case.clock.pass_(hours=1)
    async with case.unchanged(adapter):
        await all_refused(case, NotFound, calls)


@clause(
    "identity.dead_key_removal",
    "A removal in the name of a dead life is not found.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def dead_key_removal(case: Case) -> None:
    adapter = await case.open()
    old = await adapter.sessions.save(Session(id="s"))
    await adapter.sessions.delete("s")
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"))
    async with case.unchanged(adapter):
        await case.refused(NotFound, adapter.commit(Turn(session_id="s", key=old.key, remove=(0, 1))))


@clause("identity.turns_of_one_life", "What one life remembers of turns the next does not.")
async def turns_of_one_life(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(id="t", session_id="s", session=Session(id="s", data={"a": 1}), messages=case.say("a"))
    one = await adapter.commit(turn)
    await adapter.sessions.save(Session(id="s", version=1, data={"b": 2}), turn_id="u")
    await adapter.sessions.delete("s")
    two = await adapter.commit(turn)
    assert not two.replayed, "a turn of the last life is told as a replay in the next"
    assert two.session.key != one.session.key, "the next life has the key of the last"
    case.same((two.session.version, [message.seq for message in two.messages]), (1, [1]), "version and positions")
    saved = await adapter.sessions.save(Session(id="s", version=1, data={"c": 3}), turn_id="u")
    case.same(
        (saved.version, saved.data), (2, {"c": 3}), "version and data of a save whose turn id the last life had"
    )


# --- the envelope -----------------------------------------------------------------------------------


@clause("identity.user", "The user of a session is fixed at its creation.")
async def user(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s", user_id="u"))
    nobodys = await adapter.sessions.save(Session(id="t"))
    async with case.unchanged(adapter):
        for value in (
            session.model_copy(update={"user_id": "v"}),
            session.model_copy(update={"user_id": None}),
            nobodys.model_copy(update={"user_id": "u"}),
        ):
            with case.about(f"session {value.id!r} saved with user_id={value.user_id!r}"):
                await case.refused(NotFound, adapter.sessions.save(value))


@clause("identity.parent", "The parent of a session is fixed at its creation.", needs=[Capability.PARENTS])
async def parent(case: Case) -> None:
    adapter = await case.open()
    for name in "pq":
        await adapter.sessions.save(Session(id=name))
    session = await adapter.sessions.save(Session(id="s", parent_id="p"))
    top = await adapter.sessions.save(Session(id="t"))
    async with case.unchanged(adapter):
        for value in (
            session.model_copy(update={"parent_id": "q"}),
            session.model_copy(update={"parent_id": None}),
            top.model_copy(update={"parent_id": "p"}),
        ):
            with case.about(f"session {value.id!r} saved with parent_id={value.parent_id!r}"):
                await case.refused(InvalidArgument, adapter.sessions.save(value))


async def _saved_with(case: Case, names: tuple[str, ...]) -> None:
    adapter = await case.open()
    current = Session(id="s", user_id="u")
    for hours in (1, 2):
        begin = case.clock.now + timedelta(hours=hours)
        times = {name: begin + timedelta(microseconds=number) for number, name in enumerate(names, 1)}
        said = {**times, "agent": f"agent {hours}", "status": f"status {hours}"}
        saved = await adapter.sessions.save(current.model_copy(update=said))
        case.same({name: getattr(saved, name) for name in said}, said, "what a save set")
        case.same(saved.version, hours, "the version")
        current = await _now(adapter)
        case.same(current, saved, "what is stored, against the answer")
    saved = await adapter.sessions.save(current.model_copy(update=dict.fromkeys((*names, "agent"))))
    case.same(
        [getattr(saved, name) for name in (*names, "agent")], [None] * (len(names) + 1), "what a save took away"
    )
    case.same(await _now(adapter), saved, "what is stored, against the answer")


@clause("identity.columns", "Agent, status and time of completion come back as they were saved, or taken away.")
async def columns(case: Case) -> None:
    await _saved_with(case, ("completed_at",))


@clause(
    "identity.columns_of_expiry",
    "The times of expiry come back as they were saved, to the microsecond, or taken away.",
    needs=[Capability.EXPIRY],
)
async def columns_of_expiry(case: Case) -> None:
    await _saved_with(case, ("completed_at", "expires_at", "state_expires_at"))


@clause(
    "identity.state_replaced", "A save replaces the state as a whole: what it leaves out is gone.", sealed=True
)
async def state_replaced(case: Case) -> None:
    adapter = await case.open()
    full = Session(id="s", data={"a": 1, "b": {"c": 1, "d": 2}}, metadata={"m": 1}, data_by_route={"r": {"x": 1}})
    full.current_route, full.current_step, full.schema_version = "r", "step", 3
    saved = await adapter.sessions.save(full)
    half = Session(id="s", key=saved.key, version=1, data={"b": {"d": 3}})
    saved = await adapter.sessions.save(half)
    owned = {name: getattr(saved, name) for name in SessionInfo.model_fields}
    case.same(saved, half.model_copy(update=owned), "the answer to a save of another state")
    case.same(await _now(adapter), saved, "what is stored, against the answer")
    empty = Session(id="s", key=saved.key, version=2)
    done = await adapter.commit(Turn(session_id="s", session=empty, messages=case.say("a")))
    case.same(((await _now(adapter)).data, done.session.version), ({}, 3), "data and version after an empty state")


@clause("identity.envelope", "Saving answers with the session as it is now, messages by others included.")
async def envelope(case: Case) -> None:
    adapter = await case.open()
    begin = case.clock.now
    created = await adapter.sessions.save(Session(id="s", agent="a", status="odd"))
    case.same((created.created_at, created.updated_at), (begin, begin), "created_at and updated_at of a new one")
    case.clock.pass_(minutes=5, microseconds=1)
    said = case.clock.now
    await adapter.messages.append("s", case.say("a", "b"))
    case.same((await _now(adapter)).updated_at, said, "updated_at after an append")
    case.clock.pass_(minutes=5)
    saved = await adapter.sessions.save(created)
    case.same(saved, await _now(adapter), "the answer, against what is stored")
    case.same((saved.version, saved.last_seq, saved.message_count), (2, 2, 2), "version, last_seq, message_count")
    times = (saved.created_at, saved.last_message_at, saved.updated_at)
    case.same(times, (begin, said, case.clock.now), "created_at, last_message_at, updated_at")


@clause("identity.envelope_is_the_stores", "What the store owns of a session cannot be set by a save.")
async def envelope_is_the_stores(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b"))
    stored = await _now(adapter)
    case.clock.pass_(hours=1)
    wrong = case.clock.now + timedelta(days=1)
    times = {"created_at": wrong, "updated_at": wrong, "last_message_at": wrong}
    saved = await adapter.sessions.save(stored.model_copy(update={"last_seq": 99, "message_count": 99, **times}))
    expected = stored.model_copy(update={"version": 2, "updated_at": case.clock.now})
    case.same(saved, expected, "the answer to a save of a session with another envelope")
    case.same(await _now(adapter), expected, "what is stored")
    case.same([m.seq for m in await adapter.messages.append("s", case.say("c"))], [3], "the next position")
