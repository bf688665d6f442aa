"""Values that would not come back equal: refused with their place, before anything is sent."""

import collections
import dataclasses
import enum
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import pydantic
import pytest

from holdfast import Message, Session, Text, ToolCall, ToolResult, Turn, UnserializableValue


class Color(enum.Enum):
    RED = 1


class Word(enum.StrEnum):
    YES = "yes"


class Number(enum.IntEnum):
    ONE = 1


class Str(str):
    __slots__ = ()


class Real(float):
    __slots__ = ()


class Model(pydantic.BaseModel):
    a: int = 1


@dataclasses.dataclass
class Data:
    a: int = 1


class Vague(tzinfo):
    def utcoffset(self, at):
        return None

    def dst(self, at):
        return None

    def tzname(self, at):
        return "vague"


class Point(NamedTuple):
    x: int
    y: int


def cycle(kind):
    inner = kind()
    inner.append(inner) if kind is list else inner.update(k=inner)
    return inner


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


REFUSED = {
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "decimal nan": Decimal("NaN"),
    "decimal snan": Decimal("sNaN123"),
    "decimal inf": Decimal("-Infinity"),
    "a surrogate": "a\ud800b",
    "a surrogate key": {"\udfff": 1},
    "4301 digits": 10**4300,
    "-4301 digits": -(10**4300),
    "naive": datetime.fromisoformat("2026-01-01"),
    "naive by its zone": datetime(2026, 1, 1, tzinfo=Vague()),
    "a time by its zone": time(1, tzinfo=Vague()),
    "int key": {1: "a"},
    "mixed keys": {"1": 1, 1: 2},
    "None key": {None: 1},
    "bytes key": {b"a": 1},
    "bool key": {True: 1},
    "tuple key": {("a",): 1},
    "str subclass key": {Str("a"): 1},
    "enum key": {Word.YES: 1},
    "enum": Color.RED,
    "str enum": Word.YES,
    "int enum": Number.ONE,
    "str subclass": Str("a"),
    "float subclass": Real(1.5),
    "ordered dict": collections.OrderedDict(a=1),
    "default dict": collections.defaultdict(list),
    "counter": collections.Counter("a"),
    "deque": collections.deque(),
    "namedtuple": Point(1, 2),
    "dataclass": Data(),
    "model": Model(),
    "a part": Text(text="x"),
    "models in a list": [Model()],
    "parts in a list": [Text(text="x")],
    "object": object(),
    "type": int,
    "function": len,
    "generator": (_ for _ in ()),
    "range": range(3),
    "bytearray": bytearray(b"x"),
    "memoryview": memoryview(b"x"),
    "complex": 1j,
    "timedelta": timedelta(1),
    "exception": ValueError("x"),
    "ellipsis": ...,
    "list cycle": cycle(list),
    "dict cycle": cycle(dict),
}
DEEP = {"deep": 101, "deeper": 200, "far too deep": 50_000}


def places(value):
    """Each place that takes any value, in a call of its own, and the root of the path."""
    parts = {
        "args": ToolCall(id="1", name="f", args=value),
        "content": ToolResult(call_id="1", content=value),
        "extra": Text(text="", extra=value),
    }
    yield "session.data.v", lambda a: a.sessions.save(Session(id="s", data={"v": value}))
    yield "session.metadata.v", lambda a: a.sessions.save(Session(id="s", metadata={"v": value}))
    yield (
        "session.data_by_route.r.v",
        lambda a: a.sessions.save(Session(id="s", data_by_route={"r": {"v": value}})),
    )
    yield "session.data.v", lambda a: a.commit(Turn(session_id="s", session=Session(id="s", data={"v": value})))
    yield "messages[1].raw", lambda a: a.messages.append("s", [Message(role="u"), Message(role="u", raw=value)])
    yield "messages[0].metadata.v", lambda a: a.messages.append("s", [Message(role="u", metadata={"v": value})])
    yield "messages[0].raw", lambda a: a.commit(Turn(session_id="s", messages=[Message(role="u", raw=value)]))
    yield "message.raw", lambda a: a.messages.replace("s", Message(id="m", role="u", raw=value))
    for name, part in parts.items():
        content = [Text(text="x"), part]
        path = f"messages[0].content[1].{name}"
        yield path, lambda a, content=content: a.messages.append("s", [Message(role="u", content=content)])


@pytest.fixture(autouse=True)
async def session(adapter, say):
    session = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("m"))
    return session


@pytest.mark.parametrize("name", [*REFUSED, *DEEP])
async def test_a_value_that_cannot_travel_is_refused_everywhere_before_anything_is_sent(
    adapter, everything, refused_at_once, name
):
    before = await everything(adapter)
    for path, call in places(nested(DEEP[name]) if name in DEEP else REFUSED[name]):
        error = refused_at_once(partial(call, adapter), UnserializableValue)
        made = path.rpartition(".")[2]  # a model refuses some values already when it is made
        assert error.path.startswith(path) or error.path == made
        assert error.path in str(error)
    assert await everything(adapter) == before


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"cart": [1, 2, 3, {"price": float("nan")}]}, "session.data.cart[3].price"),
        ({"a": {"b": {"c": object()}}}, "session.data.a.b.c"),
        ({"a b": {"": [object()]}}, "session.data['a b'][''][0]"),
        ({"t": (1, (2, object()))}, "session.data.t[1][1]"),
        ({"x": {1: 2}}, "session.data.x"),
        ({"$set": [object()]}, "session.data['$set'][0]"),
    ],
    ids=str,
)
async def test_the_error_names_the_place(adapter, value, path):
    with pytest.raises(UnserializableValue) as caught:
        await adapter.sessions.save(Session(id="t", data=value))
    assert caught.value.path.startswith(path)
    assert await adapter.sessions.get("t") is None
