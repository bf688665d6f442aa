"""A long run: tasks append side by side, memory is watched, and in the end every message is accounted for.

Nothing is remembered of what was acknowledged, so that this program's own memory stays flat: message ``n`` of a
task goes to session ``(task + n) % 64``, so that what each session must hold can be told from its name.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import linear_regression
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.contender import Contender
from benchmarks.ledger import Losses
from benchmarks.memory import MIB, resident
from benchmarks.ours import Ours
from benchmarks.works.inputs import TASKS, names, remark

__all__ = ["URLS", "Soaked", "soak"]

URLS = {"sqlite": "sqlite:///{folder}/soak.db", "memory": "memory://"}

_STEPS = 20  # reports
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Soaked:
    """How it went.

    Attributes:
        appends: How many were acknowledged.
        rate: Appends a second, over all.
        slope: Bytes by which the process grew for each append, over the second half.
        losses: What is lost, doubled or out of order.
    """

    appends: int
    rate: float
    slope: float
    losses: Losses


async def soak(backend: str, appends: int) -> Soaked:
    """Append so many messages, rounded up to what divides evenly, and account for them."""
    each = max(1, -(-appends // (TASKS * _STEPS))) * _STEPS
    async with _opened(backend) as contender:
        await contender.create(names(TASKS))
        begun = perf_counter()
        grown = [await _step(contender, number, each // _STEPS) for number in range(_STEPS)]
        rate = each * TASKS / (perf_counter() - begun)
        losses = await _losses(contender, each)
    half = [(TASKS * each / _STEPS * number, rss) for number, rss in enumerate(grown)][_STEPS // 2 :]
    return Soaked(each * TASKS, rate, linear_regression(*zip(*half, strict=True)).slope, losses)


@asynccontextmanager
async def _opened(backend: str) -> AsyncGenerator[Contender]:
    with TemporaryDirectory() as folder:
        async with Ours.open(URLS[backend].format(folder=folder)) as contender:
            yield contender


async def _step(contender: Contender, number: int, each: int) -> int:
    """One twentieth of the whole; gives the resident memory afterwards, in bytes."""
    begun = perf_counter()
    await asyncio.gather(*(_task(contender, task, number * each, each) for task in range(TASKS)))
    rate, rss = each * TASKS / (perf_counter() - begun), resident()
    done = (number + 1) * each * TASKS
    print(f"{done:>12,} appends  {rate:>8,.0f} a second  {rss / MIB:>8,.1f} MiB", flush=True)
    return rss


async def _task(contender: Contender, task: int, first: int, each: int) -> None:
    for number in range(first, first + each):
        await contender.append(f"session-{(task + number) % TASKS}", remark(task, number))


async def _losses(contender: Contender, each: int) -> Losses:
    total = Losses()
    for session, name in enumerate(names(TASKS)):
        total += await _session_losses(contender, session, name, each)
    return total


async def _session_losses(contender: Contender, session: int, name: str, each: int) -> Losses:
    """Walk a session; each task's messages must come in the task's order, and none be left out."""
    due = [(session - task) % TASKS for task in range(TASKS)]  # the next number of each task
    losses, last = Losses(), 0
    while page := await contender.page(name, last, _PAGE):
        for seq, content in map(contender.stored, page):
            task, number = map(int, content.partition(" ")[0].split("-"))
            losses.misplaced += seq != last + 1
            losses.doubled += number < due[task]
            losses.lost += max(0, number - due[task]) // TASKS
            due[task] = max(due[task], number + TASKS)
            last = seq
    losses.lost += sum(len(range(number, each, TASKS)) for number in due)
    return losses
