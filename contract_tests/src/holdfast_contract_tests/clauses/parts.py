"""The parts of a message, known and unknown, and what is empty but not absent."""

from collections.abc import Sequence
from typing import Any

from holdfast import (
    Adapter,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    Session,
    Text,
    ToolCall,
    ToolResult,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

# Names that are no words of Python: a part keeps whatever fields it was given.
_ODD: dict[str, Any] = {"z": 1, "a.b": 2, "$set": {"x": 1}, "": None, "a b": [1], "é": "é", "e\u0301": (), "A": 1}

KNOWN: Sequence[Part] = [
    Text(text=""),
    Text(text=" a\n"),
    Text.model_validate({"text": "a", "provider": {"x": 1}}),
    Text.model_validate({"text": "a", **_ODD}),
    ToolCall(id="", name="", args=None),
    ToolCall(id="1", name="f", args={"z": 1, "a": {"y": 1, "b": 2}}),
    ToolCall(id="2", name="f", args='{"not": json'),
    ToolCall(id="3", name="f", args='{"a": 1}'),
    ToolCall(id="4", name="f", args={}),
    ToolCall(id="5", name="f", args=[]),
    ToolCall(id="6", name="f", args=""),
    ToolCall.model_validate({"id": "7", "name": "f", "index": 0, **_ODD}),
    ToolResult(call_id="1"),
    ToolResult(call_id=""),
    ToolResult(call_id="1", name="", content=""),
    ToolResult(call_id="1", name="f", content=[{"type": "text", "text": "x"}], error=True),
    ToolResult(call_id="1", content={"error": False}, error=False),
    Reasoning(text=None, provider={"signature": "sig", "encrypted": b"\x00"}),
    Reasoning(text="hm"),
    Reasoning(text=""),
    Reasoning(),
    Media(mime="image/png", data=b"\x89PNG\x00\r\n\x1a\n"),
    Media(mime="image/png", data=b""),
    Media(mime="image/png", uri="https://example.org/x.png", name="x"),
    Media(mime="", uri="", name=""),
    Refusal(text="no"),
    Refusal(text=""),
    Other.model_validate({"type": "of.tomorrow", "a": 1, "b": [{"$set": 1}], "c": None}),
    Other.model_validate({"type": "of.tomorrow", **_ODD}),
    Other(type=""),
    Other(type="$set"),
    Other(type="Text"),
]


async def _said(case: Case, *said: dict[str, Any]) -> list[Message]:
    """Messages with these fields as they are read, after what append and get gave was compared."""
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    sent = [_message(number, fields) for number, fields in enumerate(said)]
    told = await adapter.messages.append("s", sent)
    found = await adapter.messages.find("s", limit=len(sent))
    case.same(list(told), list(found), "what append gave back, beside what messages.find gave")
    for before, after in zip(sent, found, strict=True):
        given = {"seq": after.seq, "turn_id": after.turn_id, "created_at": after.created_at}
        case.same(after, before.model_copy(update=given), "a message, beside what was sent")
    await _check_get(case, adapter, found.items)
    return list(found)


def _message(number: int, fields: dict[str, Any]) -> Message:
    said: dict[str, Any] = {"id": f"m{number}", "role": "assistant", **fields}
    return Message(**said)


async def _check_get(case: Case, adapter: Adapter, found: Sequence[Message]) -> None:
    ends = (found[0], found[-1])
    case.same([await adapter.messages.get("s", one.id) for one in ends], [*ends], "what messages.get gave")


def _extra(part: Any) -> list[tuple[str, Any]]:
    return list((part.model_extra or {}).items())


@clause(
    "parts.kinds",
    "Each part comes back as it was, of the same kind and with all its fields.",
    sealed=True,
    level=Level.SMOKE,
)
async def kinds(case: Case) -> None:
    found = await _said(case, *({"content": [part]} for part in KNOWN))
    for part, message in zip(KNOWN, found, strict=True):
        with case.about(f"{part!r}"):
            case.same(message.content, [part], "the content")
            case.same(_extra(message.content[0]), _extra(part), "the fields that are not of its kind, in order")


@clause("parts.order", "Many parts in one message keep their order.", sealed=True, level=Level.SMOKE)
async def order(case: Case) -> None:
    [found] = await _said(case, {"content": [*KNOWN, *KNOWN, *reversed(KNOWN)]})
    case.same(found.content, [*KNOWN, *KNOWN, *reversed(KNOWN)], "the content")


@clause("parts.plain_objects", "Parts that were given as plain objects come back as parts.", level=Level.SMOKE)
async def plain_objects(case: Case) -> None:
    content = [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "unheard.of", "deep": [{"k": (1, 2)}]},
        {"type": "tool_call", "id": "1", "name": "f", "args": {"b": 1, "a": 2}, "index": 0},
    ]
    [found] = await _said(case, {"content": content})
    parts = list(found.content)
    case.same([type(part) for part in parts], [Text, Other, ToolCall], "the kinds of the parts")
    extra = [{"cache_control": {"type": "ephemeral"}}, {"deep": [{"k": (1, 2)}]}, {"index": 0}]
    case.same([dict(_extra(part)) for part in parts], extra, "the fields that are not of their kinds")


@clause(
    "parts.argument_order", "The arguments of a tool keep the order of their keys, at each level.", sealed=True
)
async def argument_order(case: Case) -> None:
    orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"], ["bbb", "a", "cc"], ["10", "9", "1"]]
    asked = [{key: dict.fromkeys(keys, 1) for key in keys} for keys in orders]
    found = await _said(case, *({"content": [ToolCall(id="1", name="f", args=args)]} for args in asked))
    for keys, message in zip(orders, found, strict=True):
        with case.about(f"keys in the order {keys}"):
            args = message.tool_calls[0].args
            case.same(list(args), keys, "the keys of the arguments")
            case.same([list(inner) for inner in args.values()], [keys] * len(keys), "the keys inside")


@clause("parts.tools", "`tool_calls` and `tool_call_id` are stored as parts, and read from them.")
async def tools(case: Case) -> None:
    asked, answered = await _said(
        case,
        {"content": "let me see", "tool_calls": [{"id": "1", "name": "f", "args": {}}]},
        {"role": "tool", "content": "42", "tool_call_id": "1"},
    )
    case.same(asked.content, [Text(text="let me see"), ToolCall(id="1", name="f", args={})], "the question")
    case.same([call.id for call in asked.tool_calls], ["1"], "its tool_calls")
    case.same(answered.tool_call_id, "1", "tool_call_id of the answer")
    case.same(answered.content, [ToolResult(call_id="1", content="42", name=None)], "the answer")


@clause(
    "parts.empty_raw",
    "An empty raw is not an absent one: 0, False, '' and [] come back as they were.",
    sealed=True,
)
async def empty_raw(case: Case) -> None:
    empty: list[Any] = ["", 0, False, [], {}, (), 0.0, -0.0, b"", set(), frozenset(), None]
    found = await _said(case, *({"raw": raw} for raw in empty), {})
    for raw, message in zip([*empty, None], found, strict=True):
        with case.about(f"raw={raw!r}"):
            case.same(message.raw, raw, "raw")


@clause("parts.empty_words", "An empty name, route, step or format is not an absent one.", sealed=True)
async def empty_words(case: Case) -> None:
    fields = ("name", "route", "step", "format")
    *given, absent = await _said(case, *({field: ""} for field in fields), {})
    for field, message in zip(fields, given, strict=True):
        with case.about(f"{field}=''"):
            words = {other: getattr(message, other) for other in fields}
            case.same(words, {other: "" if other == field else None for other in fields}, "the message's words")
    case.same([getattr(absent, field) for field in fields], [None] * 4, "what was not given")


@clause("parts.no_content", "No text and no parts are two things: '' and [] come back as they were.", sealed=True)
async def no_content(case: Case) -> None:
    found = await _said(case, {"content": ""}, {"content": []}, {"content": [Text(text="")]}, {})
    case.same([one.content for one in found], ["", [], [Text(text="")], ""], "contents")


@clause("parts.empty_metadata", "Metadata that say nothing come back empty, and None in them stays.")
async def empty_metadata(case: Case) -> None:
    said: list[dict[str, Any]] = [{}, {"a": None}, {"a": {}}, {"": ""}]
    found = await _said(case, *({"metadata": metadata} for metadata in said))
    case.same([one.metadata for one in found], said, "metadata")


@clause("parts.roles", "Any word can be a role.")
async def roles(case: Case) -> None:
    words = [
        *("user", "assistant", "system", "tool", "developer", "función", "User", "USER", "user ", " user", "函数"),
        *("null", "0", "a:b", "x" * 255, "é" * 127),
    ]
    found = await _said(case, *({"role": word} for word in words))
    case.same([one.role for one in found], words, "roles")


@clause("parts.speakers", "Each message keeps who said it, where, and whose form it has, apart from the others.")
async def speakers(case: Case) -> None:
    fields = ("user_id", "name", "route", "step", "format")
    nothing: dict[str, Any] = dict.fromkeys(fields)
    said: list[dict[str, Any]] = [nothing, {field: field for field in fields}]
    said += [{field: "only"} for field in fields]
    found = await _said(case, *said)
    for given, message in zip(said, found, strict=True):
        with case.about(f"{given}"):
            case.same({field: getattr(message, field) for field in fields}, {**nothing, **given}, "the words")


@clause("parts.routes", "A state keeps the routes that it was on, when it was there, and which were completed.")
async def routes(case: Case) -> None:
    adapter = await case.open()
    session = Session(id="s", schema_version=0, current_step="")
    session.enter_route("one", "a", at=case.clock.now)
    case.clock.pass_(minutes=1, microseconds=1)
    session.enter_route("two", at=case.clock.now)
    session.enter_step("b")
    session.complete_route(at=case.clock.now)
    session.enter_route("", at=case.clock.now)
    saved = await adapter.sessions.save(session)
    found = await adapter.sessions.get("s")
    assert found is not None, "the session that was just saved is not there"
    case.same(found, saved, "what sessions.get gave, beside what save gave back")
    case.same(found.route_history, session.route_history, "route_history")
    case.same([visit.completed for visit in found.route_history], [False, True, False], "which were completed")
    place = (found.current_route, found.current_step, found.schema_version)
    case.same(place, ("", None, 0), "current_route, current_step and schema_version")
