"""What an earlier try of a turn has stored, where the store cannot tell it by the turn's id alone."""

from holdfast.codec import encode_message
from holdfast.errors import VersionConflict
from holdfast.models import Committed, Turn
from holdfast.repositories import Adapter

__all__ = ["forgotten", "stored_before"]


_REMEMBERED = 16  # writes of a session's state, at least, by which every store knows a turn again


def forgotten(error: Exception) -> bool:
    """Whether a conflict does not prove that an earlier try was not stored: the store may have forgotten it.

    It counts the saves of others alone. Their removals take places too, and cannot be seen here.
    """
    return isinstance(error, VersionConflict) and error.actual - error.expected > _REMEMBERED


async def stored_before(adapter: Adapter, turn: Turn) -> Committed | None:
    """The answer to a turn of messages alone, if all of them are stored by this turn already."""
    session = await adapter.sessions.get(turn.session_id)
    found = [await adapter.messages.get(turn.session_id, message.id) for message in turn.messages]
    for mine, theirs in zip(turn.messages, found, strict=True):
        if theirs is None or (theirs.turn_id, theirs.segment) != (turn.id, turn.segment):
            return None
        if encode_message(mine, adapter.limits).digest != encode_message(theirs, adapter.limits).digest:
            return None
    if session is None:
        return None
    return Committed(session, tuple(message for message in found if message), replayed=True)
