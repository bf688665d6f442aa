"""Turns with a removal: removed, appended and saved in one step."""

from typing import Any

from holdfast import (
    Capability,
    DuplicateIdConflict,
    HoldfastError,
    InvalidArgument,
    Message,
    Session,
    Turn,
    VersionConflict,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._turns import begin, info, now, refusals


@clause(
    "turns.with_removal",
    "A turn removes, appends and stores its state in one step, and says how many it removed.",
    needs=[Capability.REMOVE],
    sealed=True,
    level=Level.SMOKE,
)
async def with_removal(case: Case) -> None:
    adapter, session = await begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x", "y"), remove=(2, 4))
    done = await adapter.commit(turn)
    case.same((done.removed, done.replayed), (2, False), "removed and replayed")
    told = (done.session.version, done.session.last_seq, done.session.message_count, done.session.status)
    case.same(told, (2, 7, 5, "completed"), "version, last_seq, message_count, status")
    found = [message.seq for message in await adapter.messages.find("s")]
    case.same(found, [1, 2, 5, 6, 7], "the positions that are stored")
    stored = await now(adapter)
    case.same((stored.data, stored.version, stored.status), ({"n": 2}, 2, "completed"), "data, version, status")
    case.same(done.session, info(stored), "Committed.session, against what is stored")


@clause(
    "turns.tail",
    "A turn replaces a tail of messages, ids and all, in one step.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def tail(case: Case) -> None:
    adapter, _ = await begin(case)
    again = [Message(id=word, role="user", content="again") for word in "de"]
    done = await adapter.commit(Turn(session_id="s", remove=(3, 5), messages=again, last_seq=5))
    found = [(message.id, message.seq, message.content) for message in await adapter.messages.find("s")]
    stay = [("a", 1, "a"), ("b", 2, "b"), ("c", 3, "c")]
    case.same(found, [*stay, ("d", 6, "again"), ("e", 7, "again")], "ids, positions and texts")
    case.same((done.session.version, done.removed), (1, 2), "version and removed")


@clause(
    "turns.ids_outside_of_removal",
    "An id outside of the turn's own removal is still taken.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def ids_outside_of_removal(case: Case) -> None:
    adapter, _ = await begin(case)
    again = [Message(id=word, role="user", content="again") for word in "cd"]
    async with case.unchanged(adapter):
        turn = Turn(session_id="s", remove=(3, 5), messages=again)
        error = await case.refused(DuplicateIdConflict, adapter.commit(turn))
    case.same(error.ids, ("c",), "the ids that the error names")


@clause(
    "turns.same_words_in_removal",
    "The same words as in the turn's own removal are appended anew.",
    needs=[Capability.REMOVE],
)
async def same_words_in_removal(case: Case) -> None:
    adapter, _ = await begin(case)
    done = await adapter.commit(Turn(session_id="s", remove=(0, 5), messages=case.say("b", "a")))
    case.same([(message.id, message.seq) for message in done.messages], [("b", 6), ("a", 7)], "ids and positions")
    case.same([message.id for message in await adapter.messages.find("s")], ["b", "a"], "what is stored")
    case.same((done.removed, done.session.message_count), (5, 2), "removed and message_count")


@clause(
    "turns.refused_with_removal",
    "Of a refused turn nothing is stored: nothing is removed either.",
    needs=[Capability.REMOVE],
    sealed=True,
)
async def refused_with_removal(case: Case) -> None:
    adapter, session = await begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x", "y"), remove=(2, 4))
    beyond: tuple[dict[str, Any], type[HoldfastError]] = ({"remove": (0, 6)}, InvalidArgument)
    case.clock.pass_(hours=1)
    for what, (change, error) in {**refusals(), "a removal beyond the last position": beyond}.items():
        with case.about(f"a turn with {what}"):
            async with case.unchanged(adapter):
                await case.refused(error, adapter.commit(turn.model_copy(update=change)))


@clause("turns.mended_removal", "A refused removal can be mended under its own id.", needs=[Capability.REMOVE])
async def mended_removal(case: Case) -> None:
    adapter, session = await begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x"), remove=(2, 4), last_seq=3)
    await case.refused(VersionConflict, adapter.commit(turn))
    done = await adapter.commit(turn.model_copy(update={"last_seq": 5, "messages": case.say("x", "y")}))
    told = (done.replayed, done.removed, done.session.last_seq, done.session.message_count)
    case.same(told, (False, 2, 7, 5), "replayed, removed, last_seq and message_count")


@clause(
    "turns.refused_creation_with_removal",
    "A creation that removes what was never there is refused, and leaves no session.",
    needs=[Capability.REMOVE],
)
async def refused_creation_with_removal(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(session_id="new", session=Session(id="new"), messages=case.say("a"), remove=(0, 1))
    await case.refused(InvalidArgument, adapter.commit(turn))
    case.same(await adapter.sessions.get("new"), None, "the session")
