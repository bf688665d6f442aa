"""History: everything that was said, as messages or as plain dictionaries."""

from typing import Any

from holdfast.errors import InvalidArgument
from holdfast.models import Message
from holdfast.repositories import Adapter

__all__ = ["history", "plain"]


async def history(adapter: Adapter, session_id: str, *, last: int | None = None) -> list[Message]:
    """All messages of a session, oldest first, or the newest ``last``; page by page."""
    if last is not None:
        if type(last) is not int:
            raise InvalidArgument(f"last is {type(last).__name__}, not int.")
        return await _newest(adapter, session_id, last)
    found: list[Message] = []
    cursor: str | None = None
    while True:
        page = await adapter.messages.find(session_id, limit=adapter.limits.page, cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


async def _newest(adapter: Adapter, session_id: str, last: int) -> list[Message]:
    page = await adapter.messages.find(session_id, last=min(last, adapter.limits.page))
    found = list(page.items)
    while page.next is not None and len(found) < last:
        size = min(last - len(found), adapter.limits.page)
        page = await adapter.messages.find(session_id, limit=size, cursor=page.next)
        found = [*page.items, *found]
    return found


def plain(message: Message) -> dict[str, Any]:
    """A message as ``{"role": …, "content": …}``, the form that most models take.

    Text stays a string; parts become dictionaries. ``name`` is there where the message has one.
    """
    content = message.content
    said = content if isinstance(content, str) else [part.model_dump(exclude_none=True) for part in content]
    return {"role": message.role, "content": said} | ({"name": message.name} if message.name else {})
