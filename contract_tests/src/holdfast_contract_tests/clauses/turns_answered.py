"""What a turn is told, compared as a whole with what is stored, and with what a retry is told."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from holdfast import Adapter, Capability, NotFound, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._turns import answer, info, now


async def _begin(case: Case, **fields: Any) -> Adapter:
    """A session of four messages in which every column is set, an hour ago."""
    adapter = await case.open()
    whole: dict[str, Any] = {"user_id": "u", "agent": "a", "status": "odd", "data": {"n": 1}, **fields}
    session = Session(id="s", completed_at=case.clock.now - timedelta(days=3, microseconds=1), **whole)
    if Capability.PARENTS in adapter.capabilities:
        await adapter.sessions.save(Session(id="p"))
        session.parent_id = "p"
    await adapter.commit(Turn(session_id="s", session=session, messages=case.say(*"abcd")))
    case.clock.pass_(hours=1, microseconds=1)
    return adapter


def _turns(case: Case, session: Session) -> Mapping[str, Turn]:
    """Turns of each kind, each for the session as the one before left it."""
    saved = session.model_copy(update={"data": {"n": 2}, "status": "new", "agent": "b"})
    saved = saved.model_copy(update={"completed_at": case.clock.now})
    return {
        "messages alone": Turn(session_id="s", messages=case.say("e", "f")),
        "a state alone": Turn(session_id="s", session=saved),
        "messages and a state": Turn(session_id="s", session=saved, expected=2, messages=case.say("g")),
        "nothing but a known message": Turn(session_id="s", messages=case.say("a")),
        "nothing": Turn(session_id="s"),
    }


async def _answered(case: Case, adapter: Adapter) -> None:
    for what, turn in _turns(case, await now(adapter)).items():
        case.clock.pass_(minutes=1, microseconds=1)
        with case.about(f"a turn of {what}"):
            done = await adapter.commit(turn)
            case.same(done.session, info(await now(adapter)), "Committed.session, against what is stored")
            found = [await adapter.messages.get("s", message.id) for message in turn.messages]
            case.same(list(done.messages), found, "Committed.messages, against what is stored")


@clause("turns.answer", "The answer to any turn says of its session, field by field, what reading it says.")
async def answers(case: Case) -> None:
    await _answered(case, await _begin(case))


@clause(
    "turns.answer_with_expiry",
    "The answer to any turn tells the times of expiry of its session.",
    needs=[Capability.EXPIRY],
)
async def answers_with_expiry(case: Case) -> None:
    at = case.clock.now + timedelta(days=2, microseconds=1)
    adapter = await _begin(case, expires_at=at, state_expires_at=at - timedelta(hours=3))
    await _answered(case, adapter)
    done = await adapter.commit(Turn(session_id="s", messages=case.say("x")))
    told = (done.session.expires_at, done.session.state_expires_at)
    case.same(told, (at, at - timedelta(hours=3)), "expires_at and state_expires_at")


@clause(
    "turns.answer_to_removal",
    "The answer to a turn with a removal says of its session, field by field, what reading it says.",
    needs=[Capability.REMOVE],
)
async def answers_to_removal(case: Case) -> None:
    adapter = await _begin(case)
    state = (await now(adapter)).model_copy(update={"agent": "b"})
    turns = {
        "a removal alone": (1, Turn(session_id="s", remove=(3, 4))),
        "a removal and messages": (1, Turn(session_id="s", remove=(2, 4), messages=case.say("e", "d"))),
        "a removal and a state": (1, Turn(session_id="s", remove=(1, 2), session=state)),
    }
    for what, (removed, turn) in turns.items():
        case.clock.pass_(minutes=1)
        with case.about(f"a turn of {what}"):
            done = await adapter.commit(turn)
            expected = {"session": info(await now(adapter)), "messages": done.messages}
            case.same(answer(done), {**expected, "replayed": False, "removed": removed}, "the answer")


async def _retried(case: Case, adapter: Adapter, turn: Turn, *, removed: int = 0) -> None:
    """A turn, and its retry at once, after other writes, and after more of them than are remembered."""
    first = await adapter.commit(turn)
    expected = {"session": info(await now(adapter)), "messages": first.messages, "replayed": False}
    case.same(answer(first), {**expected, "removed": removed}, "the answer to the first try")
    session = await now(adapter)
    session.data, session.status, session.agent = {"n": 3}, "later", "c"
    for what in ("at once", "after other writes"):
        with case.about(f"a retry {what}"):
            case.clock.pass_(minutes=1)
            async with case.unchanged(adapter):
                again = await adapter.commit(turn)
            place = {"version": first.session.version, "last_seq": first.session.last_seq}
            told = info(await now(adapter)).model_copy(update=place)
            expected = {"session": told, "messages": first.messages, "replayed": True, "removed": removed}
            case.same(answer(again), expected, "the answer to the retry")
        await adapter.sessions.save(session, expected="any")
        await adapter.messages.append("s", case.say("later"))


@clause(
    "retries.answer",
    "A retried turn is told its own version and `last_seq`, and all else of the session as it is now.",
    sealed=True,
)
async def retries_answer(case: Case) -> None:
    adapter = await _begin(case)
    state = (await now(adapter)).model_copy(update={"data": {"n": 2}, "agent": "b"})
    await _retried(case, adapter, Turn(session_id="s", session=state, messages=case.say("x", "y")))


@clause(
    "retries.answer_to_removal",
    "A retried turn of messages, a state and a removal is told what its first try was told.",
    needs=[Capability.REMOVE],
    sealed=True,
)
async def retries_answer_to_removal(case: Case) -> None:
    adapter = await _begin(case)
    state = (await now(adapter)).model_copy(update={"data": {"n": 2}, "agent": "b"})
    turn = Turn(session_id="s", session=state, messages=case.say("x", "c"), remove=(1, 3))
    await _retried(case, adapter, turn, removed=2)
    state = await now(adapter)
    await _retried(case, adapter, Turn(session_id="s", session=state, remove=(3, 5)), removed=2)


@clause(
    "retries.all_removed_since",
    "The answer to a retried turn has no messages where all of them were removed since.",
    needs=[Capability.REMOVE],
)
async def all_removed_since(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    turn = Turn(session_id="s", session=session, messages=case.say("a", "b"))
    await adapter.commit(turn)
    await adapter.messages.remove("s", after=0, through=2)
    async with case.unchanged(adapter):
        again = await adapter.commit(turn)
    case.same((again.messages, again.replayed), ((), True), "messages and replayed of the retry")


@clause(
    "retries.nothing_to_nobody",
    "Appending no messages, or a turn of nothing, to a session that is not there is refused.",
    level=Level.SMOKE,
)
async def nothing_to_nobody(case: Case) -> None:
    adapter = await case.open()
    await case.refused(NotFound, adapter.messages.append("none", []))
    await case.refused(NotFound, adapter.commit(Turn(session_id="none")))
    case.same(await adapter.sessions.get("none"), None, "the session")
