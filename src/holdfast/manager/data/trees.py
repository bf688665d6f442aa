"""Trees of typed data: the one JSON form of equal values, and where something does not fit."""

import math
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from holdfast.values import canonical

__all__ = ["Unfit", "lost_key", "ordered", "unfit"]

_SHOWN = 64  # characters of a key in a path
# The kinds of pydantic's own errors whose text holds nothing of what was found.
_PLAIN = frozenset(get_args(ErrorType)) - {"value_error", "assertion_error", "union_tag_invalid"}


class Unfit(Exception):
    """Data does not fit its type.

    Attributes:
        path: Where, in the data.
        why: Why, without what was found there.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why


def ordered(as_json: Any, as_python: Any, path: str = "data") -> Any:
    """What pydantic has dumped as JSON, with sets in one order, so that what did not change looks the same.

    Args:
        as_json: The dump as JSON values.
        as_python: The dump of the same as Python values, which tells what the first one hides.
        path: Where it stands.

    Raises:
        Unfit: A number is not finite; pydantic would silently store null.
    """
    if isinstance(as_python, float) and not math.isfinite(as_python):
        raise Unfit(path, "it is no JSON number.")
    if isinstance(as_python, set | frozenset) and type(as_json) is list:
        return sorted(as_json, key=canonical)
    if isinstance(as_python, dict) and type(as_json) is dict and len(as_json) == len(as_python):
        pairs = zip(as_json.items(), as_python.values(), strict=True)
        return {key: ordered(value, python, f"{path}.{key:.{_SHOWN}}") for (key, value), python in pairs}
    if isinstance(as_python, list | tuple) and type(as_json) is list and len(as_json) == len(as_python):
        both = enumerate(zip(as_json, as_python, strict=True))
        return [ordered(value, python, f"{path}[{index}]") for index, (value, python) in both]
    return as_json


def lost_key(as_typed: Any, as_found: Any, path: str = "data") -> str | None:
    """Where something has a key that its type does not know: a subclass, or a dict of another shape.

    Args:
        as_typed: The dump by the type.
        as_found: The dump of the same by what its values are.
        path: Where it stands.
    """
    if isinstance(as_typed, dict) and isinstance(as_found, dict):
        for key, found in as_found.items():
            step = f"{path}.{key:.{_SHOWN}}"
            lost = lost_key(as_typed[key], found, step) if key in as_typed else step
            if lost is not None:
                return lost
    elif isinstance(as_typed, list) and isinstance(as_found, list) and len(as_typed) == len(as_found):
        for index, (typed, found) in enumerate(zip(as_typed, as_found, strict=True)):
            lost = lost_key(typed, found, f"{path}[{index}]")
            if lost is not None:
                return lost
    return None


def unfit(error: ValidationError) -> Unfit:
    """Where and why data does not fit; never what was found there, since that is the user's."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    steps = [f"[{step}]" if isinstance(step, int) else f".{step:.{_SHOWN}}" for step in first["loc"]]
    why = first["msg"] if first["type"] in _PLAIN else f"a rule of the type is broken ({first['type']})"
    return Unfit("data" + "".join(steps), f"{why}.")
