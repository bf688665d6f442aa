"""The event loop of a clause, and what ends a clause that hangs outside of any ``await``."""

import asyncio
import selectors
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter, thread_time
from types import FrameType
from typing import Any

from holdfast_contract_tests.verdict import Unanswered

__all__ = ["ClauseLoop", "hard_deadline", "new_runner"]


class _TimedSelector(selectors.DefaultSelector):
    """Knows how long the loop had nothing to do."""

    idle = 0.0

    def select(self, timeout: float | None = None) -> Any:
        started = perf_counter()
        try:
            return super().select(timeout)
        finally:
            self.idle += perf_counter() - started


class ClauseLoop(asyncio.SelectorEventLoop):
    """Knows how long it was held up: neither waiting for events nor computing."""

    def __init__(self) -> None:
        self._timed = _TimedSelector()
        super().__init__(self._timed)

    def held(self) -> float:
        """A clock of the seconds in which whoever ran on the loop made everybody wait, and computed nothing."""
        return perf_counter() - self._timed.idle - thread_time()


def new_runner() -> asyncio.Runner:
    """A runner with a loop of its own: no setting of an author's pytest reaches it."""
    return asyncio.Runner(loop_factory=ClauseLoop)


@contextmanager
def hard_deadline(seconds: float) -> Generator[None]:
    """Interrupt what blocks the whole thread; only where a signal can, and nobody else uses the alarm.

    Raises:
        Unanswered: It was interrupted.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL or any(signal.getitimer(signal.ITIMER_REAL)):
        yield  # pytest-timeout, or somebody else
        return

    def interrupt(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        raise Unanswered(f"The event loop was blocked, or the clause took longer than {seconds:g} s.")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
