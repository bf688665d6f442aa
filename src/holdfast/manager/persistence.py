"""The manager: sessions, turns and history under the names that people look for."""

import copy
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Generic, Literal, Self, TypeVar, Unpack, overload

from holdfast.errors import InvalidArgument
from holdfast.manager import by_hand, updating
from holdfast.manager import current as _current
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.environment import ManagerOpening, options_of
from holdfast.manager.history import history, plain
from holdfast.manager.live.live_session import LiveSession
from holdfast.manager.live.opening import SessionOpening
from holdfast.manager.loading import load
from holdfast.manager.settings import Options, context_of
from holdfast.manager.upkeep import cleaning, describing, erasing, exporting, importing, rewinding
from holdfast.manager.upkeep import health as _health
from holdfast.models import Message, Page, Session, SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["PersistenceManager"]

E = TypeVar("E")  # as D, where there is no manager yet


class PersistenceManager(Generic[D]):
    """Keeps the sessions of an agent on an adapter. Autosave is on: turns and sessions store what changed.

    ``async with`` it where turns are stored in the background, or when a session is left: closing it stores
    what waits. The adapter is closed by whoever has opened it.
    """

    @overload
    def __init__(
        self: "PersistenceManager[dict[str, Any]]", adapter: Adapter, **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(
        self,
        adapter: Adapter,
        *,
        data_type: type[D],
        data_factory: Callable[[], D] | None = None,
        **options: Unpack[Options],
    ) -> None: ...
    def __init__(
        self,
        adapter: Adapter,
        *,
        data_type: type[Any] | None = None,
        data_factory: Callable[[], Any] | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Make a manager; it opens nothing.

        Args:
            adapter: An open adapter.
            data_type: The type of the sessions' data, such as a pydantic model; plain dicts without it.
            data_factory: Makes the data of a new session, where the type has required fields.
            **options: See ``Options``.

        Raises:
            ConfigurationError: An option cannot be.
        """
        self._context: Context[D] = context_of(adapter, data_type, data_factory, options)

    @overload
    @staticmethod
    def from_env(**options: Unpack[Options]) -> ManagerOpening[dict[str, Any]]: ...
    @overload
    @staticmethod
    def from_env(
        *, data_type: type[E], data_factory: Callable[[], E] | None = None, **options: Unpack[Options]
    ) -> ManagerOpening[E]: ...
    @staticmethod
    def from_env(**options: Any) -> ManagerOpening[Any]:
        """A manager as the environment says, and its adapter: ``async with PersistenceManager.from_env() as …``.

        ``HOLDFAST_URL`` names the backend. ``HOLDFAST_TENANT``, ``HOLDFAST_AUTOSAVE`` (``turn``, ``session``,
        ``off``, or seconds), ``HOLDFAST_ON_CONFLICT`` (``raise``, ``merge``) and ``HOLDFAST_SLOW`` (seconds, or
        ``never``) may be set; options that are given here come first.

        Raises:
            ConfigurationError: A variable is missing, unknown, or has no legal value.
        """
        said = options_of()
        url, tenant = said.pop("url"), said.pop("tenant", None)
        return ManagerOpening(lambda adapter: PersistenceManager(adapter, **{**said, **options}), url, tenant)

    @property
    def adapter(self) -> Adapter:
        """The adapter; in a view, the view's. It gives sessions as they are stored, whatever the data type."""
        return self._context.adapter

    # --- views ---------------------------------------------------------------------------------

    def for_user(self, user_id: str) -> "PersistenceManager[D]":
        """A view in which there are this user's sessions, and no others."""
        return self._over(self._context.for_user(self._context.user(user_id)))

    def for_tenant(self, tenant: str) -> "PersistenceManager[D]":
        """A view of another tenant's sessions; of the same user, in a user's view."""
        return self._over(self._context.for_tenant(tenant))

    def _over(self, context: Context[D]) -> "PersistenceManager[D]":
        view = copy.copy(self)
        view._context = context  # noqa: SLF001 - its own kind
        return view

    # --- sessions in use -----------------------------------------------------------------------

    def session(
        self,
        session_id: str,
        *,
        user_id: str | None = None,
        agent: str | None = None,
        parent_id: str | None = None,
        create: bool = True,
    ) -> SessionOpening[D]:
        """Work with a session: ``async with manager.session("s1", user_id="u1") as session:``.

        It is loaded, or begun if there is none. ``agent`` and ``parent_id`` are for a new one.

        Args:
            session_id: The session.
            user_id: Whose it is. If it is given, another user's session is ``NotFound``.
            agent: Which agent serves it.
            parent_id: The session that it belongs to.
            create: False refuses to begin one: ``NotFound`` when it is entered.
        """
        return SessionOpening(self._context, self._fresh(session_id, user_id, agent, parent_id), create=create)

    def _fresh(
        self, session_id: str, user_id: str | None, agent: str | None, parent_id: str | None = None
    ) -> Session:
        return Session(id=session_id, user_id=self._context.owner(user_id), agent=agent, parent_id=parent_id)

    async def current(self, user_id: str | None = None, agent: str | None = None) -> Session:
        """The user's active session with this agent; a new one, if there is none. Never two, in any race."""
        return await _current.current(self._context, self._context.user(user_id), agent)

    # --- by hand -------------------------------------------------------------------------------

    async def load(self, session_id: str, *, raw: bool = False) -> Session | None:
        """A session with its state, or None; its data is plain, whatever the data type.

        Args:
            session_id: The session.
            raw: As it is stored: not upgraded, not checked, and without hooks.

        Raises:
            InvalidData: It cannot be upgraded, or does not fit the data type.
        """
        if raw:
            return await self.adapter.sessions.get(session_id)
        return await self._context.watched("load", session_id, lambda: load(self._context, session_id))

    async def load_or_create(
        self, session_id: str, *, user_id: str | None = None, agent: str | None = None
    ) -> Session:
        """A session with its state, stored now if there was none.

        Raises:
            NotFound: It belongs to another user.
        """
        fresh = self._fresh(session_id, user_id, agent)
        return await self._context.watched(
            "load", session_id, lambda: by_hand.load_or_create(self._context, fresh)
        )

    async def save(self, session: Session, *, turn_id: str | None = None) -> Session:
        """Store a session's state, changed or not; see ``SessionRepository.save``."""
        if type(session) is not Session:
            raise InvalidArgument(f"save takes a Session, not {type(session).__name__}.")
        context = self._context
        return await context.watched("save", session.id, lambda: by_hand.save(context, session, turn_id))

    async def append(self, session_id: str, *messages: Message, turn_id: str | None = None) -> Sequence[Message]:
        """Store messages at the end of a session; see ``MessageRepository.append``."""
        context = self._context
        return await context.watched(
            "save", session_id, lambda: by_hand.append(context, session_id, messages, turn_id)
        )

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
        """What was said in a session and is durable, oldest first.

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
        before = None if older_than is None else cleaning.cut_off(self._context.clock(), older_than)
        query = SessionQuery(
            user_id=user_id, agent=agent, status=status, updated_before=before, limit=limit, cursor=cursor
        )
        return await self.adapter.sessions.find(query)

    async def update(self, session_id: str, change: Callable[[LiveSession[D]], object]) -> Session:
        """Change a session's state: loaded, changed and saved, again if somebody else was faster.

        Args:
            session_id: The session.
            change: Changes ``data`` or ``state`` of the live session that it is given; it may run several
                times, and awaits nothing. If it changes nothing, nothing is written.

        Raises:
            NotFound: There is no such session.
            VersionConflict: Others were faster a hundred times.
            UpdateUnknown: No answer came, and none to the same turn sent again. It may be stored, or not: look
                before you repeat it, or the change may be made twice.
        """
        return await self._context.watched(
            "save", session_id, lambda: updating.update(self._context, session_id, change)
        )

    async def update_data(self, session_id: str, changes: dict[str, Any]) -> Session:
        """Merge top-level keys into a session's plain data; keys that others write meanwhile are kept."""
        return await self.update(session_id, lambda session: session.merge_data(changes))

    # --- lifecycle -----------------------------------------------------------------------------

    async def set_status(self, session_id: str, status: str) -> Session:
        """Give a session another status; ``completed`` notes the time, reopening forgets it.

        Raises:
            InvalidArgument: It is completed, and the new status is not ``active``.
        """
        return await self.update(session_id, lambda session: session.set_status(status))

    async def complete(self, session_id: str) -> Session:
        """The session has reached its end."""
        return await self.set_status(session_id, "completed")

    async def reopen(self, session_id: str) -> Session:
        """The session goes on."""
        return await self.set_status(session_id, "active")

    async def abandon(self, session_id: str) -> Session:
        """The session will not be continued."""
        return await self.set_status(session_id, "abandoned")

    async def delete(
        self,
        session_id: str,
        *,
        key: str | None = None,
        expected: int | None = None,
        last_seq: int | None = None,
    ) -> bool:
        """Delete a session, its messages and its children; see ``SessionRepository.delete`` for the guards."""
        sessions = self.adapter.sessions
        return await sessions.delete(session_id, key=key, expected=expected, last_seq=last_seq)

    async def plan_cleanup(
        self, *, older_than: timedelta, status: str | None = None, user_id: str | None = None, limit: int = 1000
    ) -> cleaning.CleanupPlan:
        """What a clean-up would delete: ``print`` the plan, then ``await plan.apply()``.

        Args:
            older_than: Sessions that nobody has written to for so long.
            status: With this status alone.
            user_id: Of this user alone.
            limit: How many sessions a plan holds at most.
        """
        now, owner = self._context.clock(), self._context.owner(user_id)
        return await cleaning.plan_cleanup(
            self._context.beneath, now=now, older_than=older_than, status=status, user_id=owner, limit=limit
        )

    # --- a user's rights -----------------------------------------------------------------------

    async def erase_user(self, user_id: str | None = None) -> erasing.Erased:
        """Delete all sessions of a user, pass by pass until one finds none, ten at most; see ``Erased``."""
        return await erasing.erase_user(
            self._context.beneath, self._context.user(user_id), clock=self._context.clock
        )

    def export_user(self, user_id: str | None = None) -> AsyncIterator[str]:
        """All sessions of a user as lines of JSON, with a header and a footer."""
        return exporting.export_user(self._context.beneath, self._context.user(user_id), clock=self._context.clock)

    async def import_user(
        self, lines: Iterable[str] | AsyncIterable[str], *, user_id: str | None = None
    ) -> importing.Imported:
        """Store what ``export_user`` gave; a second time it changes nothing.

        In a user's view all of it becomes his, and whatever is not in the view is ``NotFound``.

        Args:
            lines: The lines, in their order.
            user_id: Store them as this user's; without it, whose they were. What was nobody's stays so.
        """
        context, owner = self._context, self._context.owner(user_id)
        beneath = None if context.user_id is None else context.beneath
        return await importing.import_user(context.adapter, lines, user_id=owner, beneath=beneath)

    # --- rewind and edit -----------------------------------------------------------------------

    async def remove_last_turn(self, session_id: str) -> tuple[Message, ...]:
        """Remove the last turn, and give its messages; the state stays. ``LiveSession.regenerate`` replaces it.

        Raises:
            InvalidArgument: Others have spoken in the middle of it; nothing was removed.
        """
        return await rewinding.remove_last_turn(self.adapter, session_id)

    async def prune(self, session_id: str, *, keep: int) -> int:
        """Remove the oldest messages, whole turns only; at least the newest ``keep`` stay. Gives how many went.

        A turn in whose middle others have spoken stays whole, with their words.
        """
        return await rewinding.prune(self.adapter, session_id, keep=keep)

    async def redact(self, session_id: str, message_id: str, *, text: str = "[redacted]") -> Message:
        """Put ``text`` in place of what a message says; its place, and what it calls or answers, stay."""
        return await rewinding.redact(self.adapter, session_id, message_id, text=text)

    # --- inspection ----------------------------------------------------------------------------

    async def health(self) -> _health.Health:
        """Whether the backend answers, how fast, and what is known of it. It never raises for a silent one."""
        return await _health.health(self.adapter)

    async def describe(self, session_id: str, *, last: int = 10) -> str:
        """A session for people to read, without anything that was said in it."""
        return await describing.describe(self.adapter, session_id, last=last)

    # --- to the end ----------------------------------------------------------------------------

    async def flush(self) -> None:
        """Store all turns that wait, of all sessions; in a view, of those that are in it.

        Raises:
            FlushIncomplete: It names the sessions that have something left.
        """
        context = self._context
        await context.backlog.flush(tenant=context.tenant, user_id=context.user_id, view=context.view)

    async def aclose(self, timeout: float = 10.0) -> None:
        """Store all turns that wait, whoever cancels it, for ``timeout`` seconds at most; the adapter stays open.

        A view closes nothing.

        Raises:
            FlushIncomplete: It names the sessions that have something left; closing again tries them again.
            HookFailed: All is stored; a hook has failed in the background, and nobody was told yet.
        """
        if not self._context.view:
            await self._context.backlog.aclose(timeout)

    async def __aenter__(self) -> Self:
        if not self._context.view:
            self._context.backlog.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
