"""Reading whole sessions, page by page."""

from collections.abc import Sequence

from holdfast import Adapter, Message, SessionInfo, SessionQuery

__all__ = ["all_messages", "all_sessions"]


async def all_messages(adapter: Adapter, session_id: str, *, limit: int = 1000) -> Sequence[Message]:
    """All messages of a session, in the order in which a walk from its beginning meets them."""
    found: list[Message] = []
    cursor = None
    while True:
        page = await adapter.messages.find(session_id, limit=limit, cursor=cursor)
        found += page.items
        if page.next is None:
            return found
        cursor = page.next


async def all_sessions(adapter: Adapter, query: SessionQuery) -> Sequence[SessionInfo]:
    """All sessions of a query, in the order in which a walk meets them."""
    found: list[SessionInfo] = []
    while True:
        page = await adapter.sessions.find(query)
        found += page.items
        if page.next is None:
            return found
        query = query.model_copy(update={"cursor": page.next})
