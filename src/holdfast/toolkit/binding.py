"""What is bound to one event loop of one process, and must not be used from another."""

import asyncio
import os

from holdfast.errors import WrongEventLoop, WrongProcess

__all__ = ["Binding"]


class Binding:
    """Where something was first used."""

    __slots__ = ("_loop", "_process")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def check(self) -> None:
        """Return if this is the loop and the process of the first call.

        Raises:
            WrongProcess: It was used before a fork.
            WrongEventLoop: It was used in another loop.
        """
        process = os.getpid()
        if self._loop is None:
            self._loop, self._process = asyncio.get_running_loop(), process
        if self._process != process:
            raise WrongProcess  # before the loop is asked for: a forked child may have none
        if self._loop is not asyncio.get_running_loop():
            raise WrongEventLoop
