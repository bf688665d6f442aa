"""Opening a session: what ``async with manager.session(…)`` enters and leaves."""

from types import TracebackType
from typing import TYPE_CHECKING

from holdfast.errors import NotFound
from holdfast.manager.live_session import LiveSession
from holdfast.models import Session

if TYPE_CHECKING:
    from holdfast.repositories import Adapter

__all__ = ["SessionOpening"]


class SessionOpening:
    """Loads a session, or begins a new one, and saves what is unsaved when it is left normally.

    A new session is stored with its first turn, or on leaving. Leaving by an exception saves nothing.
    """

    def __init__(self, adapter: "Adapter", fresh: Session) -> None:
        self._adapter = adapter
        self._fresh = fresh
        self._live: LiveSession | None = None

    async def __aenter__(self) -> LiveSession:
        """The live session.

        Raises:
            NotFound: It belongs to another user.
        """
        loaded = await self._adapter.sessions.get(self._fresh.id)
        if loaded is not None and self._fresh.user_id not in {None, loaded.user_id}:
            raise NotFound(f"Session {self._fresh.id!r}.")
        self._live = LiveSession(self._adapter, loaded or self._fresh)
        return self._live

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._live is not None:
            await self._live.flush()
