"""Conflicts: what a write expects, and what happens when something else is there."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    NotFound,
    Session,
    Turn,
    VersionConflict,
)
from holdfast.models import Expected
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


async def _begin(case: Case) -> tuple[Adapter, Session]:
    """A session of user "u", at version 2 and with two messages."""
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 1}))
    session = await adapter.sessions.save(session)
    await adapter.messages.append("s", case.say("a", "b"))
    return adapter, session


async def _stale(case: Case, call: Awaitable[Any], expected: int, actual: int, guard: str = "version") -> None:
    error = await case.refused(VersionConflict, call)
    found = (error.session_id, error.guard, error.expected, error.actual)
    case.same(found, ("s", guard, expected, actual), "session, guard, expected and actual of the conflict")


# --- versions ---------------------------------------------------------------------------------------


@clause(
    "conflicts.save",
    "A save expects the version that was loaded; where another one is there, it is refused.",
    level=Level.SMOKE,
)
async def save(case: Case) -> None:
    adapter, session = await _begin(case)
    saved = await adapter.sessions.save(session)
    case.same((session.version, saved.version), (2, 3), "the versions of the argument and of the answer")
    async with case.unchanged(adapter):
        await _stale(case, adapter.sessions.save(session), 2, 3)
    session.version = 4
    async with case.unchanged(adapter):
        await _stale(case, adapter.sessions.save(session), 4, 3)


@clause("conflicts.expected", "A save may expect another version than its own.", level=Level.SMOKE)
async def expected_version(case: Case) -> None:
    adapter, session = await _begin(case)
    session.version = 77
    case.same((await adapter.sessions.save(session, expected=2)).version, 3, "the version after expected=2")
    async with case.unchanged(adapter):
        await _stale(case, adapter.sessions.save(session, expected=2), 2, 3)
        await _stale(case, adapter.sessions.save(session, expected=4), 4, 3)
    session.version = 3
    async with case.unchanged(adapter):
        await _stale(case, adapter.sessions.save(session, expected=2), 2, 3)
    fresh = Session(id="s", user_id="u", data={"n": 2})
    case.same(
        (await adapter.sessions.save(fresh, expected=3)).version, 4, "the version of a save from a new value"
    )


@clause("conflicts.zero", "Zero expects that there is no session: it creates one, and never writes over another.")
async def zero(case: Case) -> None:
    adapter, session = await _begin(case)
    async with case.unchanged(adapter):
        await _stale(case, adapter.sessions.save(session, expected=0), 0, 2)
        await _stale(case, adapter.sessions.save(Session(id="s", user_id="u")), 0, 2)
    case.same((await adapter.sessions.save(Session(id="new"), expected=0)).version, 1, "the version of a new one")
    made = await adapter.sessions.save(Session(id="copy", version=5), expected=0)
    case.same(made.version, 1, "the version of a new one, made from a value of version 5 without a key")


@clause("conflicts.any", '`expected="any"` writes over every version.')
async def any_version(case: Case) -> None:
    adapter, session = await _begin(case)
    session.version, session.data = 1, {"n": 3}
    case.same(
        (await adapter.sessions.save(session, expected="any")).version, 3, "the version after a save over any"
    )
    session.version, session.data = 99, {"n": 4}
    case.same((await adapter.sessions.save(session, expected="any")).version, 4, "the version after another one")
    saved = await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 5}), expected="any")
    case.same((saved.version, saved.data), (5, {"n": 5}), "version and data of a save over any from a new value")
    case.same(await adapter.sessions.get("s"), saved, "what is stored")


@clause("conflicts.any_creates_nothing", '`expected="any"`, or a version above 0, never creates a session.')
async def any_creates_nothing(case: Case) -> None:
    adapter = await case.open()
    calls: dict[str, tuple[Session, Expected | None]] = {
        "any": (Session(id="new"), "any"),
        "any, and a version": (Session(id="new", version=3), "any"),
        "its own version 3": (Session(id="new", version=3), None),
        "expected=1": (Session(id="new"), 1),
    }
    for what, (value, expected) in calls.items():
        with case.about(what):
            await case.refused(NotFound, adapter.sessions.save(value, expected=expected))
            turn = Turn(session_id="new", session=value, expected=expected, messages=case.say("a"))
            await case.refused(NotFound, adapter.commit(turn))
            case.same(await adapter.sessions.get("new"), None, "the session that was never created")
            await case.refused(NotFound, adapter.messages.find("new"))


@clause("conflicts.turn", "A turn expects its session's version, or what it says, with or without a state.")
async def turn_version(case: Case) -> None:
    adapter, session = await _begin(case)
    async with case.unchanged(adapter):
        for turn, expected in (
            (Turn(session_id="s", session=session, expected=1, messages=case.say("c")), 1),
            (Turn(session_id="s", session=session, expected=3), 3),
            (Turn(session_id="s", expected=1, messages=case.say("c")), 1),
            (Turn(session_id="s", expected=3, messages=case.say("c")), 3),
            (Turn(session_id="s", expected=0, messages=case.say("c")), 0),
        ):
            await _stale(case, adapter.commit(turn), expected, 2)
    done = await adapter.commit(Turn(session_id="s", session=session, messages=case.say("c")))
    case.same((done.session.version, done.session.last_seq), (3, 3), "version and last_seq")
    done = await adapter.commit(Turn(session_id="s", session=session, expected="any", messages=case.say("d")))
    case.same((done.session.version, done.session.last_seq), (4, 4), "version and last_seq of a turn over any")
    done = await adapter.commit(Turn(session_id="s", expected=4, messages=case.say("e")))
    case.same((done.session.version, done.session.last_seq), (4, 5), "version and last_seq without a state")


@clause("conflicts.appends", "Appending does not change the version: a state that was loaded before can be saved.")
async def appends(case: Case) -> None:
    adapter, session = await _begin(case)
    done = await adapter.commit(Turn(session_id="s", messages=case.say("c")))
    case.same(done.session.version, 2, "the version that a turn of messages alone is told")
    await adapter.messages.append("s", case.say("d"))
    case.same((await adapter.sessions.save(session)).version, 3, "the version of a save after appends")


@clause("conflicts.removals", "Removing does not change the version.", needs=[Capability.REMOVE])
async def removals(case: Case) -> None:
    adapter, session = await _begin(case)
    await adapter.messages.remove("s", after=0, through=1)
    case.same((await adapter.sessions.save(session)).version, 3, "the version of a save after a removal")


@clause("conflicts.redactions", "Replacing a message does not change the version.", needs=[Capability.REPLACE])
async def redactions(case: Case) -> None:
    adapter, session = await _begin(case)
    await adapter.messages.replace("s", case.say("b")[0])
    case.same((await adapter.sessions.save(session)).version, 3, "the version of a save after a replacement")


@clause("conflicts.every_save", "Every save raises the version by one, whatever it changes.")
async def every_save(case: Case) -> None:
    adapter, session = await _begin(case)
    changes: dict[str, Any] = {
        "data": {"n": 2},
        "status": "other",
        "agent": "other",
        "completed_at": case.clock.now,
        "metadata": {"m": 1},
        "current_route": "r",
        "user_id": "u",
    }
    for version, (field, value) in enumerate(changes.items(), 3):
        with case.about(f"a save that sets {field}"):
            session = await adapter.sessions.save(session.model_copy(update={field: value}))
            case.same((session.version, getattr(session, field)), (version, value), f"version and {field}")
    case.same(
        (await adapter.sessions.save(session)).version, 3 + len(changes), "the version after a save of the same"
    )


@clause(
    "conflicts.every_save_of_expiry", "A save that moves an expiry raises the version.", needs=[Capability.EXPIRY]
)
async def every_save_of_expiry(case: Case) -> None:
    adapter, session = await _begin(case)
    later = case.clock.now + timedelta(days=1000)
    for version, field in enumerate(("expires_at", "state_expires_at"), 3):
        with case.about(f"a save that sets {field}"):
            session = await adapter.sessions.save(session.model_copy(update={field: later}))
            case.same((session.version, getattr(session, field)), (version, later), f"version and {field}")


# --- the last position ------------------------------------------------------------------------------


@clause(
    "conflicts.last_seq",
    "Where `last_seq` is not the last position, an append, a turn and a deletion are refused.",
)
async def last_position(case: Case) -> None:
    adapter, session = await _begin(case)
    for stale in (0, 1, 3):
        with case.about(f"last_seq={stale}, where the last position is 2"):
            async with case.unchanged(adapter):
                append = adapter.messages.append("s", case.say("c"), last_seq=stale)
                await _stale(case, append, stale, 2, "last_seq")
                turn = Turn(session_id="s", session=session, messages=case.say("c"), last_seq=stale)
                await _stale(case, adapter.commit(turn), stale, 2, "last_seq")
                turn = Turn(session_id="s", session=session, last_seq=stale)
                await _stale(case, adapter.commit(turn), stale, 2, "last_seq")
                await _stale(case, adapter.sessions.delete("s", last_seq=stale), stale, 2, "last_seq")
    case.same(len(await adapter.messages.append("s", case.say("c"), last_seq=2)), 1, "appended at last_seq=2")


@clause(
    "conflicts.last_seq_of_removals",
    "`last_seq` guards removals, and counts what was removed.",
    needs=[Capability.REMOVE],
)
async def last_position_of_removals(case: Case) -> None:
    adapter, _ = await _begin(case)
    for stale in (0, 1, 3):
        async with case.unchanged(adapter):
            turn = Turn(session_id="s", remove=(0, 1), last_seq=stale)
            await _stale(case, adapter.commit(turn), stale, 2, "last_seq")
    await adapter.messages.remove("s", after=0, through=2)
    async with case.unchanged(adapter):
        await _stale(case, adapter.messages.append("s", case.say("c"), last_seq=0), 0, 2, "last_seq")
    [stored] = await adapter.messages.append("s", case.say("c"), last_seq=2)
    case.same(stored.seq, 3, "the position after two that were removed")


@clause(
    "conflicts.version_first", "Where version and `last_seq` are both stale, the conflict is told of the version."
)
async def version_first(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(session_id="s", session=session, expected=1, messages=case.say("c"), last_seq=0)
    async with case.unchanged(adapter):
        await _stale(case, adapter.commit(turn), 1, 2)


@clause("conflicts.delete", "A deletion is refused where the version, or the last position, is another.")
async def delete(case: Case) -> None:
    adapter, _ = await _begin(case)
    async with case.unchanged(adapter):
        await _stale(case, adapter.sessions.delete("s", expected=1), 1, 2)
        await _stale(case, adapter.sessions.delete("s", expected=3), 3, 2)
        await _stale(case, adapter.sessions.delete("s", expected=0), 0, 2)
        await _stale(case, adapter.sessions.delete("s", expected=2, last_seq=1), 1, 2, "last_seq")
        await _stale(case, adapter.sessions.delete("s", expected=1, last_seq=2), 1, 2)
    deleted = await adapter.sessions.delete("s", expected=2, last_seq=2)
    assert deleted is True, f"a deletion whose guards fit is answered with {deleted!r}"
    case.same(await adapter.sessions.get("s"), None, "the deleted session")
    deleted = await adapter.sessions.delete("s", expected=2)
    assert deleted is False, f"a deletion where there is none any more is answered with {deleted!r}"
