"""The manager: sessions, turns and history under the names that people look for."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal, overload

from holdfast import ids
from holdfast.clock import Clock, utc_now
from holdfast.errors import InvalidArgument, NotFound, VersionConflict
from holdfast.manager import current as _current
from holdfast.manager.history import history, plain
from holdfast.manager.opening import SessionOpening
from holdfast.manager.snapshots import Snapshot
from holdfast.models import Message, Page, Session, SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["PersistenceManager"]

_TRIES = 100  # of a change that others keep overtaking; each try means that another one went through


class PersistenceManager:
    """Keeps the sessions of an agent on an adapter. Autosave is on: turns and sessions store what changed."""

    def __init__(self, adapter: Adapter, *, clock: Clock = utc_now) -> None:
        """Make a manager; it opens and closes nothing.

        Args:
            adapter: An open adapter.
            clock: Tells the time that ``complete`` and ``older_than`` use.
        """
        self.adapter = adapter
        self._clock = clock

    def session(
        self,
        session_id: str,
        *,
        user_id: str | None = None,
        agent: str | None = None,
        parent_id: str | None = None,
    ) -> SessionOpening:
        """Work with a session: ``async with manager.session("s1", user_id="u1") as session:``.

        It is loaded, or begun if there is none. ``agent`` and ``parent_id`` are for a new one.

        Args:
            session_id: The session.
            user_id: Whose it is. If it is given, another user's session is ``NotFound``.
            agent: Which agent serves it.
            parent_id: The session that it belongs to.
        """
        fresh = Session(id=session_id, user_id=user_id, agent=agent, parent_id=parent_id)
        return SessionOpening(self.adapter, fresh)

    async def current(self, user_id: str, agent: str | None = None) -> Session:
        """The user's active session with this agent; a new one, if there is none. Never two, in any race."""
        return await _current.current(self.adapter, ids.check_id(user_id, "user_id"), agent)

    async def load(self, session_id: str) -> Session | None:
        """A session with its state, or None."""
        return await self.adapter.sessions.get(session_id)

    async def load_or_create(
        self, session_id: str, *, user_id: str | None = None, agent: str | None = None
    ) -> Session:
        """A session with its state, stored now if there was none.

        Raises:
            NotFound: It belongs to another user.
        """
        fresh = Session(id=session_id, user_id=user_id, agent=agent)
        loaded = await self.load(session_id)
        while loaded is None:
            try:
                loaded = await self.adapter.sessions.save(fresh)
            except (VersionConflict, NotFound):  # somebody else was faster
                loaded = await self.load(session_id)
                if loaded is None:
                    raise
        if user_id not in {None, loaded.user_id}:
            raise NotFound(f"Session {session_id!r}.")
        return loaded

    async def save(self, session: Session, *, turn_id: str | None = None) -> Session:
        """Store a session's state, changed or not; see ``SessionRepository.save``."""
        return await self.adapter.sessions.save(session, turn_id=turn_id)

    async def append(self, session_id: str, *messages: Message, turn_id: str | None = None) -> Sequence[Message]:
        """Store messages at the end of a session; see ``MessageRepository.append``."""
        return await self.adapter.messages.append(session_id, messages, turn_id=turn_id)

    @overload
    async def history(
        self, session_id: str, *, last: int | None = None, as_dicts: Literal[False] = False
    ) -> list[Message]: ...
    @overload
    async def history(
        self, session_id: str, *, last: int | None = None, as_dicts: Literal[True]
    ) -> list[dict[str, Any]]: ...
    async def history(
        self, session_id: str, *, last: int | None = None, as_dicts: bool = False
    ) -> list[Message] | list[dict[str, Any]]:
        """What was said in a session, oldest first.

        Args:
            session_id: The session.
            last: Only the newest so many messages.
            as_dicts: As plain ``{"role": …, "content": …}`` dictionaries, ready for a model.

        Raises:
            NotFound: There is no such session.
        """
        messages = await history(self.adapter, session_id, last=last)
        return [plain(message) for message in messages] if as_dicts else messages

    async def sessions(
        self,
        user_id: str | None = None,
        *,
        agent: str | None = None,
        status: str | None = None,
        older_than: timedelta | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[SessionInfo]:
        """One page of sessions, last used first.

        Args:
            user_id: Of this user; of all without it.
            agent: With this agent.
            status: With this status.
            older_than: Not written for so long.
            limit: How many a page.
            cursor: ``Page.next`` of the page before.
        """
        before = None if older_than is None else self._clock() - older_than
        query = SessionQuery(
            user_id=user_id,
            agent=agent,
            status=status,
            updated_before=before,
            limit=limit,
            cursor=cursor,
        )
        return await self.adapter.sessions.find(query)

    async def update(self, session_id: str, change: Callable[[Session], None]) -> Session:
        """Change a session's state by hand: loaded, changed and saved, again if somebody else was faster.

        Args:
            session_id: The session.
            change: Changes the session that it is given in place; it may run several times. If it changes
                nothing, nothing is written.

        Raises:
            NotFound: There is no such session.
            VersionConflict: Others were faster a hundred times.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._try_update(session_id, change)
            except VersionConflict:
                continue  # somebody else was faster; his change is in
        return await self._try_update(session_id, change)

    async def _try_update(self, session_id: str, change: Callable[[Session], None]) -> Session:
        session = await self.load(session_id)
        if session is None:
            raise NotFound(f"Session {session_id!r}.")
        before = Snapshot.of(session, self.adapter.limits)
        change(session)
        if Snapshot.of(session, self.adapter.limits) == before:
            return session
        return await self.save(session)

    async def update_data(self, session_id: str, changes: dict[str, Any]) -> Session:
        """Merge top-level keys into a session's data; keys that others write meanwhile are kept."""
        if type(changes) is not dict:
            raise InvalidArgument(f"changes is {type(changes).__name__}, not dict.")
        return await self.update(session_id, lambda session: session.data.update(changes))

    async def set_status(self, session_id: str, status: str) -> Session:
        """Give a session another status; ``completed`` notes the time, any other one forgets it."""

        def change(session: Session) -> None:
            if session.status != status:
                session.status = status
                session.completed_at = self._clock() if status == "completed" else None

        return await self.update(session_id, change)

    async def complete(self, session_id: str) -> Session:
        """The session has reached its end."""
        return await self.set_status(session_id, "completed")

    async def abandon(self, session_id: str) -> Session:
        """The session will not be continued."""
        return await self.set_status(session_id, "abandoned")

    async def delete(self, session_id: str) -> bool:
        """Delete a session, its messages and its children; False if there was none."""
        return await self.adapter.sessions.delete(session_id)
