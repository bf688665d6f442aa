"""Time: aware UTC with microseconds for people, integer microseconds for stores."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from holdfast.errors import InvalidArgument

__all__ = ["Clock", "from_micros", "to_micros", "utc", "utc_now"]

Clock = Callable[[], datetime]
"""Anything that tells the time, aware. Tests inject their own."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """The system's clock."""
    return datetime.now(UTC)


def utc(value: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        InvalidArgument: It is naive, or outside the years 1 to 9999 in UTC.
    """
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise InvalidArgument("A time needs a time zone, such as datetime.now(UTC).")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidArgument("A time is outside the years 1 to 9999 in UTC.") from error


def to_micros(value: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly."""
    return (utc(value) - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The time that is so many microseconds after 1970 in UTC, exactly."""
    return _EPOCH + timedelta(microseconds=value)
