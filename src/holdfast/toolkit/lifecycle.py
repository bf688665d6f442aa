"""New, open, closed; bound to one event loop and one process."""

import asyncio
import os

from holdfast.errors import AdapterClosed, WrongEventLoop, WrongProcess

__all__ = ["Lifecycle"]


class Lifecycle:
    """The state of an adapter, shared by its views."""

    def __init__(self) -> None:
        self.state = "new"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def open(self) -> None:
        """It is open now, in this loop and this process."""
        self.state = "open"
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()

    def close(self) -> None:
        """It is closed for good."""
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
        if self._process != os.getpid():
            raise WrongProcess
        if self._loop is not asyncio.get_running_loop():
            raise WrongEventLoop
