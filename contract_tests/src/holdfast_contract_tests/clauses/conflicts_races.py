"""Conflicts of writers that race: exactly one wins."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from holdfast import Adapter, Capability, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

T = TypeVar("T")


async def _begin(case: Case) -> tuple[Adapter, Session]:
    """A session of user "u", at version 2 and with two messages."""
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 1}))
    session = await adapter.sessions.save(session)
    await adapter.messages.append("s", case.say("a", "b"))
    return adapter, session


def _one_winner(case: Case, answers: Sequence[T | BaseException]) -> T:
    """The answer to the one call that won a race, where each of the others must have got a VersionConflict."""
    winners = [answer for answer in answers if not isinstance(answer, BaseException)]
    told = [type(answer).__name__ for answer in answers if isinstance(answer, BaseException)]
    assert len(winners) == 1, f"of {len(answers)} racing writes {len(winners)} won, the others were told {told}"
    case.same(told, ["VersionConflict"] * (len(answers) - 1), "what those are told who lost the race")
    return winners[0]


@clause("conflicts.racing_saves", "Of racing saves of one version exactly one wins.", level=Level.SMOKE)
async def racing_saves(case: Case) -> None:
    adapter, session = await _begin(case)
    copies = [session.model_copy(update={"data": {"n": number}}) for number in range(10)]
    winner = _one_winner(case, await asyncio.gather(*map(adapter.sessions.save, copies), return_exceptions=True))
    case.same(winner.version, 3, "the version of the winner")
    case.same(await adapter.sessions.get("s"), winner, "what is stored")


@clause("conflicts.racing_creations", "Of racing creations of one session exactly one wins.", level=Level.SMOKE)
async def racing_creations(case: Case) -> None:
    adapter = await case.open()
    values = [Session(id="new", data={"n": number}) for number in range(10)]
    winner = _one_winner(case, await asyncio.gather(*map(adapter.sessions.save, values), return_exceptions=True))
    case.same(await adapter.sessions.get("new"), winner, "what is stored")


@clause("conflicts.racing_appends", "Of racing appends behind one last position exactly one wins.")
async def racing_appends(case: Case) -> None:
    adapter, _ = await _begin(case)
    calls = (adapter.messages.append("s", case.say(f"m{number}"), last_seq=2) for number in range(10))
    winner = _one_winner(case, await asyncio.gather(*calls, return_exceptions=True))
    case.same(list(await adapter.messages.find("s", after=2)), list(winner), "what is stored")


@clause("conflicts.racing_turns", "Of racing turns on one version only the winner's messages are stored.")
async def racing_turns(case: Case) -> None:
    adapter, session = await _begin(case)
    turns = [Turn(session_id="s", session=session, messages=case.say(f"a{n}", f"b{n}")) for n in range(10)]
    winner = _one_winner(case, await asyncio.gather(*map(adapter.commit, turns), return_exceptions=True))
    case.same((await adapter.messages.find("s", after=2)).items, winner.messages, "what is stored")


@clause("conflicts.any_at_once", 'Saves with `expected="any"`, all at once, each raise the version by one.')
async def any_at_once(case: Case) -> None:
    adapter, session = await _begin(case)
    values = [session.model_copy(update={"data": {"n": number}}) for number in range(12)]
    saved = await asyncio.gather(*(adapter.sessions.save(value, expected="any") for value in values))
    case.same(sorted(one.version for one in saved), list(range(3, 15)), "the versions of 12 saves at once")
    for value, answer in zip(values, saved, strict=True):
        case.same(answer.data, value.data, "the data that a save answers")
    last = max(saved, key=lambda one: one.version)
    case.same(await adapter.sessions.get("s"), last, "what is stored, against the save of the highest version")


@clause(
    "conflicts.racing_handles",
    "Of racing writes through several handles exactly one wins, round after round.",
    needs=[Capability.SHARED],
)
async def racing_handles(case: Case) -> None:
    handles = [await case.open() for _ in range(3)]
    session = await handles[0].sessions.save(Session(id="s"))
    for number in range(10):
        with case.about(f"round {number + 1}, 6 turns by 3 handles"):
            turns = [Turn(session_id="s", session=session, messages=case.say(f"m{number}-{n}")) for n in range(6)]
            calls = [handles[n % 3].commit(turn) for n, turn in enumerate(turns)]
            winner = _one_winner(case, await asyncio.gather(*calls, return_exceptions=True))
            stored = await handles[number % 3].sessions.get("s")
            assert stored is not None, "the session is gone"
            told = (winner.session.version, winner.session.last_seq, winner.session.message_count)
            case.same(told, (number + 2, number + 1, number + 1), "version, last_seq, message_count of the winner")
            case.same((stored.version, stored.last_seq), told[:2], "version and last_seq that are stored")
            session = stored
