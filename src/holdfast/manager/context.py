"""What all parts of one manager share."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from holdfast.clock import Clock
from holdfast.errors import HoldfastError, InvalidArgument, NotFound
from holdfast.ids import check_id
from holdfast.manager.data.data_type import D, DataType
from holdfast.manager.data.migrations import DataMigrations
from holdfast.manager.hooks import Listeners
from holdfast.manager.live.autosave import Autosave, When
from holdfast.manager.live.conflicts import Settle
from holdfast.manager.users.view import UserView
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
        # The class is asked of the instance: importing its module would import asyncio with holdfast.
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
        """The user who is meant, if any: in a user's view, himself.

        Raises:
            InvalidArgument: In a user's view, somebody else is named.
        """
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
