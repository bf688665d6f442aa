"""What a ``FaultProxy`` was told to do wrong."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["CHUNK", "Cut", "Direction", "Rules"]

CHUNK = 65536
"""How many bytes are handed on at a time."""


class Direction(Enum):
    """Which way bytes go."""

    REQUESTS = "requests"
    REPLIES = "replies"


@dataclass(eq=False)
class _Pace:
    """How fast one direction is; ``over`` is set once another pace holds."""

    pause: float = 0.0
    jitter: float = 0.0
    size: int = CHUNK
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Cut:
    """After how many bytes a connection ends, and how many connections are still to end so."""

    after: int
    times: int
    reset: bool
    seen: dict[object, int] = field(default_factory=dict[object, int])

    def room(self, link: object) -> int:
        """How many bytes of this connection may still pass."""
        return self.after - self.seen.get(link, 0)

    def is_due(self, link: object, passed: int) -> bool:
        """Whether the connection ends, now that these bytes have passed."""
        self.seen[link] = self.seen.get(link, 0) + passed
        return self.room(link) <= 0


class Rules:
    """What holds for all connections now, each way."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance, not secrets
        self._paces = {direction: _Pace() for direction in Direction}
        self.cuts: dict[Direction, Cut] = {}

    def set_pace(
        self, direction: Direction | None, pause: float, *, jitter: float = 0.0, size: int = CHUNK
    ) -> None:
        """Pause before each piece of at most this size; both ways, unless one is named."""
        for each in (direction,) if direction else Direction:
            self._paces[each].over.set()
            self._paces[each] = _Pace(pause, jitter, size)

    def size(self, direction: Direction) -> int:
        """How much is handed on at a time."""
        return self._paces[direction].size

    def count_cut(self, direction: Direction) -> None:
        """Another connection was cut; the last one ends the rule."""
        cut = self.cuts[direction]
        cut.times -= 1
        if cut.times <= 0:
            del self.cuts[direction]

    async def pause(self, direction: Direction) -> None:
        """Wait until the next piece may be handed on. If the pace changes meanwhile, the new one holds."""
        pace = None
        while pace is not self._paces[direction]:
            pace = self._paces[direction]
            await self._wait(pace)

    async def _wait(self, pace: _Pace) -> None:
        seconds = pace.pause + self._random.uniform(0, pace.jitter)
        if seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await pace.over.wait()
