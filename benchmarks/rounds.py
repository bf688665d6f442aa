"""Rounds: in each, every contender does every work once, in turn, on a fresh database.

The noise of a shared machine then hits all alike, and a ratio taken within a round is free of most of it.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contender import Backend, Opener
from benchmarks.ledger import Ledger, Losses
from benchmarks.sameness import check_sameness
from benchmarks.timing import Measured
from benchmarks.works import Job, Work

__all__ = ["Case", "Results", "run_rounds"]


@dataclass(frozen=True)
class Case:
    """A work at one size."""

    work: Work
    size: int

    @property
    def title(self) -> str:
        """What a reader knows it by."""
        return self.work.title(self.size)


@dataclass
class Results:
    """What all rounds gave.

    Attributes:
        measured: By case and contender, one for each round.
        losses: By contender, of all rounds; nothing else matters if there are any.
        acknowledged: How many messages the contenders have acknowledged, all together.
    """

    measured: dict[Case, dict[str, list[Measured]]] = field(default_factory=dict[Case, dict[str, list[Measured]]])
    losses: defaultdict[str, Losses] = field(default_factory=lambda: defaultdict(Losses))
    acknowledged: int = 0

    @property
    def lossless(self) -> bool:
        """Whether everything that was acknowledged is there, once, in its place."""
        return not any(self.losses.values())


def run_rounds(backend: Backend, works: Sequence[Work], rounds: int) -> Results:
    """Check that the contenders do the same job, then measure them.

    Raises:
        NotTheSame: They do not.
    """
    for opener in backend.contenders.values():
        asyncio.run(_checked(opener))
    results = Results()
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for work in works:
            for size, name in product(work.sizes, _order(backend, number)):
                _measure(results, backend, Case(work, size), name)
    return results


def _order(backend: Backend, number: int) -> Iterator[str]:
    names = list(backend.contenders)
    first = number % len(names)
    yield from names[first:] + names[:first]


async def _checked(opener: Opener) -> None:
    with TemporaryDirectory() as folder:
        async with opener(Path(folder)) as contender:
            await check_sameness(contender)


def _measure(results: Results, backend: Backend, case: Case, name: str) -> None:
    ledger = Ledger()
    measured, losses = asyncio.run(_once(backend.contenders[name], case, ledger))
    results.measured.setdefault(case, {}).setdefault(name, []).append(measured)
    results.losses[name] += losses
    results.acknowledged += ledger.messages


async def _once(opener: Opener, case: Case, ledger: Ledger) -> tuple[Measured, Losses]:
    with TemporaryDirectory() as folder:
        async with opener(Path(folder)) as contender:
            measured = await case.work.run(Job(contender, case.size, case.work.operations, ledger))
            return measured, await ledger.losses(contender)
