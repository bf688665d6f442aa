"""Identity: which life of a session is meant; keys, deletion, re-creation."""

from collections.abc import Awaitable, Callable
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    NotFound,
    Session,
    SessionQuery,
    Turn,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._refusals import all_refused

ALIKE = ("s1", "S", "s ", "s:", "s/", "s/a", "s:a", "s_", "s%", "sx", "s*", "ss", "t", "%", "*")


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is not found"
    return session


# --- keys -------------------------------------------------------------------------------------------


@clause("identity.key", "A new session gets a key, which stays whatever is written.", level=Level.SMOKE)
async def key(case: Case) -> None:
    adapter = await case.open()
    created = await adapter.sessions.save(Session(id="s"))
    assert created.key, f"the key of a new session is {created.key!r}"
    await adapter.messages.append("s", case.say("a"))
    saved = await adapter.sessions.save(created)
    done = await adapter.commit(Turn(session_id="s", messages=case.say("b")))
    keys = [saved.key, done.session.key, (await _now(adapter)).key]
    case.same(keys, [created.key] * 3, "the keys after an append, a save and a turn")


@clause("identity.each_life", "Each life of an id has another key, and so has each session.", level=Level.SMOKE)
async def each_life(case: Case) -> None:
    adapter = await case.open()
    keys: list[str | None] = []
    for _ in range(5):
        keys.append((await adapter.sessions.save(Session(id="s"))).key)
        await adapter.sessions.delete("s")
    keys += [(await adapter.sessions.save(Session(id=name))).key for name in ("a", "b")]
    assert len(set(keys)) == len(keys), f"a key was given twice: {keys}"


@clause("identity.key_of_this_life", "A turn with the key of this life is stored.", level=Level.SMOKE)
async def key_of_this_life(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    done = await adapter.commit(Turn(session_id="s", key=session.key, messages=case.say("a")))
    case.same((done.session.key, done.messages[0].seq), (session.key, 1), "key and position")


@clause("identity.key_creates_nothing", "A turn with a key creates no session.")
async def key_creates_nothing(case: Case) -> None:
    adapter = await case.open()
    old = await adapter.sessions.save(Session(id="s"))
    await adapter.sessions.delete("s")
    for what, value in {"an invented key": "0" * 32, "the key of a dead life": old.key}.items():
        with case.about(what):
            turn = Turn(session_id="s", key=value, session=Session(id="s"))
            await case.refused(NotFound, adapter.commit(turn))
            await case.refused(NotFound, adapter.sessions.save(Session(id="s", key=value)))
    case.same((await case.everything(adapter)), [[]], "what is stored")


# --- deletion ---------------------------------------------------------------------------------------


@clause("identity.delete_tells", "Deleting says whether there was one.")
async def delete_tells(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    answers = [await adapter.sessions.delete(name) for name in ("s", "s", "never")]
    case.same(answers, [True, False, False], "the answers to deleting it, again, and one that never was")


async def _deleted(case: Case) -> tuple[Adapter, Session]:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s", data={"a": 1}))
    await adapter.messages.append("s", case.say("a", "b"))
    await adapter.sessions.delete("s")
    return adapter, session


@clause(
    "identity.deleted",
    "Nothing of a deleted session can be reached, and no write brings it back.",
    level=Level.SMOKE,
)
async def deleted(case: Case) -> None:
    adapter, session = await _deleted(case)
    case.same(await adapter.sessions.get("s"), None, "the deleted session")
    plain = Session(id="s", version=1)
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "find": lambda: adapter.messages.find("s"),
        "get of a message": lambda: adapter.messages.get("s", "a"),
        "append": lambda: adapter.messages.append("s", case.say("c")),
        "append of what was there": lambda: adapter.messages.append("s", case.say("a")),
        "append of nothing": lambda: adapter.messages.append("s", []),
        "save": lambda: adapter.sessions.save(session),
        "save over any": lambda: adapter.sessions.save(session, expected="any"),
        "save of a value without a key": lambda: adapter.sessions.save(plain),
        "turn of messages": lambda: adapter.commit(Turn(session_id="s", messages=case.say("d"))),
        "turn with a state": lambda: adapter.commit(Turn(session_id="s", session=session, messages=case.say("d"))),
        "turn of nothing": lambda: adapter.commit(Turn(session_id="s")),
    }
    await all_refused(case, NotFound, calls)
    await case.listed(adapter, SessionQuery(include_expired=True, nested=True), [])
    case.same(await adapter.sessions.get("s"), None, "the deleted session after refused writes")


@clause("identity.deleted_remove", "A deleted session's messages cannot be removed.", needs=[Capability.REMOVE])
async def deleted_remove(case: Case) -> None:
    adapter, _ = await _deleted(case)
    await case.refused(NotFound, adapter.messages.remove("s", after=0, through=1))


@clause("identity.deleted_replace", "A deleted session's messages cannot be replaced.", needs=[Capability.REPLACE])
async def deleted_replace(case: Case) -> None:
    adapter, _ = await _deleted(case)
    await case.refused(NotFound, adapter.messages.replace("s", case.say("a")[0]))


@clause("identity.delete_alone", "Deleting a session leaves those alone whose ids look alike.")
async def delete_alone(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", *ALIKE):
        turn = Turn(session_id=name, session=Session(id=name, data={"id": name}), messages=case.say("a"))
        await adapter.commit(turn)
    doomed = ("s", "s_", "s%", "%", "*")
    for name in doomed:
        assert await adapter.sessions.delete(name) is True, f"{name!r} went with one that was deleted before"
    for other in (name for name in ALIKE if name not in doomed):
        with case.about(f"session {other!r} after {doomed} were deleted"):
            case.same((await _now(adapter, other)).data, {"id": other}, "the data")
            case.same([message.id for message in await adapter.messages.find(other)], ["a"], "the messages")
