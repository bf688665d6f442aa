"""The same turn twice at once: it is stored once, and each caller has his answer whatever the other one does."""

import asyncio

import pytest
from tests.group_commit.conftest import append, kinds, left_in, start, translate, turns

from holdfast import Limits
from holdfast.toolkit import Done, GroupCommit, Span, StateChange
from holdfast_memory._store import MemoryStore

STATE = StateChange(None, None, None, "active", None, None, None, b"state", "{}")


class CountingStore(MemoryStore):
    """Knows who sent what, and waits at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def flush(self, writes):
        self.batches.append([each.turn_id for each in writes])
        await self.gate.wait()
        return await super().flush(writes)


@pytest.fixture
async def memory():
    return CountingStore()


@pytest.fixture
async def queue(memory):
    """Its session is there, and a flush is under way until the gate opens."""
    queue = GroupCommit(memory.flush, Limits(), translate=translate)
    create = append("create")._replace(create="key", expected=0, state=STATE)
    assert await kinds(start(queue, create)) == [Done]
    memory.gate.clear()
    return queue


TURN = append("turn", ids=["a", "b"])
SAVE = TURN._replace(rows=(), state=STATE, expected=1)
BOTH = TURN._replace(state=STATE, expected=1)


@pytest.fixture(params=[TURN, SAVE, BOTH], ids=["append", "save", "both"])
def write(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["gathered", "one_sent"])
async def blocker(request, queue):
    """Perhaps another flush is under way, so that both gather behind it."""
    blockers = [] if request.param else start(queue, append("blocker"))
    await turns()
    return blockers


async def stored(memory):
    head = memory._heads[TURN.ref]
    rows = await memory.rows(head.key, Span())
    return [row.id for row in rows if row.turn_id == "turn"], head.version


def in_one_flush(memory):
    return [batch for batch in memory.batches if batch.count("turn") > 1]


@pytest.mark.usefixtures("blocker")
async def test_both_are_answered_and_it_is_stored_once(queue, memory, write):
    tasks = start(queue, write)
    await turns()
    tasks += start(queue, write)
    await turns()
    memory.gate.set()
    assert await kinds(tasks) == [Done, Done]
    assert [task.result().replayed for task in tasks] == [False, True]
    assert tasks[0].result().seqs == tasks[1].result().seqs
    assert await stored(memory) == (["a", "b"] if write.rows else [], 2 if write.state else 1)
    assert in_one_flush(memory) == []


@pytest.mark.parametrize("leaver", [0, 1])
@pytest.mark.parametrize("pause", range(6))
@pytest.mark.usefixtures("blocker")
async def test_one_goes_away_and_the_other_is_answered(queue, memory, write, leaver, pause):
    tasks = start(queue, write, write)
    await turns()
    if pause:
        memory.gate.set()
        await turns(pause - 1)
    tasks[leaver].cancel()
    memory.gate.set()
    done = (await asyncio.gather(*tasks, return_exceptions=True))[1 - leaver]
    assert type(done) is Done
    assert await stored(memory) == (["a", "b"] if write.rows else [], 2 if write.state else 1)
    assert in_one_flush(memory) == []
    await turns()
    assert left_in(queue) == []


async def test_many_at_once(queue, memory):
    tasks = start(queue, *[TURN] * 20)
    await turns()
    for task in tasks[::3]:
        task.cancel()
    memory.gate.set()
    assert set(await kinds([task for number, task in enumerate(tasks) if number % 3])) == {Done}
    assert (await stored(memory))[0] == ["a", "b"]
    assert in_one_flush(memory) == []
