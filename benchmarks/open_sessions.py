"""Many sessions open at once, stored in the background: what each of them costs, in silence and while some turn.

Each session is held by a task of its own, as by a program with a connection for each user. Beside it runs the same
loop without holdfast: as many tasks, each with a state of the same size, and nothing that keeps it. Both have a
process of their own, so that neither finds the other's memory.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import holdfast
from benchmarks.holding import Busy, Quiet, Size, busy, held, place, quiet
from benchmarks.ledger import Ledger, Losses
from benchmarks.memory import resident
from benchmarks.ours import Ours
from benchmarks.works.inputs import exchange, state
from holdfast import Autosave, PersistenceManager

__all__ = ["Sessions", "measure"]


@dataclass(frozen=True, slots=True)
class Sessions:
    """All of it: ours, and the same loop without holdfast."""

    bare: Quiet
    quiet: Quiet
    busy: Busy
    losses: Losses


def measure(size: Size) -> Sessions:
    """Measure ours and the bare loop, each in a process of its own."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'sessions.db'}"
        _alone(_create, url, size)
        bare: Quiet = _alone(_bare, size)
        return Sessions(bare, *_alone(_ours, url, size))


def _alone(job: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(job, *arguments).result()


def _names(size: Size) -> list[str]:
    return [f"session-{number}" for number in range(size.sessions)]


def _create(url: str, size: Size) -> None:
    async def create() -> None:
        async with Ours.open(url) as ours:
            await ours.create(_names(size))
            for name in _names(size):
                await ours.save(name, state(0), 1)

    asyncio.run(create())


def _bare(size: Size) -> Quiet:
    @asynccontextmanager
    async def hold(_: str) -> AsyncGenerator[object]:
        yield json.loads(json.dumps(state(0)))

    async def run() -> Quiet:
        before = resident()
        async with held(hold, _names(size)):
            return await quiet(size, before)

    return asyncio.run(run())


def _ours(url: str, size: Size) -> tuple[Quiet, Busy, Losses]:
    async def run() -> tuple[Quiet, Busy, Losses]:
        async with (
            holdfast.open(url) as adapter,
            PersistenceManager(adapter, autosave=Autosave(every=1.0), slow=None) as manager,
        ):
            before = resident()
            async with held(manager.session, _names(size)) as sessions:
                silent = await quiet(size, before)
                names = [session.id for session in sessions]
                turned = await busy(sessions, size)
        async with Ours.open(url) as ours:
            return silent, turned, await _ledger(names, turned.turns, size).losses(ours)

    return asyncio.run(run())


def _ledger(names: Sequence[str], turns: int, size: Size) -> Ledger:
    """What must be there. It is made at the end: what this program remembers must not look like ours' memory."""
    ledger = Ledger()
    for index, again in (place(turn, size) for turn in range(turns)):
        ledger.stored(names[index], exchange(0, again), [2 * again + 1, 2 * again + 2])
        # Created at version 1, saved at version 2, and then a version for each turn.
        ledger.saved(names[index], state(again + 1), again + 3)
    return ledger
