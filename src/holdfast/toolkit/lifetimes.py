"""Lifetimes: how long a session and its state live after each write."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from holdfast.errors import InvalidArgument
from holdfast.toolkit.store import Head, Lifetime, Write

__all__ = ["Lifetimes", "prolong"]

_CENTURY = 100 * 366 * 86_400 * 1_000_000
_SLACK = 10  # a lifetime is stored again when it would move by a tenth: not at every write

Duration = timedelta | float
"""A ``timedelta``, or seconds."""


@dataclass(frozen=True, kw_only=True)
class Lifetimes:
    """Options of every adapter: when sessions expire if nobody writes.

    Attributes:
        message_ttl: How long a session, and so its transcript, lives after a write.
        session_ttl: How long its state does; never longer than the session.
        message_ttl_by_status: ``message_ttl`` for sessions of a status.
        session_ttl_by_status: ``session_ttl`` likewise.
        refresh_ttl_on_read: Whether loading a session, or reading its messages, counts as a write here.
    """

    message_ttl: Duration | None = None
    session_ttl: Duration | None = None
    message_ttl_by_status: Mapping[str, Duration] = field(default_factory=dict[str, Duration])
    session_ttl_by_status: Mapping[str, Duration] = field(default_factory=dict[str, Duration])
    refresh_ttl_on_read: bool = False

    def by_status(self) -> dict[str, Lifetime]:
        """The table that goes with each write, in microseconds; ``""`` is for any other status.

        Raises:
            InvalidArgument: A lifetime is not positive, not finite, or over a hundred years.
        """
        for table in (self.message_ttl_by_status, self.session_ttl_by_status):
            if not hasattr(table, "items") or not all(type(status) is str and status for status in table):
                raise InvalidArgument("A lifetime by status is a mapping from status to duration.")
        if type(self.refresh_ttl_on_read) is not bool:
            raise InvalidArgument("refresh_ttl_on_read is True or False.")
        statuses = ("", *self.message_ttl_by_status, *self.session_ttl_by_status)
        lives = {status: self._of(status) for status in statuses}
        return lives if any(life.session or life.state for life in lives.values()) else {}

    def _of(self, status: str) -> Lifetime:
        session = _micros("message_ttl", self.message_ttl_by_status.get(status, self.message_ttl))
        state = _micros("session_ttl", self.session_ttl_by_status.get(status, self.session_ttl))
        return Lifetime(session, min(session, state) if session and state else state)


def _micros(name: str, value: Duration | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, timedelta):
        micros = value // timedelta(microseconds=1)
    elif type(value) in (int, float) and math.isfinite(value):
        micros = round(value * 1_000_000)
    else:
        raise InvalidArgument(f"{name} is no duration: a timedelta, or seconds.")
    if not 0 < micros <= _CENTURY:
        raise InvalidArgument(f"{name} must be positive, and a hundred years at most.")
    return micros


def prolong(head: Head, write: Write) -> Head:
    """The head with its lifetimes moved by this write, where they move by a tenth or more.

    A state that has expired stays so until a new one is written: an append must not bring it back.
    """
    life = write.lifetimes.get(head.status) or write.lifetimes.get("")
    if life is None:
        return head
    expires = _moved(head.expires_at, life.session, write.now)
    forgotten = head.forgotten(write.now) and not write.state
    state = head.state_expires_at if forgotten else _moved(head.state_expires_at, life.state, write.now)
    return head._replace(expires_at=expires, state_expires_at=state)


def _moved(old: int | None, life: int | None, now: int) -> int | None:
    if life is None:
        return old
    new = now + life
    return new if old is None or abs(new - old) * _SLACK >= life else old
