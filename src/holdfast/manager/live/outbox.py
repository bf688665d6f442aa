"""The outbox: what has ended in one session and is not durable yet, stored in its order, one at a time."""

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

from holdfast.errors import HoldfastError, InvalidArgument, VersionConflict
from holdfast.ids import new_id
from holdfast.manager.live.autosave import Autosave
from holdfast.manager.live.draft import Draft
from holdfast.manager.live.held import Held
from holdfast.manager.live.save_lock import SaveLock
from holdfast.manager.live.writing import Writing
from holdfast.models import Committed, Message

__all__ = ["Outbox"]


class Outbox:
    """Turns that wait, and states that are to be flushed. It is what the manager's backlog saves."""

    def __init__(self, held: Held[Any]) -> None:
        self._held = held
        self._context = held.context
        self._behind = isinstance(held.context.autosave, Autosave)
        self._queue: deque[Writing] = deque()
        self._counted: dict[Writing, int] = {}  # those that the backlog saves, with the bytes that it knows of
        self._lock = SaveLock()
        self._current: Writing | None = None
        self._failed: Exception | None = None

    @property
    def id(self) -> str:
        """The session's id."""
        return self._held.session.id

    @property
    def belongs_to(self) -> tuple[str | None, str | None]:
        """Its tenant and its user."""
        return self._context.tenant, self._held.session.user_id

    @property
    def waits(self) -> bool:
        """Whether something is here that is not durable yet."""
        return bool(self._queue)

    @property
    def failure(self) -> Exception | None:
        """What has gone wrong in the background, and was not told yet."""
        return self._failed or self._held.late.error

    def __contains__(self, writing: Writing) -> bool:
        return writing in self._queue

    def messages(self) -> list[Sequence[Message]]:
        """The messages of each turn that waits."""
        return [tuple(writing.draft.pending) for writing in self._queue]

    def add(self, writing: Writing) -> None:
        """A turn has ended, and is to be stored later."""
        self._queue.append(writing)
        self._held.writings.append(writing)
        # Whoever has another turn on a handle that was released goes on with all that it holds.
        for one in [writing] if writing.draft.is_state_alone else list(self._queue):
            if one not in self._counted:
                self._counted[one] = one.draft.size
                self._context.backlog.add(self, one.draft.size)

    def add_state(self, *, bounded: bool = False) -> Writing | None:
        """The state as it is now is to be stored.

        Returns:
            What will store it; None if it is stored, or will be, or if it is ``bounded``, and too much waits.
        """
        draft = Draft(self._held, new_id())
        draft.end()
        writing = Writing(self._held, draft)
        last = self._queue[-1] if self._queue else None
        stored = self._held.base if self._held.session.version else None
        unchanged = draft.after == (last.draft.after if last else stored)
        # Without write-behind, each flush has a state of its own: another one's may be taken back.
        if unchanged and (last is None or not last.draft.is_state_alone or self._behind):
            return None
        replaced = last if self._behind and last is not None and self._replaceable(last) else None
        freed = None if replaced is None else self._counted.get(replaced)
        if bounded and not self._context.backlog.takes(draft.size, instead_of=freed):
            return None
        self.add(writing)
        if replaced is not None:  # the new one says it all; the time that it may wait goes on
            replaced.replaced_by = writing
            self._remove(replaced)
        return writing

    def take_back(self, writing: Writing | None) -> None:
        """A state that was to be flushed was not stored: it is held still, and is not tried again unasked."""
        if writing is not None and writing in self._queue and not self._behind and self._replaceable(writing):
            self._remove(writing)

    def _replaceable(self, writing: Writing) -> bool:
        """Whether nothing is lost without it: a state alone, which is held still and was not sent."""
        return writing.draft.is_state_alone and not writing.unsure and writing is not self._current

    def drop(self) -> tuple[Message, ...]:
        """Nothing more is to be stored than what is being stored just now; the messages that are given up."""
        given_up = [one for one in self._queue if one is not self._current]
        for writing in given_up:
            self._remove(writing)
        if not self._queue:
            self._failed = None
            self._context.backlog.forget_if_done(self)
        return tuple(message for writing in given_up for message in writing.draft.pending)

    def _remove(self, writing: Writing) -> None:
        self._queue.remove(writing)
        self._held.writings.remove(writing)
        self._uncount(writing)

    def _uncount(self, writing: Writing) -> None:
        size = self._counted.pop(writing, None)
        if size is not None:
            self._context.backlog.remove(self, size)

    def release(self) -> None:
        """What waits was refused, and whoever has the handle was told: nobody else stores it any more."""
        for writing in list(self._queue):
            self._uncount(writing)
        self._context.backlog.forget(self)

    def surface(self) -> None:
        """Raise what has gone wrong in the background; told once, unless something still waits for it."""
        failure = self.failure
        if failure is None:
            return
        if self._failed is None:
            self._held.late.error = None
        elif not self._queue:
            self._failed = None
        self._context.backlog.forget_if_done(self)
        raise failure

    async def drain(self) -> None:
        """Store everything, though nobody who has the handle asks for it: what goes wrong is kept for him."""
        if not self._queue or self._lock.held_by_caller:
            return
        late = self._held.late.error
        await self._context.watched("save", self.id, self._drain)
        if self._held.late.error is not None and self._held.late.error is not late:
            await self._context.hooks.note("on_error", self.id, self._held.late.error)

    async def _drain(self) -> None:
        async with self._saving():
            try:
                while self._queue and self._queue[0] in self._counted:  # the others were released
                    await self._store_first(self._queue[0])
                self._failed = None
            except Exception as error:
                self._failed = error
                raise

    async def store_all(self) -> None:
        """Store everything.

        Raises:
            HookFailed: All of it is stored.
        """
        async with self._saving():
            await self._store_queue()
        self._tell_late()

    async def store(self, writing: Writing, *, state: Literal["theirs"] | None = None) -> Committed | None:
        """Store a turn behind everything that waits.

        Raises:
            HookFailed: All of it is stored.
        """
        try:
            async with self._saving():
                if state is not None:
                    await self._held.take_theirs()
                await self._store_queue()
                committed = await writing.store()
        except VersionConflict as error:
            error.turn = error.turn or writing.draft.turn
            raise
        self._tell_late()
        return committed

    @asynccontextmanager
    async def _saving(self) -> AsyncGenerator[None]:
        """One save at a time; what a hook raises after it is told later, if not by the caller."""
        async with self._lock:
            try:
                yield
            finally:
                if self._held.late.error is not None:
                    self._context.backlog.keep(self)
                else:
                    self._context.backlog.forget_if_done(self)

    def _tell_late(self) -> None:
        try:
            self._held.late.surface()
        finally:
            self._context.backlog.forget_if_done(self)

    async def _store_queue(self) -> None:
        while self._queue:
            await self._store_first(self._queue[0])
        self._failed = None

    async def _store_first(self, writing: Writing) -> None:
        self._current = writing
        writing.failed = None
        try:
            await writing.store()
        except HoldfastError as error:
            self._current = None
            writing.failed = error
            self.take_back(writing)
            raise
        finally:
            self._current = None
            if writing.done:
                self._remove(writing)

    def check_stored(self, writing: Writing) -> None:
        """Return if a state is stored that was to be flushed.

        Raises:
            HoldfastError: Why somebody else, who has tried to store it meanwhile, could not.
            InvalidArgument: It was discarded meanwhile.
        """
        while writing.replaced_by is not None:
            writing = writing.replaced_by
        if not writing.done:
            raise writing.failed or InvalidArgument("What was to be flushed was discarded meanwhile.")

    async def finish(self) -> None:
        """Wait for the saves that were begun; not where a hook of one of them asks: it waits for him."""
        if not self._lock.held_by_caller:
            async with self._lock:
                pass

    async def take_theirs(self) -> None:
        """Give up what was changed in the state here; the messages that wait are kept."""
        async with self._lock:
            await self._held.take_theirs()
