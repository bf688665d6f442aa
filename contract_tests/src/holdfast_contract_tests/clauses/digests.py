"""Digests: what counts as the same words, for messages and for whole writes."""

from datetime import timedelta
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    DuplicateIdConflict,
    Message,
    RouteVisit,
    Session,
    Turn,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

CHANGES: tuple[dict[str, Any], ...] = (
    {"role": "tool"},
    {"content": "b"},
    {"content": "A"},
    {"content": "a "},
    {"content": ""},
    {"content": [{"type": "text", "text": "a"}]},
    {"name": ""},
    {"route": "r"},
    {"step": "s"},
    {"user_id": "u"},
    {"metadata": {"a": 1}},
    {"raw": 0},
    {"raw": False},
    {"raw": ""},
    {"format": "f"},
)
CALL: dict[str, Any] = {"type": "tool_call", "id": "1", "name": "f", "args": {"x": 1}}
RESULT: dict[str, Any] = {"type": "tool_result", "call_id": "1", "name": "f", "content": {"x": 1}}
THOUGHT: dict[str, Any] = {"type": "reasoning", "text": "hm", "provider": {"signature": "x"}}
IMAGE: dict[str, Any] = {"type": "media", "mime": "image/png", "uri": "u", "data": b"x", "name": "n"}
PARTS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    *((CALL, change) for change in ({"id": "2"}, {"name": "g"}, {"args": {"x": 2}}, {"args": "{}"}, {"more": 1})),
    *((RESULT, change) for change in ({"call_id": "2"}, {"name": "g"}, {"content": {"x": 2}}, {"error": True})),
    *((THOUGHT, change) for change in ({"text": "ah"}, {"text": None}, {"provider": {"signature": "y"}})),
    *((IMAGE, change) for change in ({"mime": "image/gif"}, {"uri": "v"}, {"data": b"y"}, {"name": "o"})),
    ({"type": "refusal", "text": "no"}, {"text": "never"}),
    ({"type": "refusal", "text": "no"}, {"type": "text"}),
    ({"type": "unknown", "x": 1}, {"x": 2}),
    ({"type": "unknown", "x": 1}, {"type": "unheard_of"}),
)


async def _begin(case: Case) -> Adapter:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    return adapter


def _of_parts(id: str, *parts: Any) -> Message:
    return Message(id=id, role="assistant", content=[*parts])


@clause(
    "digests.words",
    "All that a message says counts: the same id with anything else is refused.",
    sealed=True,
    level=Level.SMOKE,
)
async def words(case: Case) -> None:
    adapter = await _begin(case)
    said: dict[str, Any] = {"id": "a", "role": "user", "content": "a"}
    [stored] = await adapter.messages.append("s", [Message(**said)])
    for change in CHANGES:
        with case.about(f"the same message, but {change}"):
            await case.refused(DuplicateIdConflict, adapter.messages.append("s", [Message(**said | change)]))
    case.same(list(await adapter.messages.find("s")), [stored], "what is stored after refused changes")


@clause("digests.parts", "All that a part of a message says counts.", sealed=True, level=Level.SMOKE)
async def parts(case: Case) -> None:
    adapter = await _begin(case)
    first = [_of_parts(f"m{n}", part) for n, (part, _) in enumerate(PARTS)]
    stored = await adapter.messages.append("s", first)
    case.same(list(await adapter.messages.append("s", first)), list(stored), "the answer to the same parts again")
    other = [_of_parts(f"m{n}", part | new) for n, (part, new) in enumerate(PARTS)]
    error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", other))
    for number, (part, change) in enumerate(PARTS):
        assert f"m{number}" in error.ids, f"{part} and the same with {change} are taken for the same words"
    await adapter.messages.append("s", [_of_parts("two", CALL, RESULT)])
    swapped = [_of_parts("two", RESULT, CALL)]
    await case.refused(DuplicateIdConflict, adapter.messages.append("s", swapped))


@clause(
    "digests.types",
    "The type of a value counts: True, 1, 1.0 and '1' are different words.",
    sealed=True,
    level=Level.SMOKE,
)
async def types(case: Case) -> None:
    adapter = await _begin(case)
    values = [
        True,
        1,
        1.0,
        "1",
        0.0,
        -0.0,
        0,
        False,
        None,
        [],
        {},
        (),
        b"",
        "",
        [0],
        [False],
        {"a": 1},
        {"a": True},
    ]

    def said(shift: int) -> list[Message]:
        turned = values[shift:] + values[:shift]
        return [Message(id=f"m{n}", role="user", metadata={"v": value}) for n, value in enumerate(turned)]

    stored = await adapter.messages.append("s", said(0))
    case.same(list(await adapter.messages.append("s", said(0))), list(stored), "the answer to the same again")
    for shift in range(1, len(values)):
        error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", said(shift)))
        for number, value in enumerate(values):
            other = values[(number + shift) % len(values)]
            assert f"m{number}" in error.ids, f"{value!r} and {other!r} are taken for the same words"


@clause("digests.no_words", "Times, position, turn and the order of keys do not count.", sealed=True)
async def no_words(case: Case) -> None:
    adapter = await _begin(case)
    first = Message(id="a", role="user", metadata={"x": 1, "y": {"p": 1, "q": 2}}, created_at=case.clock.now)
    [stored] = await adapter.messages.append("s", [first])
    case.clock.pass_(hours=1)
    changes: dict[str, dict[str, Any]] = {
        "the order of its keys": {"metadata": {"y": {"q": 2, "p": 1}, "x": 1}},
        "the time": {"created_at": case.clock.now},
        "no time": {"created_at": None},
        "the position": {"seq": 9},
        "the turn": {"turn_id": "other", "segment": 3},
    }
    for what, change in changes.items():
        with case.about(f"the same message, but for {what}"):
            [again] = await adapter.messages.append("s", [first.model_copy(update=change)])
            case.same(again, stored, "the answer")


@clause("digests.defaults", "A default value that is spelled out is the same as one that is left out.")
async def defaults(case: Case) -> None:
    adapter = await _begin(case)
    [stored] = await adapter.messages.append("s", [Message(id="a", role="user")])
    spelled = Message(id="a", role="user", content="", name=None, metadata={}, raw=None, format=None)
    case.same(list(await adapter.messages.append("s", [spelled])), [stored], "the answer")


@clause("digests.state", "All that a state says counts: a turn id for anything else is refused.", sealed=True)
async def state(case: Case) -> None:
    adapter = await case.open()
    said = Session(id="s", data={"a": 1}, metadata={"m": 1}, agent="x", status="odd")
    stored = await adapter.sessions.save(said, turn_id="t")
    visit = RouteVisit(route="r", entered_at=case.clock.now)
    changes: tuple[dict[str, Any], ...] = (
        {"data": {"a": 2}},
        {"data": {"a": True}},
        {"data": {}},
        {"data_by_route": {"r": {"a": 1}}},
        {"current_route": "r"},
        {"current_step": "r"},
        {"route_history": [visit]},
        {"schema_version": 1},
        {"metadata": {"m": 2}},
        {"agent": None},
        {"agent": "y"},
        {"status": "active"},
        {"completed_at": case.clock.now},
    )
    for change in changes:
        with case.about(f"the same save, but {change}"):
            call = adapter.sessions.save(said.model_copy(update=change), turn_id="t")
            error = await case.refused(DuplicateIdConflict, call)
            case.same(error.ids, ("t",), "the ids that the error names")
    case.same(await adapter.sessions.get("s"), stored, "what is stored after refused changes")


@clause(
    "digests.state_expiry",
    "When a session and its state expire counts as a part of what a save says.",
    needs=[Capability.EXPIRY],
)
async def state_expiry(case: Case) -> None:
    adapter = await case.open()
    later = case.clock.now + timedelta(hours=1)
    said = Session(id="s", expires_at=later)
    await adapter.sessions.save(said, turn_id="t")
    for change in ({"expires_at": None}, {"state_expires_at": later}):
        with case.about(f"the same save, but {change}"):
            call = adapter.sessions.save(said.model_copy(update=change), turn_id="t")
            await case.refused(DuplicateIdConflict, call)


@clause(
    "digests.state_envelope",
    "What the store itself says of a session does not count: version, key, positions, times.",
    sealed=True,
)
async def state_envelope(case: Case) -> None:
    adapter = await case.open()
    said = Session(id="s", data={"a": 1, "b": {"c": 1, "d": 2}})
    first = await adapter.sessions.save(said, turn_id="t")
    await adapter.messages.append("s", case.say("a"))
    case.clock.pass_(hours=1)
    loaded = await adapter.sessions.get("s")
    assert loaded is not None, "the session is gone"
    reordered = said.model_copy(update={"data": {"b": {"d": 2, "c": 1}, "a": 1}})
    for what, value in {
        "the answer": first,
        "what was loaded": loaded,
        "another order of keys": reordered,
    }.items():
        with case.about(f"{what}, saved again with the same turn id"):
            async with case.unchanged(adapter):
                again = await adapter.sessions.save(value, turn_id="t")
            case.same((again.version, again.key), (1, first.key), "version and key")


@clause("digests.guards", "What a turn expects does not count: a retry may be guarded otherwise.")
async def guards(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    turn = Turn(id="t", session_id="s", session=session, messages=case.say("a"))
    first = await adapter.commit(turn)
    for change in ({"expected": 2}, {"expected": "any"}, {"last_seq": 1}, {"key": session.key}):
        with case.about(f"the same turn, but {change}"):
            again = await adapter.commit(turn.model_copy(update=change))
            case.same((again.replayed, again.messages), (True, first.messages), "replayed and messages")
