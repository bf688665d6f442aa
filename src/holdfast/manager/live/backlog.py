"""The backlog: sessions with turns that have ended and are not durable yet."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from holdfast.errors import ConfigurationError, FlushIncomplete, HoldfastError, InvalidArgument
from holdfast.manager.live.autosave import Autosave, When
from holdfast.manager.live.late import LateHookFailure
from holdfast.manager.live.save_lock import in_a_hook

__all__ = ["Backlog", "Waiting"]

_AT_ONCE = 64  # sessions that are saved at the same time
_LAST_MOMENT = 1.0  # seconds for what is cancelled when the deadline has passed


class Waiting(Protocol):
    """A session's outbox, as the backlog sees it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def belongs_to(self) -> tuple[str | None, str | None]:
        """Its tenant and its user."""
        ...

    @property
    def waits(self) -> bool:
        """Whether it has something that is not durable."""
        ...

    @property
    def failure(self) -> Exception | None:
        """Why the last try to save it has failed."""
        ...

    async def drain(self) -> None:
        """Save what waits; what it raises it keeps as its failure, too."""
        ...

    def surface(self) -> None:
        """Raise its failure."""
        ...


class Backlog:
    """Saves sessions in the background, each at most so many seconds after its first turn began to wait.

    Where nothing waits, nothing runs: there is a timer for each session that waits, and no other one. Without
    ``Autosave`` there are no timers, and it only knows what to save when the manager is flushed or closed.
    """

    def __init__(self, autosave: When | Autosave) -> None:
        self._autosave = autosave if isinstance(autosave, Autosave) else None
        self._unasked = autosave != "off"  # whether anything is saved that nobody has asked for
        self._open = False
        self._closed = False
        self._sessions: dict[Waiting, None] = {}  # in the order in which they began to wait
        self._timers: dict[Waiting, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._turns = 0
        self._size = 0

    def takes(self, size: int, *, instead_of: int | None = None) -> bool:
        """Whether one more turn of so many bytes may wait; or one in the place of another one of so many."""
        limit = self._autosave
        if limit is None:
            return not self._closed
        turns, waiting = self._turns - (instead_of is not None), self._size - (instead_of or 0)
        return self._open and turns < limit.turns and waiting + size <= limit.size

    def open(self) -> None:
        """From now on turns may wait."""
        self._open, self._closed = True, False
        for session in self._sessions:  # what the last closing has left
            self._set_timer(session)

    def check(self) -> None:
        """Return if turns may wait.

        Raises:
            ConfigurationError: Nobody would save them at the end.
        """
        if self._autosave is not None and not self._open:
            raise ConfigurationError("Autosave(every=…) needs 'async with PersistenceManager(…) as manager:'.")

    def add(self, session: Waiting, size: int) -> None:
        """One more turn of a session waits, of so many bytes."""
        self._turns += 1
        self._size += size
        self._sessions[session] = None
        self._set_timer(session)

    def remove(self, session: Waiting, size: int) -> None:
        """One turn of a session does not wait any more."""
        self._turns -= 1
        self._size -= size
        self.forget_if_done(session)

    def forget_if_done(self, session: Waiting) -> None:
        """Forget a session of which nothing waits, and nothing is to be told."""
        if not session.waits and session.failure is None:
            self.forget(session)

    def keep(self, session: Waiting) -> None:
        """A session has something to tell at the end."""
        self._sessions[session] = None

    def forget(self, session: Waiting) -> None:
        """Save it no more, unless something is added to it."""
        self._sessions.pop(session, None)
        timer = self._timers.pop(session, None)
        if timer is not None:
            timer.cancel()

    def left(self, session: Waiting) -> None:
        """A session was left: what it could not store is kept only if the manager is closed one day."""
        if self._autosave is None and not self._open:
            self.forget(session)

    def _set_timer(self, session: Waiting) -> None:
        if self._autosave is None or not self._open or session in self._timers:
            return
        loop = asyncio.get_running_loop()
        self._timers[session] = loop.call_later(self._autosave.seconds, self._begin, session)

    def save_soon(self, session: Waiting) -> None:
        """Save what waits of a session whose user is gone: without a timer nobody else would until the end."""
        if self._open and session.waits:
            self._start(session)

    def _begin(self, session: Waiting) -> None:
        del self._timers[session]
        self._start(session)

    def _start(self, session: Waiting) -> None:
        task = asyncio.get_running_loop().create_task(self._save(session))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _save(self, session: Waiting) -> None:
        failure = await self._try(session)
        again = failure is None or (isinstance(failure, HoldfastError) and failure.retryable)
        if session.waits and again:
            self._set_timer(session)

    async def _try(self, session: Waiting) -> Exception | None:
        """Save a session; why it could not be saved. The session keeps that, and raises it at the next call."""
        async with self._at_once:
            try:
                await session.drain()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is handed on
                return error
            return None

    async def flush(self, *, tenant: str | None, user_id: str | None, view: bool) -> None:
        """Save everything that waits, now.

        Args:
            tenant: In a view, of this tenant alone.
            user_id: In a user's view, of this user alone.
            view: Whether it is asked for in a view.

        Raises:
            FlushIncomplete: It names the sessions that have something left; the first one's error is its cause.
            InvalidArgument: A hook of a save asks for it: two of them would wait for each other.
        """
        if in_a_hook():
            raise InvalidArgument("A hook of a save cannot flush the manager.")
        sessions = [one for one in self._sessions if not view or _is_of(one, tenant, user_id)]
        failures = await asyncio.gather(*map(self._try, sessions))
        _raise_if_left(
            {session.id: failure for session, failure in zip(sessions, failures, strict=True) if failure}
        )

    async def aclose(self, timeout: float) -> None:
        """Save everything, even if the caller is cancelled meanwhile; then nothing may wait any more.

        Args:
            timeout: For how many seconds at most.

        Raises:
            FlushIncomplete: It names the sessions that have something left.
            HookFailed: All is saved; a hook has failed in the background, and nobody was told yet.
        """
        if in_a_hook():
            raise InvalidArgument("A hook of a save cannot close the manager.")
        if type(timeout) not in (int, float) or not timeout > 0:
            raise InvalidArgument("timeout is a positive number of seconds.")
        sessions = list(self._sessions) if self._unasked else []
        self._open, self._closed = False, self._unasked
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        failures: dict[str, Exception | None] = {}
        cancelled = await _to_its_end(asyncio.ensure_future(self._flush_within(sessions, timeout, failures)))
        failures.update({session.id: session.failure for session in sessions if session.waits})
        _raise_if_left(failures)
        late = LateHookFailure()
        for session in list(self._sessions):
            with late:
                session.surface()
        late.surface()
        if cancelled is not None:
            raise cancelled

    async def _flush_within(
        self, sessions: Iterable[Waiting], timeout: float, failures: dict[str, Exception | None]
    ) -> None:
        async def save(session: Waiting) -> None:
            failure = await self._try(session)
            if failure is not None:
                failures[session.id] = failure

        tasks: set[asyncio.Future[Any]] = {asyncio.ensure_future(save(session)) for session in sessions}
        tasks |= self._tasks
        for limit in (timeout, _LAST_MOMENT):  # the second time for those that end when they are cancelled
            if tasks:
                _, tasks = await asyncio.wait(tasks, timeout=limit)
            for task in tasks:
                task.cancel()


def _is_of(session: Waiting, tenant: str | None, user_id: str | None) -> bool:
    return session.belongs_to[0] == tenant and user_id in {None, session.belongs_to[1]}


def _raise_if_left(left: Mapping[str, Exception | None]) -> None:
    if left:
        raise FlushIncomplete(list(left)) from next(iter(left.values()))


async def _to_its_end(task: "asyncio.Future[None]") -> asyncio.CancelledError | None:
    """Wait for a task, even if the waiting is cancelled; that comes afterwards, unless something is left."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    return cancelled
