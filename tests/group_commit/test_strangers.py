"""Somebody cancels the flush's own task: nobody waits for ever, nobody is told a lie, and it can be used again."""

import asyncio

import pytest
from tests.group_commit.conftest import BadValue, append, appends, kinds, left_in, occupy, start, submit, turns

from holdfast import BackendUnavailable, Limits, OutcomeUnknown
from holdfast.toolkit import Done

POINTS = range(10)
PATIENCE = 60.0


def flush_task():
    return next((task for task in asyncio.all_tasks() if task.get_name() == "holdfast-flush"), None)


async def check(queue, store, tasks):
    """All were answered before their deadlines, truly, and the next write is stored."""
    begun = asyncio.get_running_loop().time()
    found = await kinds(tasks)
    assert asyncio.get_running_loop().time() - begun < PATIENCE / 2
    assert set(found) <= {Done, OutcomeUnknown, BackendUnavailable, asyncio.CancelledError}
    for kind, turn in zip(found, (f"s{number}" for number in range(len(tasks))), strict=True):
        assert kind is not Done or store.stored.count(turn) == 1
        assert kind is not BackendUnavailable or turn not in store.stored
    await turns()
    assert left_in(queue) == []
    assert type(await submit(queue, append("next"))) is Done


@pytest.mark.parametrize("point", range(14))
@pytest.mark.parametrize("delay", range(4))
@pytest.mark.parametrize("change", [{}, {"expected": 0}], ids=["one flush", "three flushes"])
async def test_at_any_turn(queue, store, delay, point, change):
    store.delay = delay
    tasks = start(queue, *[each._replace(**change) for each in appends(3)])
    await turns(point)
    if task := flush_task():
        task.cancel()
    await check(queue, store, tasks)


async def test_before_it_took_its_first_step(queue, store):
    tasks = start(queue, *appends(2))
    while not (task := flush_task()):
        await turns(1)
    assert store.batches == []
    task.cancel()
    await check(queue, store, tasks)


async def test_what_was_sent_is_unknown_and_what_was_not_is_not_written(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2))
    store.gate.clear()
    tasks = start(queue, append("s0"))
    await turns()
    tasks += start(queue, append("s1"), append("s2"), append("s3"))
    await turns()
    flush_task().cancel()
    assert await kinds(tasks) == [OutcomeUnknown] + [BackendUnavailable] * 3
    assert tasks[0].exception().turn_id == "s0"
    store.gate.set()
    await check(queue, store, tasks)


async def test_in_a_bisect(queue, store):
    await occupy(queue, store)
    store.script = {"s3": [BadValue()] * 9}
    tasks = start(queue, *appends(4))
    await turns()
    store.before = lambda writes: store.gate.clear() if len(writes) == 2 else None
    store.gate.set()
    await turns()
    flush_task().cancel()
    assert await kinds(tasks) == [OutcomeUnknown] * 2 + [BackendUnavailable] * 2
    store.gate.set()
    await check(queue, store, tasks)


async def test_while_another_session_is_left_alone(queue, store):
    store.held = {"held"}
    held = start(queue, append("held", "held"))
    await turns()
    store.gate.clear()
    tasks = start(queue, append("s0"))
    await turns()
    flush_task().cancel()
    await turns()
    store.gate.set()
    store.held.clear()
    await check(queue, store, tasks)
    again = start(queue, append("1", "held"), append("2", "held"))
    assert await kinds(again) == [Done, Done]
    await asyncio.sleep(5)
    assert await kinds(held) == [BackendUnavailable]
    assert "held" not in store.stored
    assert left_in(queue) == []


@pytest.mark.parametrize("flush_first", [True, False])
@pytest.mark.parametrize("point", POINTS)
async def test_all_tasks_are_cancelled(make_queue, store, point, flush_first):
    """As ``asyncio.run`` does in the end, in any order; one sent, two in the queue, two outside."""
    queue = make_queue(limits=Limits(queue_items=2))
    store.delay = 3
    tasks = start(queue, append("s0"))
    await turns(2)
    tasks += start(queue, *appends(5)[1:])
    await turns(point)
    flush = [task for task in [flush_task()] if task]
    for task in [*flush, *tasks] if flush_first else [*tasks, *flush]:
        task.cancel()
    await check(queue, store, tasks)
    assert {type(answer) for answer in await asyncio.gather(*tasks, return_exceptions=True)} <= {
        asyncio.CancelledError,
        Done,
    }


async def test_a_caller_leaves_at_the_turn_in_which_the_closing_gives_up(queue, store):
    first = await occupy(queue, store)
    tasks = start(queue, *appends(2))
    await turns()
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    closing.cancel()
    tasks[0].cancel()
    tasks[1].cancel()
    assert await kinds([first, *tasks]) == [OutcomeUnknown, asyncio.CancelledError, asyncio.CancelledError]
