"""Exporting a user: everything that he said, and the state of his sessions, as lines of JSON."""

from collections.abc import AsyncGenerator, AsyncIterator

from holdfast.clock import Clock, utc
from holdfast.errors import CursorLost, NotFound
from holdfast.ids import check_id
from holdfast.manager.upkeep.chain import Chain
from holdfast.manager.upkeep.lines import say_footer, say_header, say_message, say_session
from holdfast.manager.upkeep.walking import family, lives, user_above, walk
from holdfast.models import Message, Page, Session, SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["export_user"]


def export_user(adapter: Adapter, user_id: str, *, clock: Clock) -> AsyncIterator[str]:
    """Give everything of a user, line by line; ``import_user`` reads it.

    A line is one JSON object, in ASCII, without an end of line. The first one is the header; then comes a line for
    each session, parents before their children, oldest first, and behind it one for each of its messages; the
    last one is the footer, with how many there were. Each line ends with a digest of all lines up to it.

    The sessions below one of his belong to him if they name him, or no user at all. A session is exported as it
    was at one moment: its state, and the messages up to then. One that is deleted meanwhile is left out, or ends
    early; what has expired is not there. A page of sessions or messages is held at a time.

    Args:
        adapter: Where they are.
        user_id: The user.
        clock: Tells the time for the header.

    Raises:
        InvalidIdentifier: ``user_id`` is no identifier. It is raised by the call; what follows, by the iteration.
        CorruptRecord: Something of his cannot be read.
        CursorLost: The backend was restored meanwhile; export again.
    """
    return _lines(adapter, check_id(user_id, "user_id"), clock)


async def _lines(adapter: Adapter, user_id: str, clock: Clock) -> AsyncGenerator[str]:
    chain = Chain()
    sessions = messages = 0
    yield chain.close(say_header(user_id, utc(clock())))
    async for info in _sessions(adapter, user_id):
        found = await _read(adapter, info)
        if found is None:
            continue
        session, page = found
        sessions += 1
        yield chain.close(say_session(session))
        async for message in _messages(adapter, session, page):
            messages += 1
            yield chain.close(say_message(message))
    yield chain.close(say_footer(sessions, messages))


async def _sessions(adapter: Adapter, user_id: str) -> AsyncGenerator[SessionInfo]:
    """The user's sessions, each behind its parent: by time alone, clocks of two machines may turn them round."""
    query = SessionQuery(user_id=user_id, nested=True, order="created")
    async for info in walk(adapter, query):
        if await user_above(adapter, info) != user_id:  # else it comes with its parent
            async for member in family(adapter, info, belongs=lambda one: one.user_id in {user_id, None}):
                yield member


async def _read(adapter: Adapter, info: SessionInfo) -> tuple[Session, Page[Message]] | None:
    """A session with the first page of its messages, both of the life that was listed; None if that is over."""
    session = await adapter.sessions.get(info.id)
    try:
        page = await adapter.messages.find(info.id)
    except NotFound:
        return None
    # A page has no key. But if the life that was there before it is there behind it, then it is of that life.
    if session is None or not await lives(adapter, info):
        return None
    return session, page


async def _messages(adapter: Adapter, session: Session, page: Page[Message]) -> AsyncGenerator[Message]:
    """The messages that were there when the session was read, as far as they still are."""
    while True:
        for message in page:
            if message.seq is None or message.seq > session.last_seq:
                return
            yield message
        if page.next is None:
            return
        try:
            page = await adapter.messages.find(session.id, cursor=page.next)
        except (NotFound, CursorLost):
            if await lives(adapter, session):
                raise
            return
