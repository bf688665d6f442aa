"""What a work is: something that every contender does, in some sizes, with a bar for ours."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Self

from benchmarks.contender import Contender
from benchmarks.ledger import Ledger
from benchmarks.timing import Measured

__all__ = ["FLAT", "Bar", "Job", "Work"]

FLAT = "ours, smallest"
"""The rival of a bar that asks for flatness: ours itself, at the smallest size."""


@dataclass(frozen=True)
class Job:
    """One work, once, for one contender on a fresh database.

    Attributes:
        size: How much is there before.
        operations: How many to do; of each task, where there are several.
        ledger: Where acknowledged writes are noted.
    """

    contender: Contender
    size: int
    operations: int
    ledger: Ledger


@dataclass(frozen=True)
class Bar:
    """What is to be reached against a rival.

    Attributes:
        rival: A contender, or ``FLAT``.
        limit: The ratio.
        speed: Whether it is ours' speed over the rival's, at least, or ours' time over the rival's, at most.
    """

    rival: str
    limit: float
    speed: bool

    def met(self, ratio: float) -> bool:
        """Whether a ratio, of speeds or of times as this bar has it, reaches the limit."""
        return ratio >= self.limit if self.speed else ratio <= self.limit

    def __str__(self) -> str:
        return f"speed ≥ {self.limit:g} x" if self.speed else f"time ≤ {self.limit:g} x"


@dataclass(frozen=True)
class Work:
    """Something that every contender does.

    Attributes:
        name: What ``--only`` knows it by.
        run: Prepares, then times.
        operations: How many; of each task, where there are several.
        bars: At most one for each rival.
        sizes: How much is there before; each is measured.
        label: The name of one size.
        parallel: Whether the figure is a throughput; else it is the time of one operation alone.
    """

    name: str
    run: Callable[[Job], Awaitable[Measured]]
    operations: int
    bars: tuple[Bar, ...]
    sizes: tuple[int, ...] = (0,)
    label: str = "{name}"
    parallel: bool = False

    def title(self, size: int) -> str:
        """What a reader knows it by."""
        return self.label.format(name=self.name, size=size)

    def bar(self, rival: str) -> Bar | None:
        """The bar against a rival, if there is one."""
        return next((bar for bar in self.bars if bar.rival == rival), None)

    def tiny(self) -> Self:
        """The same, just large enough to run."""
        sizes = tuple(20 * number for number, _ in enumerate(self.sizes, 1))
        return replace(self, operations=3, sizes=sizes)
