"""Closing takes nothing new, flushes what is there, and names what it had to leave."""

import asyncio

import pytest
from tests.group_commit.conftest import append, appends, kinds, left_in, occupy, start, submit, turns

from holdfast import AdapterClosed, BackendTimeout, FlushIncomplete, Limits, OutcomeUnknown
from holdfast.toolkit import Done, Operation


def now():
    return asyncio.get_running_loop().time()


async def test_an_unused_queue_closes_at_once(queue):
    begun = now()
    await queue.aclose(5)
    await queue.aclose(5)
    assert now() == begun


async def test_what_waits_is_flushed(queue, store):
    first = await occupy(queue, store)
    tasks = start(queue, *appends(5))
    await turns()
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    assert not closing.done()
    store.gate.set()
    await closing
    assert store.stored == ["first", "s0", "s1", "s2", "s3", "s4"]
    assert set(await kinds([first, *tasks])) == {Done}


async def test_what_waits_for_a_place_is_flushed_too(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2))
    await occupy(queue, store)
    tasks = start(queue, *appends(7))
    await turns()
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    store.gate.set()
    await closing
    assert set(await kinds(tasks)) == {Done}


async def test_nothing_new_is_taken_from_its_beginning(queue, store):
    await occupy(queue, store)
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    running = Operation("commit")
    with pytest.raises(AdapterClosed):
        await queue.submit(append("late"), running)
    store.gate.set()
    await closing
    with pytest.raises(AdapterClosed):
        await submit(queue, append("later"))
    assert store.stored == ["first"]


async def test_what_it_cannot_flush_in_time_is_named(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2))
    first = await occupy(queue, store)
    tasks = start(queue, *[append(str(number), f"session {number}") for number in range(4)])
    await turns()
    begun = now()
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(5)
    assert now() - begun == pytest.approx(5)
    assert caught.value.session_ids == ("elsewhere", *(f"session {number}" for number in range(4)))
    assert await kinds([first]) == [OutcomeUnknown]
    assert first.exception().turn_id == "first"
    assert await kinds(tasks) == [AdapterClosed] * 4
    assert len({id(task.exception()) for task in tasks}) == 4
    store.gate.set()
    await asyncio.sleep(10)
    assert store.batches == [["first"]]
    assert left_in(queue) == []


async def test_what_was_flushed_in_time_is_not_named(queue, store):
    tasks = start(queue, append("1", "a"), append("2", "b")._replace(expected=0), append("3", "b"))
    store.before = lambda writes: store.gate.clear() if writes[0].turn_id == "3" else None
    await turns()
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(5)
    assert caught.value.session_ids == ("b",)
    assert await kinds(tasks) == [Done, Done, OutcomeUnknown]


async def test_who_was_sent_and_is_gone_is_named_for_it_is_not_known(queue, store):
    store.gate.clear()
    [task] = start(queue, append("1"), timeout=1)
    await kinds([task])
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(1)
    assert caught.value.session_ids == ("s",)


async def test_who_was_not_sent_and_is_gone_is_not_named(queue, store):
    first = await occupy(queue, store)
    tasks = start(queue, *appends(2))
    await turns()
    tasks[0].cancel()
    tasks[1].cancel()
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(1)
    assert caught.value.session_ids == ("elsewhere",)
    assert await kinds([first, *tasks]) == [OutcomeUnknown, asyncio.CancelledError, asyncio.CancelledError]


async def test_closing_again_after_that_has_nothing_left(queue, store):
    first = await occupy(queue, store)
    with pytest.raises(FlushIncomplete):
        await queue.aclose(1)
    assert await kinds([first]) == [OutcomeUnknown]
    begun = now()
    await queue.aclose(5)
    assert now() == begun


async def test_two_who_close_it_at_once(queue, store):
    await occupy(queue, store)
    closing = [asyncio.create_task(queue.aclose(5)) for _ in range(2)]
    await turns()
    store.gate.set()
    assert await asyncio.gather(*closing) == [None, None]


@pytest.mark.parametrize("parked", [False, True])
async def test_cancelled_while_it_closes_nobody_waits_for_ever(queue, store, parked):
    if parked:
        store.held = {"s"}
    else:
        store.gate.clear()
    tasks = start(queue, *appends(2))
    await turns()
    later = start(queue, append("later"))
    await turns()
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert closing.cancelled()
    begun = now()
    sent = AdapterClosed if parked else OutcomeUnknown
    assert await kinds([*tasks, *later]) == [sent, sent, AdapterClosed]
    assert now() == begun
    store.gate.set()
    store.held.clear()
    await asyncio.sleep(5)
    assert len(store.batches) == 1
    assert left_in(queue) == []


@pytest.mark.parametrize("point", range(12))
async def test_cancelled_at_any_turn(queue, store, point):
    store.delay = 3
    tasks = start(queue, append("1"), append("2")._replace(expected=0))
    await turns(2)
    closing = asyncio.create_task(queue.aclose(5))
    await turns(point)
    closing.cancel()
    begun = now()
    assert set(await kinds(tasks)) <= {Done, OutcomeUnknown, AdapterClosed}
    assert now() == begun
    for task, turn in zip(tasks, "12", strict=True):
        assert task.exception() or turn in store.stored
        assert not isinstance(task.exception(), AdapterClosed) or turn not in store.stored


async def test_an_error_of_each_kind_while_it_closes_reaches_its_caller(queue, store):
    await occupy(queue, store)
    store.script = {"s1": [ValueError("driver")] * 9}
    tasks = start(queue, *appends(3))
    await turns()
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    store.gate.set()
    await closing
    assert await kinds(tasks) == [Done, ValueError, Done]


async def test_where_the_last_one_leaves_as_it_gives_up_there_is_nothing_to_complain_of(queue, store):
    store.held = {"s"}
    [task] = start(queue, append("1"), timeout=5)
    closing = asyncio.create_task(queue.aclose(5))
    await turns()
    assert await kinds([task]) == [BackendTimeout]
    await closing
