"""The clocks: of one work by one contender."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import Any

__all__ = ["Lap", "Measured", "lap", "one_by_one", "together"]


@dataclass(slots=True)
class Lap:
    """What a timed part took: on the wall's clock, and of this process's CPU, in seconds."""

    seconds: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One work by one contender, once.

    Attributes:
        seconds: Of one operation: the share of the whole, or the median where each was timed.
        cpu: Of one operation, in seconds of this process's CPU.
        operations: How many there were.
    """

    seconds: float
    cpu: float
    operations: int


@contextmanager
def lap() -> Generator[Lap]:
    """Time the body, with the garbage of what came before out of the way."""
    timed = Lap()
    gc.collect()
    seconds, cpu = perf_counter(), process_time()
    yield timed
    timed.seconds, timed.cpu = perf_counter() - seconds, process_time() - cpu


async def together(tasks: Sequence[Coroutine[Any, Any, None]], operations: int) -> Measured:
    """Time tasks that run side by side and do so many operations between them."""
    with lap() as timed:
        await asyncio.gather(*tasks)
    return Measured(timed.seconds / operations, timed.cpu / operations, operations)


async def one_by_one(operation: Callable[[int], Awaitable[None]], operations: int) -> Measured:
    """Time an operation again and again, each alone."""
    took: list[float] = []
    with lap() as timed:
        for number in range(operations):
            begun = perf_counter()
            await operation(number)
            took.append(perf_counter() - begun)
    return Measured(median(took), timed.cpu / operations, operations)
