"""Retries of turns, saves and removals: stored once, answered as the first time."""

import asyncio
from typing import Any

from holdfast import Capability, DuplicateIdConflict, Message, Session, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._retries import begin, other_saves
from holdfast_contract_tests.clauses._turns import now


@clause(
    "retries.turn",
    "A retried turn is stored once, and gets the answer of its first try.",
    sealed=True,
    level=Level.SMOKE,
)
async def turn_again(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    turn = Turn(session_id="s", session=session, messages=case.say("a", "b"))
    first = await adapter.commit(turn)
    case.clock.pass_(hours=1)
    await adapter.messages.append("s", case.say("c"))
    await other_saves(adapter, session, 3)
    case.clock.pass_(hours=1)
    async with case.unchanged(adapter):
        again = await adapter.commit(turn)
    case.same((first.replayed, again.replayed), (False, True), "replayed, of the first try and the retry")
    case.same(again.messages, first.messages, "the messages of the retry")
    case.same((again.session.version, again.session.last_seq), (2, 2), "version and last_seq of the retry")
    case.same((again.session.id, again.session.key), ("s", session.key), "id and key of the retry")
    found = await now(adapter)
    case.same(
        (found.version, found.last_seq, found.data), (5, 3, {"a": 1}), "version, last_seq and data that are stored"
    )


@clause(
    "retries.save",
    "A retried save is stored once, even after others have saved since.",
    sealed=True,
    level=Level.SMOKE,
)
async def save_again(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["n"] = 1
    first = await adapter.sessions.save(session, turn_id="t")
    again = await adapter.sessions.save(session, turn_id="t")
    case.same((first.version, again.version), (2, 2), "versions of the first try and the retry")
    newer = await now(adapter)
    newer.data["n"] = 2
    await adapter.sessions.save(newer)
    case.clock.pass_(hours=1)
    async with case.unchanged(adapter):
        late = await adapter.sessions.save(session, turn_id="t")
    case.same((late.version, late.data), (2, {"n": 1}), "version and data of a retry after another's save")
    found = await now(adapter)
    case.same((found.version, found.data), (3, {"n": 2}), "version and data that are stored")


@clause("retries.save_over_any", "A save over any version is stored once per turn id.", level=Level.SMOKE)
async def save_over_any(case: Case) -> None:
    adapter, session = await begin(case)
    for attempt in range(3):
        with case.about(f"try {attempt + 1}"):
            saved = await adapter.sessions.save(session, expected="any", turn_id="t")
            case.same(saved.version, 2, "the version that is answered")
    case.same((await now(adapter)).version, 2, "the version that is stored")


@clause("retries.save_without_turn_id", "Without a turn id a second save is another write, and conflicts.")
async def save_without_turn_id(case: Case) -> None:
    adapter, session = await begin(case)
    await adapter.sessions.save(session)
    async with case.unchanged(adapter):
        error = await case.refused(VersionConflict, adapter.sessions.save(session))
    case.same((error.expected, error.actual), (1, 2), "expected and actual version")


@clause("retries.creation", "A retried creation makes one session.", sealed=True, level=Level.SMOKE)
async def creation(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(session_id="new", session=Session(id="new", data={"a": 1}), messages=case.say("a"))
    first = await adapter.commit(turn)
    case.clock.pass_(hours=1)
    again = await adapter.commit(turn)
    case.same(again.session.key, first.session.key, "the key of the life that was made")
    told = (again.session.version, again.session.last_seq, again.messages, again.replayed)
    case.same(told, (1, 1, first.messages, True), "version, last_seq, messages and replayed of the retry")
    made = Session(id="made")
    one, two = [await adapter.sessions.save(made, turn_id="t") for _ in range(2)]
    case.same(two, one, "the answer to the retried save")
    await other_saves(adapter, made, 2)
    async with case.unchanged(adapter):
        late = await adapter.sessions.save(made, turn_id="t")
    case.same((late.version, late.key), (1, one.key), "version and key of a retry after others' saves")


@clause(
    "retries.removal",
    "A retried removal removes nothing more, and tells the first count.",
    needs=[Capability.REMOVE],
)
async def removal(case: Case) -> None:
    adapter, _ = await begin(case)
    await adapter.messages.append("s", case.say(*"abcde"))
    first = await adapter.messages.remove("s", after=1, through=4, turn_id="t")
    await adapter.messages.append("s", case.say("b"))
    async with case.unchanged(adapter):
        again = await adapter.messages.remove("s", after=1, through=4, turn_id="t")
    case.same((first, again), (3, 3), "the counts of the first try and the retry")


@clause(
    "retries.turn_id_used",
    "A turn id that was used for another content is refused, and named.",
    sealed=True,
)
async def turn_id_used(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    turn = Turn(id="t", session_id="s", session=session, messages=case.say("a"))
    await adapter.commit(turn)
    changes: dict[str, dict[str, Any]] = {
        "another state": {"session": session.model_copy(update={"data": {"a": 2}})},
        "another status": {"session": session.model_copy(update={"status": "completed"})},
        "no state": {"session": None},
        "another message": {"messages": case.say("b")},
        "no message": {"messages": ()},
        "one more message": {"messages": case.say("a", "b")},
        "other words": {"messages": [Message(id="a", role="user", content="other")]},
    }
    for what, change in changes.items():
        with case.about(f"the turn again, but {what}"):
            async with case.unchanged(adapter):
                error = await case.refused(DuplicateIdConflict, adapter.commit(turn.model_copy(update=change)))
            assert "t" in error.ids, f"the error names {error.ids}, not the turn id 't'"
    async with case.unchanged(adapter):
        await case.refused(DuplicateIdConflict, adapter.sessions.save(session, turn_id="t"))


@clause(
    "retries.turn_id_used_by_removal",
    "A turn id is refused for a removal, if it was used for anything else.",
    needs=[Capability.REMOVE],
)
async def turn_id_used_by_removal(case: Case) -> None:
    adapter, session = await begin(case)
    await adapter.messages.append("s", case.say("a", "b"))
    turn = Turn(id="t", session_id="s", session=session, messages=case.say("c"))
    await adapter.commit(turn)
    await adapter.messages.remove("s", after=0, through=1, turn_id="u")
    async with case.unchanged(adapter):
        call = adapter.commit(turn.model_copy(update={"remove": (0, 1)}))
        assert "t" in (await case.refused(DuplicateIdConflict, call)).ids, "the error does not name the turn id"
        await case.refused(DuplicateIdConflict, adapter.messages.remove("s", after=0, through=1, turn_id="t"))
        await case.refused(DuplicateIdConflict, adapter.messages.remove("s", after=0, through=2, turn_id="u"))
        await case.refused(DuplicateIdConflict, adapter.messages.remove("s", after=1, through=2, turn_id="u"))


@clause("retries.turn_id_each_session", "A turn id of one session is free in any other.")
async def turn_id_each_session(case: Case) -> None:
    adapter, session = await begin(case)
    other = await adapter.sessions.save(Session(id="other"))
    session.data["n"], other.data["n"] = 1, 2
    for value in (session, other):
        with case.about(f"session {value.id!r}"):
            done = await adapter.commit(Turn(id="t", session_id=value.id, session=value, messages=case.say("a")))
            told = (done.replayed, done.session.version, [message.seq for message in done.messages])
            case.same(told, (False, 2, [1]), "replayed, version and positions")
            stored = await adapter.sessions.get(value.id)
            case.same(stored.data if stored else None, value.data, "the data that is stored")


@clause(
    "retries.removed_since",
    "The answer to a retried turn leaves out messages that were removed since, and does not bring them back.",
    needs=[Capability.REMOVE],
)
async def removed_since(case: Case) -> None:
    adapter, session = await begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("a", "b", "c"))
    first = await adapter.commit(turn)
    await adapter.messages.remove("s", after=1, through=2)
    async with case.unchanged(adapter):
        again = await adapter.commit(turn)
    case.same(again.messages, (first.messages[0], first.messages[2]), "the messages of the retry")
    told = (again.replayed, again.session.version, again.session.last_seq)
    case.same(told, (True, 2, 3), "replayed, version and last_seq of the retry")


@clause(
    "retries.turn_at_once", "The same turn by many at once is stored once: one is told so, all others of a replay."
)
async def turn_at_once(case: Case) -> None:
    adapter, session = await begin(case)
    session.data["a"] = 1
    turn = Turn(session_id="s", session=session, messages=case.say("a", "b"))
    answers = await asyncio.gather(*(adapter.commit(turn) for _ in range(8)))
    case.same(sorted(answer.replayed for answer in answers), [False] + [True] * 7, "replayed, of all eight")
    for answer in answers:
        told = ([message.seq for message in answer.messages], answer.session.version, answer.session.last_seq)
        case.same(told, ([1, 2], 2, 2), "positions, version and last_seq of one of the eight")
    found = await now(adapter)
    case.same(
        (found.version, found.message_count, found.data), (2, 2, {"a": 1}), "version, message_count and data"
    )


@clause(
    "retries.tail",
    "A turn that replaced a tail of messages can be retried.",
    needs=[Capability.REMOVE],
    sealed=True,
)
async def tail(case: Case) -> None:
    adapter, _ = await begin(case)
    await adapter.messages.append("s", case.say("a", "b", "c"))
    turn = Turn(session_id="s", remove=(1, 3), messages=case.say("b", "d"), last_seq=3)
    first = await adapter.commit(turn)
    async with case.unchanged(adapter):
        again = await adapter.commit(turn)
    case.same((first.removed, first.replayed), (2, False), "removed and replayed of the first try")
    case.same((again.removed, again.replayed), (2, True), "removed and replayed of the retry")
    case.same(again.messages, first.messages, "the messages of the retry")
