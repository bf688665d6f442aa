"""Values that would not come back equal: refused with their place, before anything is sent."""

import collections
import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import pydantic

from holdfast import (
    Adapter,
    Capability,
    Message,
    Session,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    UnserializableValue,
)
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause

NAIVE = datetime.fromisoformat("2026-01-01")


class Color(enum.Enum):
    """No value of ours."""

    RED = 1


class Word(enum.StrEnum):
    """Looks like a text."""

    YES = "yes"


class Number(enum.IntEnum):
    """Looks like an integer."""

    ONE = 1


class Str(str):
    """Would come back as a plain text."""

    __slots__ = ()


class Real(float):
    """Would come back as a plain float."""

    __slots__ = ()


class Model(pydantic.BaseModel):
    """Would come back as an object of plain values."""

    a: int = 1


@dataclasses.dataclass
class Data:
    """The same."""

    a: int = 1


class Vague(tzinfo):
    """A zone that does not know its offset: what has it is as good as naive."""

    def utcoffset(self, at: datetime | None, /) -> timedelta | None:  # noqa: ARG002
        """Unknown."""
        return None

    def dst(self, at: datetime | None, /) -> timedelta | None:  # noqa: ARG002
        """Unknown."""
        return None

    def tzname(self, at: datetime | None, /) -> str:  # noqa: ARG002
        """Its name."""
        return "vague"


class Point(NamedTuple):
    """Would come back as a plain tuple."""

    x: int
    y: int


def _list_cycle() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


def _dict_cycle() -> dict[str, Any]:
    inner: dict[str, Any] = {}
    inner["k"] = [inner]
    return inner


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


REFUSED: Mapping[str, Any] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "Decimal NaN": Decimal("NaN"),
    "Decimal sNaN": Decimal("sNaN123"),
    "Decimal infinity": Decimal("-Infinity"),
    "a lone surrogate": "a\ud800b",
    "a lone surrogate as a key": {"\udfff": 1},
    "surrogates in the wrong order": "\udc00\ud800",
    "an integer of 4,301 digits": 10**4300,
    "a negative integer of 4,301 digits": -(10**4300),
    "a naive datetime": NAIVE,
    "a datetime that is naive by its zone": datetime(2026, 1, 1, tzinfo=Vague()),
    "a time that is naive by its zone": time(1, tzinfo=Vague()),
    "an integer as a key": {1: "a"},
    "1 and '1' as keys": {"1": 1, 1: 2},
    "None as a key": {None: 1},
    "bytes as a key": {b"a": 1},
    "True as a key": {True: 1},
    "a tuple as a key": {("a",): 1},
    "a subclass of str as a key": {Str("a"): 1},
    "an Enum as a key": {Word.YES: 1},
    "an Enum": Color.RED,
    "a StrEnum": Word.YES,
    "an IntEnum": Number.ONE,
    "a subclass of str": Str("a"),
    "a subclass of float": Real(1.5),
    "an OrderedDict": collections.OrderedDict(a=1),
    "a defaultdict": collections.defaultdict(list, a=1),
    "a Counter": collections.Counter("a"),
    "a deque": collections.deque([1]),
    "a NamedTuple": Point(1, 2),
    "a dataclass": Data(),
    "a pydantic model": Model(),
    "a part": Text(text="x"),
    "models in a list": [Model()],
    "parts in a list": [Text(text="x")],
    "an object": object(),
    "a type": int,
    "a function": len,
    "a generator": (_ for _ in ()),
    "a range": range(3),
    "a bytearray": bytearray(b"x"),
    "a memoryview": memoryview(b"x"),
    "a view of a dict": {"a": 1}.keys(),
    "a complex number": 1j,
    "a timedelta": timedelta(1),
    "an exception": ValueError("x"),
    "an ellipsis": ...,
    "NaN deep inside": {"a": [1, ({"b": float("nan")},)]},
    "an object in a tuple": ("a", object()),
    "a cycle of lists": _list_cycle(),
    "a cycle of objects": _dict_cycle(),
}

Call = Callable[[Adapter], Any]
_PARTS: Mapping[str, Callable[..., Any]] = {"tool_call": ToolCall, "tool_result": ToolResult, "text": Text}


def _state_places(value: Any) -> Iterator[tuple[str, Call]]:
    """Each place of a state that takes any value: its path, and a call that holds the value there."""
    states: dict[str, dict[str, Any]] = {
        "data": {"data": {"v": value}},
        "metadata": {"metadata": {"v": value}},
        "data_by_route.r": {"data_by_route": {"r": {"v": value}}},
    }
    for path, fields in states.items():
        yield f"session.{path}.v", partial(_save, fields)
        yield f"session.{path}.v", partial(_commit, fields)


def _save(fields: dict[str, Any], adapter: Adapter) -> Any:
    return adapter.sessions.save(Session(id="s", **fields))


def _commit(fields: dict[str, Any], adapter: Adapter) -> Any:
    return adapter.commit(Turn(session_id="s", session=Session(id="s", **fields)))


def _message_places(value: Any) -> Iterator[tuple[str, Call]]:
    """The same of a message."""
    parts: dict[str, dict[str, Any]] = {
        "args": {"type": "tool_call", "id": "1", "name": "f", "args": value},
        "content": {"type": "tool_result", "call_id": "1", "content": value},
        "extra": {"type": "text", "text": "", "extra": value},
    }

    def second(**fields: Any) -> list[Message]:
        return [Message(role="u"), Message(role="u", **fields)]

    yield "messages[1].raw", lambda a: a.messages.append("s", second(raw=value))
    yield "messages[1].metadata.v", lambda a: a.messages.append("s", second(metadata={"v": value}))
    yield "messages[1].raw", lambda a: a.commit(Turn(session_id="s", messages=second(raw=value)))
    for name, part in parts.items():
        yield f"messages[1].content[1].{name}", partial(_append_part, part)


def _append_part(part: dict[str, Any], adapter: Adapter) -> Any:
    content: Any = [Text(text="x"), _PARTS[part["type"]](**part)]
    return adapter.messages.append("s", [Message(role="u"), Message(role="u", content=content)])


def _replacement_places(value: Any) -> Iterator[tuple[str, Call]]:
    yield "message.raw", lambda a: a.messages.replace("s", Message(id="m", role="u", raw=value))
    yield "message.metadata.v", lambda a: a.messages.replace("s", Message(id="m", role="u", metadata={"v": value}))


async def _refuses(case: Case, places: Callable[[Any], Iterator[tuple[str, Call]]]) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("m"))
    depth = adapter.limits.depth
    deep = {f"{levels} levels": _nested(levels) for levels in (depth + 1, 2 * depth, 50_000)}
    async with case.unchanged(adapter):
        for name, value in {**REFUSED, **deep}.items():
            for path, call in places(value):
                with case.about(f"{name} at {path}"):
                    _refuse_one(case, adapter, path, call)


def _refuse_one(case: Case, adapter: Adapter, path: str, call: Call) -> None:
    # The journal shows states, and what is nested 50,000 deep cannot be shown.
    target = unwatched(adapter)
    error = case.refused_at_once(UnserializableValue, partial(call, target))
    made = path.rpartition(".")[2]  # a model refuses some values already when it is made
    assert error.path.startswith(path) or error.path == made, f"the error's path is {error.path!r}, not {path!r}"
    assert error.path in str(error), f"the error's text does not name the place {error.path!r}: {error}"


@clause(
    "values.refused_state",
    "A state with a value that would not come back equal is refused, with its place, before anything is sent.",
)
async def refused_state(case: Case) -> None:
    await _refuses(case, _state_places)


@clause(
    "values.refused_message",
    "A message with a value that would not come back equal is refused, with its place, before anything is sent.",
)
async def refused_message(case: Case) -> None:
    await _refuses(case, _message_places)


@clause(
    "values.refused_replacement",
    "A replacement with a value that would not come back equal is refused, with its place, before it is sent.",
    needs=[Capability.REPLACE],
    level=Level.SMOKE,
)
async def refused_replacement(case: Case) -> None:
    await _refuses(case, _replacement_places)


@clause("values.refused_place", "The error of a refused value names the way to it, from what was handed in.")
async def refused_place(case: Case) -> None:
    adapter = await case.open()
    hard: list[tuple[dict[str, Any], str]] = [
        ({"cart": [1, 2, 3, {"price": float("nan")}]}, "session.data.cart[3].price"),
        ({"a": {"b": {"c": object()}}}, "session.data.a.b.c"),
        ({"a b": {"": [object()]}}, "session.data['a b'][''][0]"),
        ({"t": (1, (2, object()))}, "session.data.t[1][1]"),
        ({"x": {1: 2}}, "session.data.x"),
        ({"$set": [object()]}, "session.data['$set'][0]"),
    ]
    for value, path in hard:
        with case.about(f"data={value!r}"):
            session = Session(id="t", data=value)
            error = await case.refused(UnserializableValue, adapter.sessions.save(session))
            assert error.path.startswith(path), f"the error's path is {error.path!r}, not {path!r}"
    case.same(await adapter.sessions.get("t"), None, "the session that was refused")
