"""Walks over many sessions, page by page: however many there are, only one page of them is held at a time."""

from collections.abc import AsyncGenerator, Callable

from holdfast.capabilities import Capability
from holdfast.models import Page, SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["family", "lives", "pages", "user_above", "walk"]


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


async def user_above(adapter: Adapter, info: SessionInfo) -> str | None:
    """The user of the nearest session above this one that has a user; None if there is none."""
    parent_id = info.parent_id
    while parent_id is not None:
        parent = await adapter.sessions.get(parent_id)
        if parent is None or parent.user_id is not None:
            return None if parent is None else parent.user_id
        parent_id = parent.parent_id
    return None


async def lives(adapter: Adapter, info: SessionInfo) -> bool:
    """Whether this life of a session is still there."""
    found = await adapter.sessions.get(info.id)
    return found is not None and found.key == info.key


def _children(parent: SessionInfo) -> SessionQuery:
    return SessionQuery(parent=parent.id, order="created")
