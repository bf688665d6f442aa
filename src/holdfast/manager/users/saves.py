"""Saves in the name of one user: whose a state becomes, and what it may hang from."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdfast.errors import InvalidArgument, NotFound
from holdfast.manager.users.ownership import Ownership
from holdfast.models import Committed, Expected, Session, SessionInfo
from holdfast.strict import remade

__all__ = ["claimed", "creates_child", "stored"]

Stored = TypeVar("Stored", Session, Committed)


async def claimed(own: Ownership, session: Session) -> Session:
    """A session that is to be saved, as the user's; the argument is left alone.

    Raises:
        InvalidArgument: It is new, and names another user.
        NotFound: It was loaded, and belongs to another user, or to nobody.
    """
    if type(session) is not Session:
        raise InvalidArgument(f"A session is a Session, not {type(session).__name__}.")
    if session.user_id == own.user_id:
        return session
    if remade(session).version:
        await own.tell(session.id)
        raise NotFound(f"Session {session.id!r}.")
    if session.user_id is not None:
        raise InvalidArgument("A new session belongs to the user of this view; leave user_id out.")
    return session.model_copy(update={"user_id": own.user_id})


def creates_child(session: Session, expected: Expected | None) -> bool:
    """Whether a save creates a session below a parent, if there is none yet."""
    return session.parent_id is not None and (session.version if expected is None else expected) == 0


async def stored(
    own: Ownership, session: Session, expected: Expected | None, save: Callable[[], Awaitable[Stored]]
) -> Stored:
    """What a save of the user's session answers; a child is created only below what is his.

    Raises:
        NotFound: There is no such session of his, or no such parent.
    """
    below: str | None = None
    if session.parent_id is not None and creates_child(session, expected):
        below = await own.key_of(session.parent_id)
    try:
        done = await save()
    except NotFound:
        await own.tell(session.id)
        raise
    info = done.session if isinstance(done, Committed) else done
    own.remember(info)
    if session.parent_id is not None and below is not None:
        await _still_below(own, session.parent_id, below, info)
    return done


async def _still_below(own: Ownership, parent_id: str, key: str, child: SessionInfo) -> None:
    """The parent may have died, and its id may be another user's now: then the child must not hang from that."""
    if await own.key(parent_id) != key:
        await own.adapter.sessions.delete(child.id, key=child.key)
        raise NotFound(f"Session {parent_id!r}.")
