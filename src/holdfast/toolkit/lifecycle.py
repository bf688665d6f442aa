"""New, open, closed; bound to one event loop and one process."""

import asyncio

from holdfast.errors import AdapterClosed
from holdfast.toolkit.binding import Binding

__all__ = ["Lifecycle"]


class Lifecycle:
    """The state of an adapter, shared by its views.

    Attributes:
        state: ``new``, ``open`` or ``closed``.
        changing: Held while it is opened or closed.
    """

    def __init__(self) -> None:
        self.state = "new"
        self.changing = asyncio.Lock()
        self._binding = Binding()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def open(self) -> None:
        """It is open now, in this loop and this process."""
        self.state = "open"
        self._binding.check()

    def close(self) -> None:
        """It is closed for good: what runs may end, nothing new begins."""
        self.state = "closed"

    def check(self) -> None:
        """Return if it may be used here and now.

        Raises:
            AdapterClosed: It was not opened yet, or is closed.
            WrongProcess: It was opened before a fork.
            WrongEventLoop: It was opened in another loop.
        """
        if self.state == "new":
            raise AdapterClosed("It was not opened yet: use 'async with', or await adapter.initialize().")
        if self.state == "closed":
            raise AdapterClosed("It was closed before.")
        self._binding.check()

    def enter(self) -> None:
        """An operation begins: until it leaves, closing waits.

        Raises:
            HoldfastError: It may not be used; see ``check``.
        """
        self.check()
        self._running += 1
        self._idle.clear()

    def leave(self) -> None:
        """An operation has ended."""
        self._running -= 1
        if not self._running:
            self._idle.set()

    async def idle(self, timeout: float) -> None:
        """Wait until nothing runs any more, but no longer than ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            return
