"""What was said in a session in use: what is stored, what waits to be stored, and what is to go."""

from collections.abc import Sequence
from typing import Any

from holdfast.errors import NotFound
from holdfast.manager.history import history
from holdfast.manager.live.handle import Handle
from holdfast.models import Message

__all__ = ["transcript"]


async def transcript(handle: Handle[Any], last: int | None) -> list[Message]:
    """What was said, oldest first, or the newest ``last`` messages; turns that wait to be stored too."""
    waiting = handle.outbox.messages()  # before the others are read: what is stored meanwhile must not be missed
    drafts = [writing.draft for writing in handle.held.writings]
    removed = [draft.remove for draft in drafts if draft.remove is not None]
    said_again = {message.id for message in handle.open.draft.pending} if handle.open else set[str]()

    def goes(message: Message) -> bool:
        return any(after < (message.seq or 0) <= through for after, through in removed)

    more = last + sum(through - after for after, through in removed) if type(last) is int and last > 0 else last
    stored = await _stored(handle, more)
    said = [message for message in stored if not goes(message) or message.id in said_again]
    said += _not_in([message for message in stored if not goes(message)], waiting)
    return said if last is None else said[-last:]


async def _stored(handle: Handle[Any], last: int | None) -> list[Message]:
    try:
        return await history(handle.context.adapter, handle.id, last=last)
    except NotFound:
        if handle.held.session.version:
            raise
        return []  # it is new, and not stored yet


def _not_in(stored: Sequence[Message], waiting: Sequence[Sequence[Message]]) -> list[Message]:
    """The messages of turns that waited, without those that were stored before the others were read.

    Turns are stored whole and in order: where one message is there, so is all up to the end of its turn.
    """
    known = {message.id for message in stored}
    left: list[Message] = []
    for turn in waiting:
        left = [] if any(message.id in known for message in turn) else [*left, *turn]
    return left
