"""The works that read."""

from collections.abc import Sequence
from typing import Any

from benchmarks.timing import Measured, one_by_one, together
from benchmarks.works.inputs import TASKS, names, state
from benchmarks.works.work import Job
from benchmarks.works.writing import fill

__all__ = ["load_many", "newest", "sessions", "whole_history"]

_NEWEST = 20
_PAGE = 1000


async def newest(job: Job) -> Measured:
    """The newest 20 messages of a longer history."""

    async def read(_: int) -> None:
        _complete(await job.contender.newest(session_id, _NEWEST), _NEWEST)

    [session_id] = names(1)
    await fill(job.contender, job.ledger, session_id, job.size)
    return await one_by_one(read, job.operations)


async def whole_history(job: Job) -> Measured:
    """A whole history, in one page."""

    async def read(_: int) -> None:
        _complete(await job.contender.page(session_id, 0, _PAGE), job.size)

    [session_id] = names(1)
    await fill(job.contender, job.ledger, session_id, job.size)
    return await one_by_one(read, job.operations)


async def sessions(job: Job) -> Measured:
    """The newest 20 sessions of a user who has more."""

    async def read(_: int) -> None:
        _complete(await job.contender.listing(_NEWEST), _NEWEST)

    await job.contender.create(names(job.size))
    return await one_by_one(read, job.operations)


async def load_many(job: Job) -> Measured:
    """Tasks side by side, each loads the state of a session of its own, again and again."""

    async def task(session_id: str) -> None:
        for _ in range(job.operations):
            await job.contender.load(session_id)

    own = names(TASKS)
    await job.contender.create(own)
    for session_id in own:
        await job.contender.save(session_id, state(0), 1)
        job.ledger.saved(session_id, state(0), 2)
    return await together([task(session_id) for session_id in own], TASKS * job.operations)


def _complete(found: Sequence[Any], count: int) -> None:
    # Whoever reads less is quicker.
    if len(found) != count:
        raise RuntimeError(f"{len(found)} were read, and {count} are there.")
