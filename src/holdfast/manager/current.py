"""The current session of a user: found, or created without a race."""

from typing import TYPE_CHECKING

from holdfast import ids
from holdfast.errors import VersionConflict
from holdfast.models import Session, SessionQuery

if TYPE_CHECKING:
    from holdfast.repositories import Adapter

__all__ = ["current"]

_NUMBER = "current"  # the metadata key under which a session keeps its number


async def current(adapter: "Adapter", user_id: str, agent: str | None) -> Session:
    """The active session of a user with an agent; a new one, if the last is not active any more.

    Its id is made of user, agent and a number, and the next number is created only if nobody else has: of two
    that try, one wins, and the other loads what the winner made. The number to begin with is only looked up,
    so that a listing that lags costs some more reads and nothing else.
    """
    number = await _last_number(adapter, user_id, agent)
    while True:
        session_id = ids.join("current", user_id, agent or "", str(number))
        session = await adapter.sessions.get(session_id) or await _create(
            adapter, session_id, user_id, agent, number
        )
        if session is not None and session.status == "active":
            return session
        if session is not None:
            number += 1


async def _last_number(adapter: "Adapter", user_id: str, agent: str | None) -> int:
    newest = 1
    cursor: str | None = None
    while True:
        query = SessionQuery(user_id=user_id, agent=agent, with_state=True, cursor=cursor)
        page = await adapter.sessions.find(query)
        for session in page:
            number = session.metadata.get(_NUMBER) if isinstance(session, Session) else None
            if type(number) is int and session.id == ids.join("current", user_id, agent or "", str(number)):
                newest = max(newest, number)
        cursor = page.next
        if newest > 1 or cursor is None:
            return newest


async def _create(
    adapter: "Adapter", session_id: str, user_id: str, agent: str | None, number: int
) -> Session | None:
    fresh = Session(id=session_id, user_id=user_id, agent=agent, metadata={_NUMBER: number})
    try:
        return await adapter.sessions.save(fresh, expected=0)
    except VersionConflict:
        return None  # somebody else was faster: look again
