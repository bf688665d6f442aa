"""The outbox: what has ended in one session and is not durable yet, stored in its order, one at a time."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from holdfast.errors import HoldfastError, HookFailed, VersionConflict
from holdfast.ids import new_id
from holdfast.manager.live.autosave import Autosave
from holdfast.manager.live.held import Held
from holdfast.manager.live.writing import Writing
from holdfast.models import Committed, Message

if TYPE_CHECKING:
    from asyncio import Lock

__all__ = ["Outbox"]


class Outbox:
    """Turns that wait, and states that are to be flushed. It is what the manager's backlog saves."""

    def __init__(self, held: Held[Any], lock: "Lock") -> None:
        self._held = held
        self._context = held.context
        self._queue: deque[Writing] = deque()
        self._sending = lock  # what one handle sends it sends in order
        self._current: Writing | None = None
        self._failed: Exception | None = None
        self._hook_failed: HookFailed | None = None

    @property
    def id(self) -> str:
        """The session's id."""
        return self._held.session.id

    @property
    def waits(self) -> bool:
        """Whether something is here that is not durable yet."""
        return bool(self._queue)

    @property
    def failure(self) -> Exception | None:
        """What has gone wrong in the background, and was not told yet."""
        return self._failed or self._hook_failed

    def __contains__(self, writing: Writing) -> bool:
        return writing in self._queue

    def messages(self) -> list[Sequence[Message]]:
        """The messages of each turn that waits."""
        return [tuple(writing.pending) for writing in self._queue]

    def add(self, writing: Writing) -> None:
        """A turn has ended, and is to be stored later."""
        self._queue.append(writing)
        self._held.writings.append(writing)
        self._context.backlog.add(self, writing.size)

    def add_state(self) -> Writing | None:
        """The state as it is now is to be stored; None if it is what waits to be stored, or is stored, already."""
        writing = Writing(self._held, new_id())
        writing.end()
        last = self._queue[-1] if self._queue else None
        if writing.after == (last.after if last else self._held.base) and self._held.session.version:
            return None
        if last is not None and last.turn is None and not last.unsure and last is not self._current:
            self._remove(last)  # the new one says it all
        self.add(writing)
        return writing

    def take_back(self, writing: Writing | None) -> None:
        """A state that was to be flushed was not stored: it is held still, and is not tried again unasked."""
        if writing is None or writing not in self._queue or writing is self._current:
            return
        if writing.turn is None and not writing.unsure and not isinstance(self._context.autosave, Autosave):
            self._remove(writing)

    def drop(self) -> None:
        """Nothing more is to be stored than what is being stored just now."""
        for writing in [one for one in self._queue if one is not self._current]:
            self._remove(writing)

    def _remove(self, writing: Writing) -> None:
        self._queue.remove(writing)
        self._held.writings.remove(writing)
        self._context.backlog.remove(self, writing.size)

    def surface(self) -> None:
        """Raise what has gone wrong in the background; told once, unless something still waits for it."""
        failure = self.failure
        if failure is None:
            return
        if self._failed is None:
            self._hook_failed = None
        elif not self._queue:
            self._failed = None
        self._context.backlog.settle(self)
        raise failure

    async def drain(self) -> None:
        """Store everything, in the background: what goes wrong is kept for the next call, too."""
        if not self._queue:
            return
        try:
            await self._context.watched("save", self.id, self.store_all)
        except HookFailed as error:
            self._hook_failed = self._hook_failed or error
            self._context.backlog.keep(self)
            raise
        except Exception as error:
            self._failed = error
            raise

    async def store_all(self) -> None:
        """Store everything.

        Raises:
            HookFailed: All of it is stored.
        """
        failed: HookFailed | None = None
        async with self._sending:
            while self._queue:
                try:
                    await self._store_first(self._queue[0])
                except HookFailed as error:
                    failed = failed or error
        self._failed = None
        if failed is not None:
            raise failed

    async def _store_first(self, writing: Writing) -> None:
        self._current = writing
        stored = False
        try:
            await writing.store()
            stored = True
        except HookFailed:
            stored = True
            raise
        except HoldfastError:
            self._current = None
            self.take_back(writing)
            raise
        finally:
            self._current = None
            if stored:
                self._remove(writing)

    async def store(self, writing: Writing, *, state: Literal["theirs"] | None = None) -> Committed | None:
        """Store a turn behind everything that waits.

        Raises:
            HookFailed: All of it is stored.
        """
        failed: HookFailed | None = None
        try:
            if state is not None:
                await self.take_theirs()
            try:
                await self.store_all()
            except HookFailed as error:
                failed = error
            async with self._sending:
                committed = await writing.store()
        except VersionConflict as error:
            error.turn = error.turn or writing.turn
            raise
        if failed is not None:
            raise failed
        return committed

    async def take_theirs(self) -> None:
        """Give up what was changed in the state here; the messages that wait are kept."""
        async with self._sending:
            await self._held.take_theirs()
