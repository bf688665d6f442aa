"""Retries: the last 16 writes of a session that carried state or a removal are remembered."""

import asyncio

from holdfast import Capability, Message, Session, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._retries import begin, other_saves
from holdfast_contract_tests.clauses._turns import now

WINDOW = 16


@clause(
    "retries.window",
    "The last 16 writes with a state are remembered, and no refused one takes a place.",
    level=Level.SMOKE,
)
async def window(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    await adapter.sessions.save(session, turn_id="t")
    await case.refused(VersionConflict, adapter.sessions.save(session, turn_id="refused"))
    await other_saves(adapter, session, WINDOW - 1)
    saved = await adapter.sessions.save(session, turn_id="t")
    case.same(saved.version, 2, f"the version of a retry after {WINDOW - 1} other saves")
    case.same((await now(adapter)).version, WINDOW + 1, "the version that is stored")


@clause(
    "retries.window_of_replays",
    "A replay, or a refused write, takes no place among the 16 remembered.",
    level=Level.SMOKE,
)
async def window_of_replays(case: Case) -> None:
    adapter, session = await begin(case)
    await adapter.sessions.save(session, turn_id="t")
    later = session.model_copy(update={"data": {"a": 1}})
    await adapter.sessions.save(later, expected="any", turn_id="u")
    await other_saves(adapter, session, WINDOW - 2)
    for number in range(WINDOW):
        again = await adapter.sessions.save(later, expected="any", turn_id="u")
        case.same(again.version, 3, f"the version of replay {number + 1} of the second write")
        await case.refused(VersionConflict, adapter.sessions.save(session, turn_id=f"refused{number}"))
    again = await adapter.sessions.save(session, turn_id="t")
    case.same(again.version, 2, f"the version of a retry of the first of {WINDOW} writes")


@clause(
    "retries.past_window",
    "A save that is retried after 16 other writes of state writes nothing, remembered or not.",
    level=Level.SMOKE,
)
async def past_window(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    await adapter.sessions.save(session, turn_id="t")
    await other_saves(adapter, session, WINDOW)
    async with case.unchanged(adapter):
        [answer] = await asyncio.gather(adapter.sessions.save(session, turn_id="t"), return_exceptions=True)
    if isinstance(answer, VersionConflict):
        case.same((answer.expected, answer.actual), (1, WINDOW + 2), "expected and actual version")
        return
    assert isinstance(answer, Session), f"expected VersionConflict, or the first answer, found {answer!r}"
    case.same(answer.version, 2, "the version of a retry that is remembered")


@clause(
    "retries.past_window_messages",
    "A turn that is retried after 16 other writes of state is known by its messages.",
    sealed=True,
)
async def past_window_messages(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    turn = Turn(session_id="s", session=session, messages=case.say("a", "b"))
    first = await adapter.commit(turn)
    await adapter.messages.append("s", case.say("c"))
    await other_saves(adapter, session, WINDOW + 1)
    async with case.unchanged(adapter):
        again = await adapter.commit(turn)
    case.same((again.replayed, again.messages), (True, first.messages), "replayed and messages of the retry")
    case.same((again.session.version, again.session.last_seq), (2, 2), "version and last_seq of the retry")


@clause("retries.window_of_appends", "Appends take no place among the 16 remembered writes.")
async def window_of_appends(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    await adapter.sessions.save(session, turn_id="t")
    for number in range(WINDOW + 4):
        await adapter.messages.append("s", case.say(f"m{number}"))
    case.same((await adapter.sessions.save(session, turn_id="t")).version, 2, "the version of the retried save")


@clause(
    "retries.window_of_redactions",
    "Redactions take no place among the 16 remembered writes.",
    needs=[Capability.REPLACE],
)
async def window_of_redactions(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    await adapter.messages.append("s", case.say("a"))
    await adapter.sessions.save(session, turn_id="t")
    for number in range(WINDOW + 4):
        await adapter.messages.replace("s", Message(id="a", role="user", content=f"{number}"))
    case.same((await adapter.sessions.save(session, turn_id="t")).version, 2, "the version of the retried save")


@clause(
    "retries.window_of_removals",
    "A removal takes a place among the 16 remembered writes.",
    needs=[Capability.REMOVE],
)
async def window_of_removals(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    await adapter.messages.append("s", case.say("a", "b"))
    first = await adapter.messages.remove("s", after=0, through=1, turn_id="r")
    await adapter.sessions.save(session, turn_id="t")
    for _ in range(WINDOW - 2):
        await adapter.messages.remove("s", after=1, through=2)
    again = await adapter.messages.remove("s", after=0, through=1, turn_id="r")
    case.same((first, again), (1, 1), f"the counts of a removal and of its retry after {WINDOW - 1} other writes")
