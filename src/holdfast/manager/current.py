"""The current session of a user: found, or created without a race."""

from functools import partial
from typing import Any

from holdfast import ids
from holdfast.manager.by_hand import loaded_or_created
from holdfast.manager.context import Context
from holdfast.models import Session, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["current"]


async def current(context: Context[Any], user_id: str, agent: str | None) -> Session:
    """The active session of a user with an agent; a new one, if the last is not active any more.

    Its id is made of user, agent and a number, and the next number is created only if nobody else has: of two
    that try, one wins, and the other loads what the winner made. The number to begin with is only looked up,
    so that a listing that lags costs some more reads and nothing else.
    """
    number = await _last_number(context.adapter, user_id, agent)
    while True:
        fresh = Session(id=_id(user_id, agent, number), user_id=user_id, agent=agent)
        session = await context.watched("load", fresh.id, partial(loaded_or_created, context, fresh))
        if session is not None and session.status == "active" and session.user_id == user_id:
            return session
        number += 1  # it is over, or somebody else's: anybody may have taken that id


def _id(user_id: str, agent: str | None, number: int) -> str:
    return ids.join("current", user_id, agent or "", str(number))


async def _last_number(adapter: Adapter, user_id: str, agent: str | None) -> int:
    cursor: str | None = None
    while True:
        page = await adapter.sessions.find(SessionQuery(user_id=user_id, agent=agent, cursor=cursor))
        numbers = [_number(info.id, user_id, agent) for info in page]
        cursor = page.next
        if cursor is None or any(numbers):
            return max([1, *numbers])


def _number(session_id: str, user_id: str, agent: str | None) -> int:
    """The number in the id of one of these sessions, 0 in any other; also where a long id is a hash."""
    tail = session_id.rpartition(":")[2]
    number = int(tail) if tail.isascii() and tail.isdigit() else 0
    return number if number and session_id == _id(user_id, agent, number) else 0
