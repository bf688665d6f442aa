"""Opening a session: what ``async with manager.session(…)`` enters and leaves."""

from types import TracebackType
from typing import Generic

from holdfast.errors import InvalidArgument, NotFound
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.live.handle import Handle
from holdfast.manager.live.live_session import LiveSession
from holdfast.manager.loading import begin, check_owner, load
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
        self._entered = False
        self._handle: Handle[D] | None = None

    async def __aenter__(self) -> LiveSession[D]:
        """The live session.

        Raises:
            NotFound: It belongs to another user; or there is none, and none is to be created.
            InvalidData: Its data does not fit the data type.
            InvalidArgument: It was entered before: two would share what they begin with.
        """
        if self._entered:
            raise InvalidArgument("A session is entered once: call manager.session(…) for each block.")
        self._context.backlog.check()
        self._entered = True
        self._handle = await self._context.watched("load", self._fresh.id, self._open)
        return LiveSession(self._handle)

    async def _open(self) -> Handle[D]:
        session_id = self._fresh.id
        loaded = await load(self._context, session_id)
        if loaded is None and not self._create:
            raise NotFound(f"Session {session_id!r}.")
        if loaded is not None:
            await check_owner(self._context, loaded, self._fresh.user_id)
        else:
            if isinstance(self._context.adapter, UserView):
                await self._context.adapter.check_free(session_id)
            begin(self._context, self._fresh)
        return Handle(self._context, loaded or self._fresh)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            await self._handle.leave(failed=kind is not None)
