"""Nothing is converted silently: what would come back as something else is refused."""

import collections
from collections.abc import Mapping
from functools import partial
from typing import Any

from holdfast import Adapter, Capability, InvalidArgument, Message, Session, Text, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.refused_values import NAIVE, Model, Number, Str, Word


class MyText(Text):
    """Would come back as a ``Text``."""


Fields = Mapping[str, Any]

OF_A_MESSAGE: list[Fields] = [
    {"metadata": {Word.YES: 1}},
    {"metadata": {Str("a"): 1}},
    {"metadata": {1: 1}},
    {"metadata": collections.OrderedDict(a=1)},
    {"content": Str("a")},
    {"content": Word.YES},
    {"content": [MyText(text="x")]},
    {"content": [{"type": "text", "text": Str("x")}]},
    {"content": [{"type": Word.YES, "text": "x"}]},
    {"content": [collections.OrderedDict(type="text", text="x")]},
    {"content": [{"type": "tool_call", "id": Word.YES, "name": "f"}]},
    {"content": ("a",)},
    {"name": Str("a")},
    {"route": Word.YES},
    {"user_id": Str("a")},
    {"role": Word.YES},
    {"format": Word.YES},
    {"id": Str("a")},
]


async def _a_session(case: Case) -> Adapter:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("m"))
    return adapter


def _message(case: Case, adapter: Adapter, fields: Fields) -> None:
    """As it is made, and as one that was changed past the model, which checks only what it makes itself."""
    said: dict[str, Any] = {"role": "user", **fields}
    case.refused_at_once(InvalidArgument, lambda: adapter.messages.append("s", [Message(**said)]))
    slipped = Message(role="user").model_copy(update=dict(fields))
    case.refused_at_once(InvalidArgument, lambda: adapter.messages.append("s", [slipped]))
    turn = Turn(session_id="s", messages=[Message(role="user")])
    turn = turn.model_copy(update={"messages": [slipped]})
    case.refused_at_once(InvalidArgument, lambda: adapter.commit(turn))


@clause(
    "values.message_conversions",
    "A message whose fields would come back as other types is refused.",
    level=Level.SMOKE,
)
async def message_conversions(case: Case) -> None:
    adapter = await _a_session(case)
    async with case.unchanged(adapter):
        for fields in OF_A_MESSAGE:
            with case.about(f"{fields!r}"):
                _message(case, adapter, fields)
        with case.about("segment=Number.ONE"):
            said: dict[str, Any] = {"role": "user", "segment": Number.ONE}
            case.refused_at_once(InvalidArgument, lambda: adapter.messages.append("s", [Message(**said)]))


def _save(adapter: Adapter, fields: Fields) -> Any:
    said: dict[str, Any] = {"id": "t", **fields}
    return adapter.sessions.save(Session(**said))


OF_A_SESSION: list[Fields] = [
    {"data": collections.OrderedDict(a=1)},
    {"data": {Word.YES: 1}},
    {"data": {Str("a"): 1}},
    {"data_by_route": {"r": collections.OrderedDict(a=1)}},
    {"data_by_route": {"r": {Word.YES: 1}}},
    {"data_by_route": {Word.YES: {}}},
    {"data_by_route": {"r": [1]}},
    {"metadata": Model()},
    {"status": Word.YES},
    {"current_route": Str("a")},
    {"schema_version": Number.ONE},
    {"schema_version": True},
    {"schema_version": 1.0},
    {"route_history": [{"route": "a"}]},
]


@clause(
    "values.state_conversions",
    "A state whose fields would come back as other types is refused.",
    level=Level.SMOKE,
)
async def state_conversions(case: Case) -> None:
    adapter = await _a_session(case)
    for fields in OF_A_SESSION:
        with case.about(f"{fields!r}"):
            case.refused_at_once(InvalidArgument, partial(_save, adapter, fields))
    case.same(await adapter.sessions.get("t"), None, "the session that was refused")


CHANGES: list[tuple[str, Any]] = [
    *(("data", None), ("data", [1]), ("data", "text"), ("data", collections.OrderedDict[str, int]())),
    *(("metadata", 5), ("metadata", None), ("metadata", "text")),
    *(("data_by_route", {"r": 5}), ("data_by_route", [1]), ("data_by_route", None)),
    *(("current_route", 5), ("current_step", ["a"]), ("schema_version", "1"), ("schema_version", True)),
    *(("route_history", wrong) for wrong in (None, ["a"], [{"route": "a"}])),
    *(("status", wrong) for wrong in (5, None, "", " ", "a\x00")),
    *(("agent", wrong) for wrong in (5, "a\nb", "")),
    *(("completed_at", "today"), ("completed_at", NAIVE)),
    *(("version", wrong) for wrong in ("1", -1, True, 1.0, None, 2**63)),
    *(("id", wrong) for wrong in (5, None, "", "a\x00")),
    *(("user_id", 5), ("user_id", ""), ("user_id", {"$gt": ""}), ("user_id", Str("u"))),
]


async def _changed(case: Case, changes: list[tuple[str, Any]]) -> None:
    adapter = await _a_session(case)
    async with case.unchanged(adapter):
        for field, wrong in changes:
            session = await adapter.sessions.get("s")
            assert session is not None, "the session that was saved is not there"
            turn = Turn(session_id="s", session=session, messages=case.say("late"))
            setattr(session, field, wrong)
            with case.about(f"session.{field} = {wrong!r}"):
                case.refused_at_once(InvalidArgument, partial(adapter.sessions.save, session))
                case.refused_at_once(InvalidArgument, partial(adapter.commit, turn))


@clause("values.changed_state", "A session that was changed to something illegal is refused when it is saved.")
async def changed_state(case: Case) -> None:
    await _changed(case, CHANGES)


@clause(
    "values.changed_lifetimes",
    "A session whose lifetime was changed to something that is no time is refused when it is saved.",
    needs=[Capability.EXPIRY],
)
async def changed_lifetimes(case: Case) -> None:
    wrong: list[Any] = [5, "x", NAIVE]
    await _changed(case, [(field, value) for field in ("expires_at", "state_expires_at") for value in wrong])


@clause(
    "values.changed_parent",
    "A session whose parent was changed to something illegal is refused when it is saved.",
    needs=[Capability.PARENTS],
)
async def changed_parent(case: Case) -> None:
    await _changed(case, [("parent_id", 5), ("parent_id", ""), ("parent_id", "a\nb")])


@clause("values.changed_content", "A message whose parts were changed to something illegal is refused.")
async def changed_content(case: Case) -> None:
    adapter = await _a_session(case)
    wrongs: list[Any] = [
        *(5, "text", None, b"", {"type": "text"}, {"no": "type"}, Message(role="u"), [Text(text="")]),
        *(MyText(text="x"), Model(), object()),
    ]
    async with case.unchanged(adapter):
        for wrong in wrongs:
            content: list[Any] = [Text(text="x")]
            message = Message(role="user", content=content)
            assert isinstance(message.content, list), "a list of parts was given"
            message.content.append(wrong)
            with case.about(f"the part {wrong!r}"):
                case.refused_at_once(InvalidArgument, partial(adapter.messages.append, "s", [message]))
