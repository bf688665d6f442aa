"""Values: what may be stored, and how it travels as JSON without changing.

Legal are JSON's own values, exactly: ``None``, ``bool``, ``int`` of up to 4,300 digits, finite ``float``,
``str`` without lone surrogates, ``list``, and ``dict`` with ``str`` keys, nested up to a limit. Beside
them a closed table of types travels as tags: ``datetime`` (aware), ``date``, ``time``, ``UUID``, ``Decimal``,
``bytes``, ``tuple``, ``set``, ``frozenset``. A tag is an object with one key that begins with ``$``; an object
of the user that looks like one is escaped as ``{"$": {…}}``. Subclasses are refused: they would come
back as something else. Nothing stored can name code, so reading never builds an object by name.
"""

import json
import math
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from holdfast.errors import CorruptRecord, PayloadTooLarge, UnserializableValue

__all__ = ["canonical", "dumps", "identical", "loads", "pack", "unpack"]

_INT_LIMIT = 10**4300  # CPython's own default for text to int (sys.set_int_max_str_digits)

_SHOWN = 64  # characters of a key in an error's path

_to_text = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode
_to_canonical = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"), sort_keys=True
).encode


class _Refused(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.steps: list[str | int] = []

    def path(self, root: str) -> str:
        path = root
        for step in reversed(self.steps):
            plain = isinstance(step, str) and step.isidentifier() and len(step) <= _SHOWN
            path += f".{step}" if plain else f"[{step!r:.{_SHOWN}}]"
        return path


class _Packer:
    """One walk over a value: checks it, and makes the plain JSON tree of it."""

    def __init__(self, depth: int, room: int) -> None:
        self.depth = depth
        self.room = room  # characters and nodes; a shared reference must not unfold without end

    def pack(self, value: Any) -> Any:
        kind: type = type(value)
        if kind is str:
            return self.text(value)
        self.room -= 1
        if self.room < 0:
            raise _TooLarge
        if value is None or kind is bool:
            return value
        pack = _PACK.get(kind)
        if pack is None:
            raise _Refused(f"{kind.__module__}.{kind.__qualname__} does not travel".replace("builtins.", ""))
        return pack(self, value)

    def text(self, value: str) -> str:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise _Refused(f"lone surrogate U+{ord(value[error.start]):04X}") from None
        self.room -= len(value)
        if self.room < 0:
            raise _TooLarge
        return value

    def key(self, value: Any) -> str:
        if type(value) is not str:
            raise _Refused(f"a key is {type(value).__name__}, not str")
        return self.text(value)

    def mapping(self, value: dict[Any, Any]) -> Any:
        self.enter()
        packed: dict[str, Any] = {}
        key: Any = ""
        try:
            for key, item in value.items():
                packed[self.key(key)] = self.text(item) if type(item) is str else self.pack(item)
        except _Refused as refused:
            refused.steps.append(key if type(key) is str else repr(type(key).__name__))
            raise
        self.depth += 1
        return {"$": packed} if len(packed) == 1 and key.startswith("$") else packed

    def sequence(self, value: Any) -> list[Any]:
        self.enter()
        packed: list[Any] = []
        try:
            for item in value:
                packed.append(self.pack(item))  # noqa: PERF401 - the path wants how many there are
        except _Refused as refused:
            refused.steps.append(len(packed))
            raise
        self.depth += 1
        return packed

    def enter(self) -> None:
        self.depth -= 1
        if self.depth < 0:
            raise _Refused("nested too deep, or a cycle")


class _TooLarge(Exception):
    pass


def _int(packer: _Packer, value: int) -> int:
    packer.room -= value.bit_length() // 4  # more than its digits
    if not -_INT_LIMIT < value < _INT_LIMIT:
        raise _Refused("an integer of more than 4,300 digits")
    return value


def _float(_: _Packer, value: float) -> float:
    if not math.isfinite(value):
        raise _Refused(f"{value} is no JSON number")
    return value


def _decimal(packer: _Packer, value: Decimal) -> dict[str, str]:
    if not value.is_finite():
        raise _Refused(f"Decimal {value} is no number")
    return {"$decimal": packer.text(str(value))}


def _datetime(_: _Packer, value: datetime) -> dict[str, str]:
    offset = value.utcoffset()
    if offset is None:
        raise _Refused("a naive datetime; give it a time zone")
    _check_offset(offset)
    return {"$datetime": value.isoformat()}


def _time(_: _Packer, value: time) -> dict[str, str]:
    offset = value.utcoffset()
    if value.tzinfo is not None and offset is None:
        raise _Refused("a time whose zone has no offset without a date")
    if offset is not None:
        _check_offset(offset)
    return {"$time": value.isoformat()}


def _check_offset(offset: timedelta) -> None:
    if offset and abs(offset) < timedelta(seconds=1):  # CPython writes it, and reads UTC back
        raise _Refused("a time zone whose offset is less than a second")


def _set(packer: _Packer, value: set[Any] | frozenset[Any]) -> dict[str, Any]:
    return {f"${type(value).__name__}": sorted(packer.sequence(value), key=_to_canonical)}


_PACK: dict[type, Callable[[_Packer, Any], Any]] = {
    int: _int,
    float: _float,
    dict: _Packer.mapping,
    list: _Packer.sequence,
    tuple: lambda packer, value: {"$tuple": packer.sequence(value)},
    set: _set,
    frozenset: _set,
    bytes: lambda packer, value: {"$bytes": packer.text(b64encode(value).decode())},
    datetime: _datetime,
    date: lambda _, value: {"$date": value.isoformat()},
    time: _time,
    Decimal: _decimal,
    UUID: lambda _, value: {"$uuid": str(value)},
}

_UNPACK: dict[str, Callable[[Any], Any]] = {
    "$tuple": lambda value: tuple(map(unpack, value)),
    "$set": lambda value: set(map(unpack, value)),
    "$frozenset": lambda value: frozenset(map(unpack, value)),
    "$bytes": lambda value: b64decode(value, validate=True),
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$decimal": Decimal,
    "$uuid": UUID,
}


def pack(value: Any, path: str, *, depth: int, limit: tuple[str, int]) -> Any:
    """Check a value and make the JSON tree of it: new containers, tags in place of Python's own types.

    Args:
        value: What a user wants stored.
        path: Where the value stands, for the error.
        depth: How deep it may nest.
        limit: The name and the value (in bytes) of the limit that the text will have to keep. What is
            certainly larger is refused here, before memory is spent on it.

    Raises:
        UnserializableValue: It, or something in it, would not come back equal.
        PayloadTooLarge: It is certainly over the limit.
    """
    name, allowed = limit
    try:
        return _Packer(depth, allowed).pack(value)
    except _Refused as refused:
        raise UnserializableValue(refused.path(path), refused.why) from None
    except _TooLarge:
        raise PayloadTooLarge(name, allowed=allowed, actual=allowed + 1) from None


def unpack(tree: Any) -> Any:
    """The value of a JSON tree that ``pack`` made.

    Raises:
        ValueError: ``pack`` did not make it.
    """
    kind: type = type(tree)
    if kind is list:
        return [unpack(item) for item in tree]
    if kind is not dict:
        return tree
    if len(tree) == 1:
        [(key, value)] = tree.items()
        if key == "$":
            return {key: unpack(item) for key, item in value.items()}
        if key.startswith("$"):
            if key not in _UNPACK:
                raise ValueError("unknown tag")
            return _UNPACK[key](value)
    return {key: unpack(item) for key, item in tree.items()}


def identical(one: Any, other: Any) -> bool:
    """Whether the store takes two values for equal: 1, 1.0 and True differ, the order of keys does not matter.

    Raises:
        UnserializableValue: One of them cannot be stored.
    """
    first, second = (
        pack(value, "value", depth=sys.maxsize, limit=("bytes", sys.maxsize)) for value in (one, other)
    )
    return canonical(first) == canonical(second)


def dumps(tree: Any) -> str:
    """The text of a JSON tree, keys in their order."""
    return _to_text(tree)


def canonical(tree: Any) -> bytes:
    """The one spelling of a JSON tree, keys sorted: for digests alone, never stored."""
    return _to_canonical(tree).encode()


def loads(text: str) -> Any:
    """The value of a stored text.

    Raises:
        CorruptRecord: The text is not what ``dumps`` wrote.
    """
    try:
        tree, end = _from_text(text)
        # Most texts hold no tag, and then the tree is the value.
        value = unpack(tree) if '{"$' in text else tree
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise CorruptRecord(f"not a stored value ({type(error).__name__}).") from error
    if end != len(text):
        raise CorruptRecord("not a stored value (more follows).")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_from_text = json.JSONDecoder(parse_constant=_no_constant).raw_decode
