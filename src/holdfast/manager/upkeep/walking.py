"""Walks over many sessions, page by page: however many there are, only one page of them is held at a time."""

from collections.abc import AsyncGenerator, Callable

from holdfast.capabilities import Capability
from holdfast.models import Page, SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["family", "pages", "walk"]


def _all(_: SessionInfo) -> bool:
    return True


async def pages(adapter: Adapter, query: SessionQuery) -> AsyncGenerator[Page[SessionInfo]]:
    """The pages of a query, in its order."""
    while True:
        page = await adapter.sessions.find(query)
        yield page
        if page.next is None:
            return
        query = query.model_copy(update={"cursor": page.next})


async def walk(adapter: Adapter, query: SessionQuery) -> AsyncGenerator[SessionInfo]:
    """All sessions that fit a query, in its order."""
    async for page in pages(adapter, query):
        for info in page:
            yield info


async def family(
    adapter: Adapter, root: SessionInfo, *, belongs: Callable[[SessionInfo], bool] = _all
) -> AsyncGenerator[SessionInfo]:
    """A session and what hangs below it, parents before their children: one page a level is held.

    Args:
        adapter: Where they are.
        root: The session.
        belongs: Whether a child belongs to the family; if not, nothing below it does.
    """
    yield root
    if Capability.PARENTS not in adapter.capabilities:
        return
    levels = [walk(adapter, _children(root))]
    try:
        while levels:
            child = await anext(levels[-1], None)
            if child is None:
                levels.pop()
            elif belongs(child):
                yield child
                levels.append(walk(adapter, _children(child)))
    finally:
        for level in levels:
            await level.aclose()


def _children(parent: SessionInfo) -> SessionQuery:
    return SessionQuery(parent=parent.id, order="created")
