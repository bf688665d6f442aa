"""Politeness: those of one process who change one session wait for each other, where racing would starve some.

Nothing is right because of it: the store decides who was first. Without it, of many who load, change and save the
same session, the same one may lose again and again.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakValueDictionary

__all__ = ["Politeness"]

_PATIENCE = 1.0  # seconds: who has waited so long goes on all the same, so that no two wait for each other
_PAUSE = 0.05  # seconds at most, before what others have overtaken several times is tried again

_held: ContextVar[frozenset[tuple[int, str]]] = ContextVar("held", default=frozenset())


class Politeness:
    """One line for each session that somebody is changing."""

    def __init__(self) -> None:
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def line(self, session_id: str) -> AsyncGenerator[None]:
        """Wait for one's turn; whoever has it already, and is called by himself through a hook, goes on."""
        mine = (id(self), session_id)
        if mine in _held.get():
            yield
            return
        lock = self._lines.setdefault(session_id, asyncio.Lock())
        taken = await _taken(lock)
        token = _held.set(_held.get() | {mine})
        try:
            yield
        finally:
            _held.reset(token)
            if taken:
                lock.release()

    @staticmethod
    async def pause(tries: int) -> None:
        """Let others of other processes pass: for a random time, longer with each try."""
        await asyncio.sleep(random.uniform(0, min(_PAUSE, 0.001 * 2 ** min(tries, 10))))  # noqa: S311 - no secret


async def _taken(lock: asyncio.Lock) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await lock.acquire()
    except TimeoutError:
        return False
