"""One save of a handle at a time; and no hook of a save waits for the save that it is called by."""

from contextvars import ContextVar, Token

from holdfast.errors import InvalidArgument

__all__ = ["SaveLock", "in_a_hook"]


class _Save:
    """A save under way.

    Attributes:
        active: Whether it still is: a task that a hook has begun outlives it.
    """

    active = True


_saves: ContextVar[tuple[_Save, ...]] = ContextVar("saves", default=())  # those that this code was called by


def in_a_hook() -> bool:
    """Whether this is called by a hook of a save that is under way."""
    return any(save.active for save in _saves.get())


class SaveLock:
    """What one handle sends it sends in order: ``async with lock:``."""

    def __init__(self) -> None:
        from asyncio import Lock  # noqa: PLC0415 - 40 ms that only users of a session pay

        self._lock = Lock()
        self._save: _Save | None = None
        self._token: Token[tuple[_Save, ...]] | None = None

    @property
    def held_by_caller(self) -> bool:
        """Whether the caller was called by the save that is under way: he is one of its hooks."""
        return self._save in _saves.get()

    async def __aenter__(self) -> None:
        """Wait for one's turn.

        Raises:
            InvalidArgument: Whoever asks is a hook of what is being stored just now: it would wait for itself.
        """
        if self.held_by_caller:
            raise InvalidArgument("A hook of a session's save cannot save that session through the same handle.")
        await self._lock.acquire()
        self._save = _Save()
        self._token = _saves.set((*_saves.get(), self._save))

    async def __aexit__(self, *exc: object) -> None:
        if self._save is not None and self._token is not None:
            _saves.reset(self._token)
            self._save.active = False
        self._save = self._token = None
        self._lock.release()
