"""Comparing a session of an export with the stored one: how much of it is there, and whether it is the same."""

from dataclasses import replace

from holdfast.codec import encode_message, encode_state
from holdfast.errors import CorruptRecord, CursorLost, DuplicateIdConflict, NotFound, VersionConflict
from holdfast.manager.upkeep.incoming import Incoming
from holdfast.manager.upkeep.lines import UNLIMITED
from holdfast.manager.upkeep.walking import lives, user_above
from holdfast.models import Message, Session
from holdfast.repositories import Adapter

__all__ = ["already_there", "there_as_nobodys"]


async def already_there(adapter: Adapter, stored: Session, incoming: Incoming) -> int:
    """How many of the incoming messages are stored: the first so many. What was said behind them does no harm.

    Raises:
        NotFound: The session belongs to another user.
        VersionConflict: Its state is another one, or other messages stand where these would be.
        DuplicateIdConflict: One of its messages has other words.
    """
    if stored.user_id != incoming.session.user_id:
        raise NotFound(f"Session {stored.id!r}.")
    if not _same_state(stored, incoming.session):
        raise VersionConflict(stored.id, expected=0, actual=stored.version)
    return await _count_same(adapter, stored, incoming.messages)


async def there_as_nobodys(beneath: Adapter, user_id: str, incoming: Incoming) -> bool:
    """Whether a session is there with all of its messages, though as nobody's, below one of the user's.

    Such a session is in no view of his, but his exports hold it. One that differs in anything is not told from
    one that is absent, and neither is any other.

    Args:
        beneath: What the view is a view of.
        user_id: The user.
        incoming: The session.
    """
    session = incoming.session.model_copy(update={"user_id": None})
    try:
        stored = await beneath.sessions.get(session.id)
        if stored is None or await user_above(beneath, stored) != user_id:
            return False
        there = await already_there(beneath, stored, replace(incoming, session=session))
        # Messages are read by the session's id: they are its own if it is the same life still.
        return there == len(incoming.messages) and await lives(beneath, stored)
    except (NotFound, VersionConflict, DuplicateIdConflict, CursorLost, CorruptRecord):
        return False


def _same_state(stored: Session, session: Session) -> bool:
    if any(getattr(stored, name) != getattr(session, name) for name in _COLUMNS):
        return False
    state = _digest(stored)
    # A state whose lifetime is over reads as empty.
    forgotten = stored.state_expires_at is not None and state == _digest(Session(id=stored.id))
    return forgotten or state == _digest(session)


_COLUMNS = ("agent", "parent_id", "status", "completed_at")


def _digest(session: Session) -> bytes:
    return encode_state(session, UNLIMITED).digest


async def _count_same(adapter: Adapter, stored: Session, messages: list[Message]) -> int:
    there, cursor = 0, None
    while there < len(messages):
        page = await adapter.messages.find(stored.id, cursor=cursor)
        for theirs, mine in zip(page, messages[there:], strict=False):
            if theirs.id != mine.id:
                raise VersionConflict(stored.id, expected=there, actual=stored.last_seq, guard="last_seq")
            if _said(theirs) != _said(mine):
                raise DuplicateIdConflict(stored.id, [mine.id])
            there += 1
        cursor = page.next
        if cursor is None:
            break
    return there


def _said(message: Message) -> tuple[bytes, str | None, int]:
    return encode_message(message, UNLIMITED).digest, message.turn_id, message.segment
