"""What all parts of one manager share, and the one way by which they load and save."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from inspect import iscoroutine
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from holdfast.clock import Clock
from holdfast.codec import decode_state
from holdfast.errors import HoldfastError, InvalidArgument, InvalidData, NotFound
from holdfast.ids import check_id
from holdfast.manager.data.data_type import D, DataType
from holdfast.manager.data.migrations import DataMigrations
from holdfast.manager.hooks import DataChange, Listeners
from holdfast.manager.live.autosave import Autosave, When
from holdfast.manager.live.conflicts import Settle
from holdfast.manager.live.merging import MergeConflict, merge
from holdfast.manager.live.snapshots import Snapshot
from holdfast.manager.users.view import UserView
from holdfast.models import Committed, Session, Turn
from holdfast.repositories import Adapter

if TYPE_CHECKING:
    from holdfast.manager.live.backlog import Backlog
    from holdfast.manager.live.politeness import Politeness

__all__ = ["Context"]

T = TypeVar("T")

logger = logging.getLogger("holdfast")


@dataclass(frozen=True, kw_only=True)
class Context(Generic[D]):
    """One manager's settings, with its adapter.

    Attributes:
        adapter: Where everything is; in a user's view it shows that user's sessions alone.
        beneath: The same without that view: for what is done to a user's sessions with all that hangs from them.
        data_type: The type of the data; None for plain dicts.
        migrations: How older data is upgraded.
        hooks: The user's functions.
        autosave: When turns become durable.
        settle: What settles conflicts; None if they are raised.
        clock: Tells the time.
        slow: After how many seconds a load or a save is logged as slow; None for never.
        backlog: The sessions whose turns have ended and are not durable yet.
        politeness: How those of one process who change one session wait for each other.
        tenant: Which tenant's view this is.
        user_id: Whose view this is.
        view: Whether it is any view: then it opens and closes nothing.
    """

    adapter: Adapter
    beneath: Adapter
    data_type: DataType[D] | None
    migrations: DataMigrations
    hooks: Listeners
    autosave: When | Autosave
    settle: Settle | None
    clock: Clock
    slow: float | None
    backlog: "Backlog"
    politeness: "Politeness"
    tenant: str | None = None
    user_id: str | None = None
    view: bool = False

    def alone(self) -> "Context[D]":
        """The same for one change that is made again: conflicts are raised, and nothing waits."""
        return replace(self, settle=None, autosave="off", backlog=type(self.backlog)("off"))

    def for_user(self, user_id: str) -> "Context[D]":
        """The same for one user's view."""

        async def denied(session_id: str) -> None:
            await self.tell_denied(session_id, user_id)

        return replace(self, adapter=UserView(self.beneath, user_id, denied), user_id=user_id, view=True)

    def for_tenant(self, tenant: str) -> "Context[D]":
        """The same for one tenant's view."""
        adapter = self.beneath.for_tenant(tenant)
        view = replace(self, adapter=adapter, beneath=adapter, tenant=tenant, view=True)
        return view if self.user_id is None else view.for_user(self.user_id)

    def user(self, user_id: str | None) -> str:
        """The user who is meant: in a user's view, nobody else can be.

        Raises:
            InvalidArgument: Nobody is, or somebody else.
        """
        user_id = self.user_id if user_id is None else check_id(user_id, "user_id")
        if user_id is None:
            raise InvalidArgument("user_id is missing: this manager is no user's view.")
        if self.user_id not in {None, user_id}:
            raise InvalidArgument("This is another user's view.")
        return user_id

    def owner(self, user_id: str | None) -> str | None:
        """The user who is meant, if any: in a user's view, himself."""
        return user_id if self.user_id is None else self.user(user_id)

    async def watched(self, doing: str, session_id: str, call: Callable[[], Awaitable[T]]) -> T:
        """Run a load or a save: its errors reach the hooks, and the log says when it was slow."""
        begun = monotonic()
        try:
            return await call()
        except HoldfastError as error:
            await self.hooks.note("on_error", session_id, error)
            raise
        finally:
            took = monotonic() - begun
            if self.slow is not None and took > self.slow:
                logger.warning("Slow: to %s session %r took %.2f s.", doing, session_id, took)

    async def load(self, session_id: str) -> Session | None:
        """A session, upgraded and shown to the hooks; or None.

        Raises:
            InvalidData: It cannot be upgraded, or does not fit the data type.
        """
        await self.hooks.ask("before_load", session_id)
        session = await self.stored(session_id)
        if session is not None:
            await self.hooks.ask("after_load", session)
        return session

    async def stored(self, session_id: str) -> Session | None:
        """A session as it is in the store, upgraded; no hook is called."""
        session = await self.adapter.sessions.get(session_id)
        if session is not None:
            self._upgrade(session)
        return session

    def _upgrade(self, session: Session) -> None:
        raw = session.model_copy()  # what follows puts other data in its place, and changes none
        try:
            if not self._begun(session):
                self.begin(session)
                return
            self.migrations.upgrade(session, self.adapter.limits)
            if self.data_type is not None:
                session.data = self.data_type.plain(self.data_type.read(session))
        except InvalidData as error:
            error.session = raw
            raise

    @staticmethod
    def _begun(session: Session) -> bool:
        """Whether it has data: none was stored yet where it is empty, and of no version."""
        return bool(session.data) or session.schema_version is not None

    def begin(self, session: Session) -> None:
        """Give a session that has no data yet the data of a new one, and note of which version it is."""
        if self.data_type is not None and not self._begun(session):
            session.data = self.data_type.fresh()
        if session.schema_version is None and (self.data_type is not None or self.migrations.version > 1):
            session.schema_version = self.migrations.version

    def settled(self, base: Session, mine: Session, theirs: Session) -> Session:
        """The state that a conflict is settled with.

        Raises:
            MergeConflict: It cannot be settled.
            InvalidArgument: The user's function gave no session, or one whose data does not fit the data type.
        """
        if self.settle is None:
            raise MergeConflict([])
        settled: Any = self.settle(base, mine, theirs)
        if type(settled) is not Session:
            if iscoroutine(settled):
                settled.close()
            raise InvalidArgument(f"on_conflict gave {type(settled).__name__}, not a Session.")
        self.begin(settled)
        try:
            if self.data_type is not None:
                self.data_type.made(settled.data)
        except InvalidArgument:
            if self.settle is merge:
                raise MergeConflict(["data"]) from None
            raise
        return settled

    async def denied(self, session_id: str, user_id: str) -> NoReturn:
        """Refuse a session that belongs to somebody else.

        Raises:
            NotFound: Always.
        """
        await self.tell_denied(session_id, user_id)
        raise NotFound(f"Session {session_id!r}.")

    async def tell_denied(self, session_id: str, user_id: str) -> None:
        """Tell the hooks that a user has asked for a session that belongs to somebody else."""
        await self.hooks.note("on_denied", session_id, user_id)

    async def saved(self, turn: Turn, committed: Committed, before: Snapshot | None) -> None:
        """Tell the hooks what is durable now.

        Args:
            turn: What was stored.
            committed: The store's answer.
            before: The state as it was stored before; None for a new session.

        Raises:
            HookFailed: One of them has raised.
        """
        try:
            await self.hooks.tell("after_save", turn, committed)
        finally:
            change = self._data_change(turn, before)
            if change is not None:
                await self.hooks.tell("on_data_change", change)

    def _data_change(self, turn: Turn, before: Snapshot | None) -> DataChange | None:
        if turn.session is None or "on_data_change" not in self.hooks:
            return None
        old: dict[str, Any] = decode_state(before.state.body).get("data", {}) if before is not None else {}
        change = DataChange(session_id=turn.session_id, before=old, after=turn.session.data)
        return change if change.keys else None
