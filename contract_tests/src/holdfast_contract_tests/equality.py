"""Equality that is strict about types: ``True``, ``1`` and ``1.0`` differ, and so do ``0.0`` and ``-0.0``."""

import math
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

__all__ = ["difference", "shown"]

_SHOWN = 160


def shown(value: object, limit: int = _SHOWN) -> str:
    """A value for a failure's text, shortened in the middle."""
    text = repr(value).encode("utf-8", "backslashreplace").decode()
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} …{len(text) - limit:,} more… {text[-limit // 2 :]}"


def difference(found: Any, expected: Any, path: str = "it") -> str | None:
    """The first place in which a value differs from what was expected, or None."""
    if type(found) is not type(expected):
        return _unequal(found, expected, path, types=True)
    if isinstance(expected, dict):
        return _first(_in_dicts(found, expected, path))
    if isinstance(expected, BaseModel):
        return _first(_in_models(found, expected, path))
    if isinstance(expected, list | tuple):
        return _first(_in_sequences(found, expected, path))
    if isinstance(expected, set | frozenset):
        return _in_sets(found, expected, path)
    return None if _same_scalar(found, expected) else _unequal(found, expected, path)


def _unequal(found: Any, expected: Any, path: str, *, types: bool = False) -> str:
    if types:
        return (
            f"{path} is {shown(found)} ({type(found).__name__}), "
            f"expected {shown(expected)} ({type(expected).__name__})"
        )
    return f"{path} is {shown(found)}, expected {shown(expected)}"


def _first(differences: Iterator[str | None]) -> str | None:
    return next((found for found in differences if found is not None), None)


def _in_dicts(found: dict[Any, Any], expected: dict[Any, Any], path: str) -> Iterator[str | None]:
    if list(found) != list(expected):
        yield f"{path} has the keys {shown(list(found))}, expected {shown(list(expected))}, in this order"
        return
    for key, value in expected.items():
        yield difference(found[key], value, f"{path}[{key!r}]")


def _in_models(found: BaseModel, expected: BaseModel, path: str) -> Iterator[str | None]:
    mine, theirs = _fields(found), _fields(expected)
    for name in {**theirs, **mine}:
        yield difference(mine.get(name), theirs.get(name), f"{path}.{name}")


def _fields(model: BaseModel) -> dict[str, Any]:
    return {**model.__dict__, **(model.__pydantic_extra__ or {})}


def _in_sequences(found: Sequence[Any], expected: Sequence[Any], path: str) -> Iterator[str | None]:
    if len(found) != len(expected):
        yield f"{path} has {len(found)} items, expected {len(expected)}: {shown(found)}, not {shown(expected)}"
        return
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        yield difference(one, other, f"{path}[{index}]")


def _in_sets(found: AbstractSet[Any], expected: AbstractSet[Any], path: str) -> str | None:
    lost = [one for one in expected if all(difference(other, one) for other in found)]
    if lost or len(found) != len(expected):
        return f"{path} is {shown(found)}, expected {shown(expected)}"
    return None


def _same_scalar(one: Any, other: Any) -> bool:
    if isinstance(one, float):
        return bool(one == other) and math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, Decimal):
        return bool(one.as_tuple() == other.as_tuple())
    if isinstance(one, datetime | time):
        return bool(one == other) and one.utcoffset() == other.utcoffset()
    return bool(one == other)
