"""Nothing is converted silently: what would come back as something else is refused, when made and when saved."""

import collections
import enum
from datetime import datetime

import pydantic
import pytest

from holdfast import InvalidArgument, Message, Session, Text, Turn

NAIVE = datetime.fromisoformat("2026-01-01")


class Word(enum.StrEnum):
    YES = "yes"


class Number(enum.IntEnum):
    ONE = 1


class Str(str):
    __slots__ = ()


class Model(pydantic.BaseModel):
    a: int = 1


class MyText(Text):
    pass


@pytest.fixture(autouse=True)
async def session(adapter, say):
    session = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("m"))
    return session


@pytest.mark.parametrize(
    "fields",
    [
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
        {"role": Word.YES},
        {"segment": Number.ONE},
        {"format": Word.YES},
    ],
    ids=str,
)
async def test_a_message_converts_nothing_silently(adapter, everything, fields):
    before = await everything(adapter)
    with pytest.raises(InvalidArgument):
        await adapter.messages.append("s", [Message(**{"role": "user", **fields})])
    assert await everything(adapter) == before


@pytest.mark.parametrize(
    "fields",
    [
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
    ],
    ids=str,
)
async def test_a_session_converts_nothing_silently(adapter, fields):
    with pytest.raises(InvalidArgument):
        await adapter.sessions.save(Session(id="t", **fields))
    assert await adapter.sessions.get("t") is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("data", None),
        ("data", [1]),
        ("data", "text"),
        ("data", collections.OrderedDict()),
        ("metadata", 5),
        ("data_by_route", {"r": 5}),
        ("data_by_route", []),
        ("current_route", 5),
        ("current_step", ["a"]),
        ("schema_version", "1"),
        ("schema_version", True),
        ("route_history", None),
        ("route_history", ["a"]),
        ("route_history", [{"route": "a"}]),
        ("status", 5),
        ("status", None),
        ("status", ""),
        ("agent", 5),
        ("agent", "a\nb"),
        ("completed_at", "today"),
        ("completed_at", NAIVE),
        ("expires_at", 5),
        ("expires_at", NAIVE),
        ("state_expires_at", "x"),
        ("version", "1"),
        ("version", -1),
        ("version", True),
        ("version", 1.0),
        ("version", None),
        ("version", 2**63),
        ("id", 5),
        ("id", None),
        ("user_id", 5),
        ("parent_id", 5),
    ],
    ids=str,
)
async def test_a_session_that_was_changed_to_something_illegal_is_not_saved(
    adapter, session, everything, field, value
):
    before = await everything(adapter)
    setattr(session, field, value)
    with pytest.raises(InvalidArgument):
        await adapter.sessions.save(session)
    with pytest.raises(InvalidArgument):
        await adapter.commit(Turn(session_id="s", session=session))
    assert await everything(adapter) == before


@pytest.mark.parametrize(
    "wrong", [5, "text", None, {"type": "text"}, {"no": "type"}, Message(role="u"), [Text(text="")]], ids=str
)
async def test_a_content_that_was_changed_to_something_illegal_is_not_stored(adapter, everything, wrong):
    before = await everything(adapter)
    message = Message(role="user", content=[Text(text="x")])
    message.content.append(wrong)
    with pytest.raises(InvalidArgument):
        await adapter.messages.append("s", [message])
    assert await everything(adapter) == before
