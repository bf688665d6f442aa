"""Describing: a session for people to read, with its shape and none of its content."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from holdfast.capabilities import Limits
from holdfast.codec import encode_message, encode_state
from holdfast.errors import NotFound
from holdfast.models import Message, Page, RouteVisit, Session
from holdfast.repositories import Adapter

__all__ = ["describe"]

_LISTED = 50  # keys or routes in one line
_SHOWN = 64  # characters of a name
_TAIL = 8  # characters that tell one turn from another: ids begin with the time, and end at random


async def describe(adapter: Adapter, session_id: str, *, last: int = 10) -> str:
    """A readable text about a session, for people: its shape, and nothing that was said or stored in it.

    Names are shown (ids, roles, routes, keys), their deceptive characters escaped; of values only kind and size.

    Args:
        adapter: Where the session is.
        session_id: The session.
        last: How many of the newest messages it shows, at most ``limits.page``.

    Raises:
        NotFound: There is no such session.
        InvalidArgument: ``last`` is not a positive integer, or over ``limits.page``.
        CorruptRecord: The state does not decode. (A message that does not is named in the text.)
    """
    page = await adapter.messages.find(session_id, last=last, on_corrupt="report")
    session = await adapter.sessions.get(session_id)
    if session is None:
        raise NotFound(f"Session {session_id!r}.")
    # What is stored may be over limits that were lowered since.
    limits = replace(adapter.limits, state_bytes=sys.maxsize, message_bytes=sys.maxsize, depth=sys.maxsize)
    lines = [f"Session {_shown(session.id)}"]
    lines += [f"  {name:<16}{value}" for name, value in _facts(session, limits)]
    return "\n".join([*lines, *_newest(page, limits)])


def _facts(session: Session, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "user", _shown(session.user_id)
    yield "agent", _shown(session.agent)
    yield "parent", _shown(session.parent_id)
    yield "status", _shown(session.status)
    yield "version", str(session.version)
    yield "created", _time(session.created_at)
    yield "updated", _time(session.updated_at)
    yield "completed", _time(session.completed_at)
    yield "expires", _time(session.expires_at)
    yield "state expires", _time(session.state_expires_at)
    yield "messages", f"{session.message_count:,} stored, last position {session.last_seq:,}"
    yield "last message", _time(session.last_message_at)
    yield "state", f"{encode_state(session, limits).size:,} bytes"
    yield "schema version", "-" if session.schema_version is None else str(session.schema_version)
    yield "data", _kinds(session.data)
    yield (
        "data by route",
        _listed(f"{_shown(route)} [{_kinds(data)}]" for route, data in session.data_by_route.items()),
    )
    yield "metadata", _kinds(session.metadata)
    yield "route", f"{_shown(session.current_route)}, step {_shown(session.current_step)}"
    yield "routes so far", _listed(map(_visit, reversed(session.route_history)))


def _newest(page: Page[Message], limits: Limits) -> Iterator[str]:
    if page.items:
        yield "Newest messages"
    for message in page:
        kinds = Counter(["text"] if isinstance(message.content, str) else [part.type for part in message.content])
        parts = ", ".join(_shown(kind) + (f" x{count}" if count > 1 else "") for kind, count in kinds.items())
        size = encode_message(message, limits).size
        yield (
            f"  #{message.seq} {_shown(message.role)}, turn {_tail(message.turn_id)}, "
            f"{_time(message.created_at)}: {parts or '-'}; {len(message.text):,} characters, {size:,} bytes"
        )
    for error in page.corrupt:
        yield f"  #{error.seq} cannot be read"


def _kinds(table: Mapping[str, Any]) -> str:
    return _listed(f"{_shown(key)} ({type(value).__name__})" for key, value in table.items())


def _visit(visit: RouteVisit) -> str:
    how = "completed" if visit.completed else "left" if visit.exited_at else "there"
    return f"{_shown(visit.route)} ({how})"


def _listed(items: Iterable[str]) -> str:
    found = list(items)
    more = [f"and {len(found) - _LISTED:,} more"] if len(found) > _LISTED else []
    return ", ".join([*found[:_LISTED], *more]) or "-"


def _time(time: datetime | None) -> str:
    return "-" if time is None else time.isoformat(" ", "seconds")


def _tail(turn_id: str | None) -> str:
    return _shown(turn_id if turn_id is None or len(turn_id) <= _TAIL else f"…{turn_id[-_TAIL:]}")


def _shown(name: str | None) -> str:
    """A name as it can be printed: what a terminal obeys, hides or turns around is escaped, and so are escapes."""
    if name is None:
        return "-"
    cut = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
    return "".join(one if one.isprintable() and one != "\\" else ascii(one)[1:-1] for one in cut)
