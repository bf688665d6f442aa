"""What a forked child finds."""

import asyncio
import os
import select
import signal
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from holdfast_contract_tests.verdict import NotRun

__all__ = ["raised_in_a_fork"]

_PATIENCE = 20.0  # seconds for the child


def raised_in_a_fork(call: Callable[[], Awaitable[Any]]) -> str:
    """The name of the error that a call raises in a forked child, which has a loop of its own.

    Raises:
        NotRun: This system has no fork.
    """
    if not hasattr(os, "fork"):
        raise NotRun("This system has no fork.")
    receive, send = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
        child = os.fork()
    if not child:
        answer = "nothing"
        try:
            asyncio.run(_awaited(call))
        except BaseException as error:  # noqa: BLE001 - it is looked at in the parent
            answer = type(error).__name__
        finally:
            os.write(send, answer.encode())
            os._exit(0)
    os.close(send)
    with os.fdopen(receive) as told:
        ended = select.select([told], [], [], _PATIENCE)[0]
        if not ended:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return told.read() if ended else f"nothing within {_PATIENCE:g} s"


async def _awaited(call: Callable[[], Awaitable[Any]]) -> None:
    await call()
