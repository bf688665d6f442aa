"""The works that write."""

from benchmarks.contender import Contender, Said
from benchmarks.ledger import Ledger
from benchmarks.timing import Measured, one_by_one, together
from benchmarks.works.inputs import TASKS, exchange, names, remark, state
from benchmarks.works.work import Job

__all__ = ["append_lone", "append_many", "append_one_session", "fill", "save_many", "turn_many"]

_BULK = 500  # messages a call, where what is there before is written


async def append_many(job: Job) -> Measured:
    """Tasks side by side, each with a session of its own; each appends, waits, and appends again."""
    return await _append(job, names(TASKS))


async def append_one_session(job: Job) -> Measured:
    """The same, all in one session."""
    return await _append(job, names(1) * TASKS)


async def _append(job: Job, sessions: list[str]) -> Measured:
    async def task(session_id: str, remarks: list[list[Said]]) -> None:
        for said in remarks:
            job.ledger.stored(session_id, said, await job.contender.append(session_id, said))

    await job.contender.create(sorted(set(sessions)))
    remarks = [[remark(number, count) for count in range(job.operations)] for number in range(TASKS)]
    tasks = [task(*each) for each in zip(sessions, remarks, strict=True)]
    return await together(tasks, TASKS * job.operations)


async def turn_many(job: Job) -> Measured:
    """Tasks side by side, each with a session of its own; a turn is two messages and a new state."""

    async def task(number: int, session_id: str) -> None:
        for version, (said, new) in enumerate(turns[number], 1):
            seqs = await job.contender.turn(session_id, said, new, version)
            job.ledger.stored(session_id, said, seqs)
            job.ledger.saved(session_id, new, version + 1)

    sessions = names(TASKS)
    await job.contender.create(sessions)
    turns = [
        [(exchange(number, count), state(count)) for count in range(job.operations)] for number in range(TASKS)
    ]
    return await together([task(*each) for each in enumerate(sessions)], TASKS * job.operations)


async def save_many(job: Job) -> Measured:
    """Tasks side by side, each saves the state of a session of its own, again and again."""

    async def task(session_id: str) -> None:
        for version, new in enumerate(states, 1):
            await job.contender.save(session_id, new, version)
            job.ledger.saved(session_id, new, version + 1)

    sessions = names(TASKS)
    await job.contender.create(sessions)
    states = [state(count) for count in range(job.operations)]
    return await together([task(session_id) for session_id in sessions], TASKS * job.operations)


async def append_lone(job: Job) -> Measured:
    """One task, alone, appends to a session that has a history."""

    async def append(number: int) -> None:
        said = remarks[number]
        job.ledger.stored(session_id, said, await job.contender.append(session_id, said))

    [session_id] = names(1)
    await fill(job.contender, job.ledger, session_id, job.size)
    remarks = [remark(0, number) for number in range(job.operations)]
    return await one_by_one(append, job.operations)


async def fill(contender: Contender, ledger: Ledger, session_id: str, size: int) -> None:
    """Create a session with so many messages."""
    await contender.create([session_id])
    history = [remark(-1, number)[0] for number in range(size)]
    for start in range(0, size, _BULK):
        said = history[start : start + _BULK]
        ledger.stored(session_id, said, await contender.append(session_id, said))
