"""One operation of an adapter, in three beats: the deadline, the translation of errors, the observer."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from time import perf_counter
from types import TracebackType

from holdfast.errors import BackendTimeout, Backpressure, HoldfastError, OutcomeUnknown
from holdfast.toolkit.lifecycle import Lifecycle

__all__ = ["Observed", "Observer", "Operation", "Phase", "Slot", "Translate", "ask", "operation", "tell"]

logger = logging.getLogger("holdfast")


class Phase(Enum):
    """How far an operation has come; it decides what a deadline that passes means."""

    IDLE = auto()
    """Nothing was sent that changes anything."""
    WAITING = auto()
    """A write waits for a place in the queue."""
    BUSY = auto()
    """Somebody else holds the session of a write; nothing of it was stored."""
    SENT = auto()
    """A write was sent, and its answer is missing."""
    STORED = auto()
    """A write is durable; whatever fails now, it is not that."""


@dataclass(slots=True)
class Operation:
    """An operation that is running.

    Attributes:
        name: ``sessions.get``, ``commit``…
        turn_id: Of the write, for ``OutcomeUnknown``.
        phase: How far it has come.
    """

    name: str
    turn_id: str | None = None
    phase: Phase = Phase.IDLE


@dataclass(frozen=True, slots=True)
class Observed:
    """What an observer is told: never anything that a user said.

    Attributes:
        name: The operation.
        seconds: How long it took.
        error: What it raised, if it did.
        slots: Of a ``flush``: what each of its writes carries for the observer.
    """

    name: str
    seconds: float
    error: BaseException | None
    slots: tuple[object, ...] = ()


Observer = Callable[[Observed], None]
"""Called at the end of each operation, in the caller's task; it must return soon."""

Slot = Callable[[], object]
"""Called in the caller's task when he writes; what it gives (a span, a request's id) is in ``Observed.slots``."""

Translate = Callable[[Exception, Operation], HoldfastError | None]
"""The error of ours that a driver's error means; None if it is none of the driver's."""


class operation:  # noqa: N801 - it is used as a function is, with ``async with``
    """Run the body as one operation. A class, since a generator would cost every call three times as much.

    Raises:
        HoldfastError: In place of a driver's error, which is its ``__cause__``; or what is used may not be used.
    """

    __slots__ = ("_deadline", "_lifecycle", "_observer", "_running", "_started", "_timeout", "_translate")

    def __init__(
        self,
        name: str,
        *,
        timeout: float,
        translate: Translate,
        observer: Observer | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        """Prepare an operation.

        Args:
            name: Its name.
            timeout: Its deadline, in seconds. It is ours: drivers' time-outs cannot be relied upon.
            translate: What the driver's errors mean.
            observer: Whom to tell.
            lifecycle: Of what is used; closing waits for the end.
        """
        self._running = Operation(name)
        self._timeout = timeout
        self._translate = translate
        self._observer = observer
        self._lifecycle = lifecycle

    async def __aenter__(self) -> Operation:
        self._started = perf_counter()
        if self._lifecycle:
            self._lifecycle.enter()
        try:
            self._deadline = asyncio.timeout(self._timeout)
            await self._deadline.__aenter__()
        except RuntimeError:  # it is no task that awaits this
            if self._lifecycle:
                self._lifecycle.leave()
            raise
        return self._running

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raised = error
        try:
            try:
                await self._deadline.__aexit__(kind, error, trace)
            except TimeoutError as late:
                error = late
            ours = self._ours(error)
            if ours is not None:
                raised = ours
                raise ours from error
        finally:
            if self._lifecycle:
                self._lifecycle.leave()
            if self._observer is not None:
                tell(self._observer, Observed(self._running.name, perf_counter() - self._started, raised))

    def _ours(self, error: BaseException | None) -> HoldfastError | None:
        """What is raised in place of an error; None if it is raised as it is."""
        if not isinstance(error, Exception) or isinstance(error, HoldfastError):
            return None
        if isinstance(error, TimeoutError):
            return _late(self._running)
        ours = self._translate(error, self._running)
        return ours and (_after_storing(self._running) or ours)


def _after_storing(running: Operation) -> HoldfastError | None:
    if running.phase is not Phase.STORED:
        return None
    return OutcomeUnknown("It is stored; what was to follow failed.", turn_id=running.turn_id)


def _late(running: Operation) -> HoldfastError:
    if running.phase is Phase.STORED:
        return OutcomeUnknown("It is stored; what was to follow took too long.", turn_id=running.turn_id)
    if running.phase is Phase.SENT:
        return OutcomeUnknown("No answer came in time.", turn_id=running.turn_id)
    if running.phase is Phase.BUSY:
        return BackendTimeout("Somebody else held it locked all the time.")
    return Backpressure() if running.phase is Phase.WAITING else BackendTimeout()


def tell(observer: Observer, observed: Observed) -> None:
    """Tell an observer, who cannot spoil what he looks on."""
    try:
        observer(observed)
    except Exception:
        # The operation has ended: its result must not depend on who looks on.
        logger.exception("The observer of %s failed", observed.name)


def ask(slot: Slot) -> object:
    """What a write carries for the observer; None where that cannot be had."""
    try:
        return slot()
    except Exception:
        # Whoever looks on must not keep a write from being stored.
        logger.exception("The slot of a write could not be made")
        return None
