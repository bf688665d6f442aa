"""A caller who is cancelled at any turn of the loop: his write is stored at most once, and the queue goes on."""

import asyncio

import pytest
from tests.group_commit.conftest import BadValue, append, kinds, left_in, start, submit, turns

from holdfast import BackendTimeout, Limits, OutcomeUnknown
from holdfast.toolkit import Busy, Done

POINTS = range(14)


async def cancelled_after(task, count):
    """What he saw, who is cancelled after so many turns of the loop."""
    await turns(count)
    task.cancel()
    [kind] = await kinds([task])
    return kind


async def check_usable(queue, store):
    assert type(await submit(queue, append("next"))) is Done
    await turns()
    assert store.stored.count("next") == 1
    assert left_in(queue) == []
    await queue.aclose(1)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("delay", range(6))
async def test_a_lone_caller(queue, store, delay, point):
    store.delay = delay
    [task] = start(queue, append("mine"))
    kind = await cancelled_after(task, point)
    await check_usable(queue, store)
    assert kind in (Done, asyncio.CancelledError)
    assert store.stored.count("mine") == sum("mine" in batch for batch in store.batches) <= 1
    assert kind is not Done or "mine" in store.stored


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("delay", range(4))
async def test_one_of_three(queue, store, delay, point):
    store.delay = delay
    tasks = start(queue, append("before"), append("mine"), append("after"))
    kind = await cancelled_after(tasks[1], point)
    assert await kinds([tasks[0], tasks[2]]) == [Done, Done]
    await check_usable(queue, store)
    assert kind is not Done or "mine" in store.stored
    assert [turn for turn in store.stored if turn != "mine"] == ["before", "after", "next"]


@pytest.mark.parametrize("point", POINTS)
async def test_in_a_batch_that_is_split(queue, store, point):
    store.delay = 1
    store.script = {"bad": [BadValue()] * 9}
    tasks = start(queue, append("mine"), append("bad"), append("other"))
    kind = await cancelled_after(tasks[0], point)
    await kinds(tasks)
    await check_usable(queue, store)
    assert store.stored.count("mine") <= 1
    assert kind is not Done or "mine" in store.stored


@pytest.mark.parametrize("point", POINTS)
async def test_around_a_busy_answer(queue, store, point):
    store.script = {"mine": [Busy()]}
    tasks = start(queue, append("mine"), append("other"))
    kind = await cancelled_after(tasks[0], point)
    assert await kinds(tasks[1:]) == [Done]
    await check_usable(queue, store)
    assert store.stored.count("mine") <= 1
    assert kind is not Done or "mine" in store.stored


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("leaver", range(4))
async def test_in_a_queue_that_is_full(make_queue, store, leaver, point):
    queue = make_queue(limits=Limits(queue_items=1))
    store.delay = 1
    tasks = start(queue, *[append(str(number)) for number in range(4)])
    kind = await cancelled_after(tasks[leaver], point)
    others = [number for number in range(4) if number != leaver]
    assert set(await kinds([tasks[number] for number in others])) == {Done}
    await check_usable(queue, store)
    assert [turn for turn in store.stored if turn != str(leaver)] == [*map(str, others), "next"]
    assert kind is not Done or str(leaver) in store.stored


@pytest.mark.parametrize("point", range(30))
async def test_by_a_deadline_around_the_answer(queue, store, point):
    """The deadline and the answer come at much the same time; what the caller is told is true."""
    store.gate.clear()
    asyncio.get_running_loop().call_later(5, store.gate.set)
    store.delay = point % 6
    tasks = start(queue, append("first"), timeout=5 + point / 1e9)
    await turns()
    tasks += start(queue, append("second"), timeout=5 + point / 1e9)
    first, second = await kinds(tasks)
    await check_usable(queue, store)
    assert first in (Done, OutcomeUnknown)
    assert second in (Done, OutcomeUnknown, BackendTimeout)
    assert second is not Done or "second" in store.stored
    assert second is not BackendTimeout or "second" not in store.stored
