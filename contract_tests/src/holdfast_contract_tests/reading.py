"""Reading whole sessions and whole listings, page by page."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

from holdfast import Adapter, Message, Page, SessionInfo, SessionQuery
from holdfast_contract_tests.verdict import ContractError

__all__ = ["all_messages", "all_sessions"]

T = TypeVar("T")
_LARGEST = 1000


async def all_messages(adapter: Adapter, session_id: str, *, limit: int | None = None) -> Sequence[Message]:
    """All messages of a session, in the order in which a walk from its beginning meets them.

    Raises:
        ContractError: The walk goes in a circle.
    """
    size = limit or _largest(adapter)
    return [
        message async for message in _walk(lambda at: adapter.messages.find(session_id, limit=size, cursor=at))
    ]


async def all_sessions(adapter: Adapter, query: SessionQuery) -> Sequence[SessionInfo]:
    """All sessions of a query, in the order in which a walk meets them.

    Raises:
        ContractError: The walk goes in a circle.
    """
    size = query.limit or _largest(adapter)
    return [
        info
        async for info in _walk(
            lambda at: adapter.sessions.find(query.model_copy(update={"cursor": at, "limit": size}))
        )
    ]


def _largest(adapter: Adapter) -> int:
    return min(_LARGEST, adapter.limits.page)


async def _walk(page_at: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncGenerator[T]:
    cursor: str | None = None
    met: set[str | None] = set()
    while cursor not in met:
        met.add(cursor)
        page = await page_at(cursor)
        for item in page:
            yield item
        if page.next is None:
            return
        cursor = page.next
    raise ContractError("A walk goes in a circle: a cursor came a second time.")
