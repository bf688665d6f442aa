"""What was said in a session in use: what is stored, what waits to be stored, and what is to go."""

from typing import Any

from holdfast.errors import NotFound
from holdfast.manager.history import history
from holdfast.manager.live.handle import Handle
from holdfast.models import Message

__all__ = ["transcript"]


async def transcript(handle: Handle[Any], last: int | None) -> list[Message]:
    """What was said, oldest first, or the newest ``last`` messages; turns that wait to be stored too."""
    # Before the others are read: what is stored meanwhile, or may be, must not be missed, and is told once.
    waiting = [message for turn in handle.outbox.messages() for message in turn]
    drafts = [writing.draft for writing in handle.held.writings]
    removed = [draft.remove for draft in drafts if draft.remove is not None]
    said_again = {message.id for message in handle.open.draft.pending} if handle.open else set[str]()

    def goes(message: Message) -> bool:
        return any(after < (message.seq or 0) <= through for after, through in removed)

    besides = len(waiting) + sum(through - after for after, through in removed)
    stored = await _stored(handle, last + besides if type(last) is int and last > 0 else last)
    known = {message.id for message in stored if not goes(message)}
    said = [message for message in stored if message.id in known | said_again]
    said += [message.model_copy(deep=True) for message in waiting if message.id not in known]
    return said if last is None else said[-last:]


async def _stored(handle: Handle[Any], last: int | None) -> list[Message]:
    try:
        return await history(handle.context.adapter, handle.id, last=last)
    except NotFound:
        if handle.held.session.version:
            raise
        return []  # it is new, and not stored yet
