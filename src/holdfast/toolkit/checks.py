"""Arguments that are numbers: refused before anything is sent."""

from typing import Any

from holdfast.capabilities import Limits
from holdfast.errors import InvalidArgument, PayloadTooLarge

__all__ = ["check_int", "check_limit", "check_timeout"]

_INT64 = 2**63 - 1


def check_int(value: Any, name: str, *, low: int) -> int:
    """An integer that every backend can hold, at least ``low``.

    Raises:
        InvalidArgument: It is none.
    """
    if type(value) is not int:
        raise InvalidArgument(f"{name} is {type(value).__name__}, not int.")
    if not low <= value <= _INT64:
        raise InvalidArgument(f"{name} must be at least {low}, and a 64-bit integer.")
    return value


def check_limit(value: Any, name: str, limits: Limits) -> int:
    """How many items a page, from what the call says.

    Raises:
        InvalidArgument: It is no positive integer.
        PayloadTooLarge: It is over ``limits.page``.
    """
    if value is None:
        return min(limits.page_default, limits.page)
    if check_int(value, name, low=1) > limits.page:
        raise PayloadTooLarge("page", allowed=limits.page, actual=value)
    return int(value)


def check_timeout(value: Any) -> float:
    """A deadline in seconds.

    Raises:
        InvalidArgument: It is no positive number.
    """
    if type(value) not in {int, float} or not 0 < value < float("inf"):
        raise InvalidArgument("timeout must be a positive number of seconds.")
    return float(value)
