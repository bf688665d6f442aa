"""Opening a session: what ``async with manager.session(…)`` enters and leaves."""

from types import TracebackType
from typing import Generic

from holdfast.errors import NotFound
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.live.live_session import LiveSession
from holdfast.manager.users.view import UserView
from holdfast.models import Session

__all__ = ["SessionOpening"]


class SessionOpening(Generic[D]):
    """Loads a session, or begins a new one, and saves what is unsaved when it is left normally.

    A new session is stored with its first turn, or on leaving. Leaving by an exception saves nothing more than the
    turns that wait to be stored in the background; with autosave off, leaving normally saves nothing either.
    """

    def __init__(self, context: Context[D], fresh: Session, *, create: bool = True) -> None:
        self._context = context
        self._fresh = fresh
        self._create = create
        self._live: LiveSession[D] | None = None

    async def __aenter__(self) -> LiveSession[D]:
        """The live session.

        Raises:
            NotFound: It belongs to another user; or there is none, and none is to be created.
            InvalidData: Its data does not fit the data type.
        """
        self._context.backlog.check()
        self._live = await self._context.watched("load", self._fresh.id, self._open)
        return self._live

    async def _open(self) -> LiveSession[D]:
        session_id, user_id = self._fresh.id, self._fresh.user_id
        loaded = await self._context.load(session_id)
        if loaded is None and not self._create:
            raise NotFound(f"Session {session_id!r}.")
        if loaded is not None and user_id not in {None, loaded.user_id}:
            await self._context.denied(session_id, user_id or "")
        if loaded is None:
            if isinstance(self._context.adapter, UserView):
                await self._context.adapter.check_free(session_id)
            self._context.begin(self._fresh)
        return LiveSession(self._context, loaded or self._fresh)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            await self._live.leave(failed=kind is not None)
