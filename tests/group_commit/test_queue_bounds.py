"""The queue is bounded; what does not fit waits outside, up to its deadline."""

import asyncio

import pytest
from tests.group_commit.conftest import append, appends, kinds, left_in, occupy, start, submit, turns

from holdfast import BackendTimeout, Backpressure, Limits, OutcomeUnknown
from holdfast.toolkit import Done


@pytest.fixture(params=[Limits(queue_items=3), Limits(queue_bytes=3)], ids=["items", "bytes"])
def queue(request, make_queue):
    """Three writes of one byte fit."""
    return make_queue(limits=request.param)


async def test_who_finds_no_place_before_his_deadline_is_told_to_slow_down(queue, store):
    first = await occupy(queue, store)
    tasks = start(queue, *appends(3))
    await turns()
    late = start(queue, append("late"), timeout=5)
    assert await kinds(late) == [Backpressure]
    store.gate.set()
    assert set(await kinds([first, *tasks])) == {Done}
    await submit(queue, append("next"))
    await asyncio.sleep(10)
    assert store.stored == ["first", "s0", "s1", "s2", "next"]
    assert left_in(queue) == []


async def test_who_had_a_place_but_was_not_sent_gets_a_time_out(queue, store):
    first = await occupy(queue, store)
    assert await kinds(start(queue, *appends(3), timeout=5)) == [BackendTimeout] * 3
    tasks = start(queue, *appends(3, "t"), timeout=6)
    await turns()
    assert (
        await kinds([*tasks, *start(queue, *appends(2, "u"), timeout=5)])
        == [BackendTimeout] * 3 + [Backpressure] * 2
    )
    store.gate.set()
    assert await kinds([first]) == [Done]
    await submit(queue, append("next"))
    await asyncio.sleep(10)
    assert store.stored == ["first", "next"]
    assert store.batches == [["first"], ["next"]]
    assert left_in(queue) == []


async def test_who_was_sent_does_not_know_and_his_turn_is_named(queue, store):
    store.gate.clear()
    [task] = start(queue, append("sent"), timeout=5)
    assert await kinds([task]) == [OutcomeUnknown]
    assert task.exception().turn_id == "sent"
    store.gate.set()
    await submit(queue, append("next"))
    assert store.stored == ["sent", "next"]


async def test_who_waited_and_then_found_a_place_is_no_longer_told_to_slow_down(queue, store):
    await occupy(queue, store)
    tasks = start(queue, *appends(3))
    await turns()
    late = start(queue, append("late"), timeout=5)
    await turns()
    tasks[0].cancel()
    assert await kinds(late) == [BackendTimeout]
    store.gate.set()
    assert await kinds(tasks[1:]) == [Done, Done]
    assert store.stored == ["first", "s1", "s2"]


async def test_who_waited_and_was_then_sent_does_not_know(queue, store):
    await occupy(queue, store)
    tasks = start(queue, *appends(3))
    await turns()
    late = start(queue, append("late"), timeout=5)
    await turns()
    store.before = lambda writes: store.gate.clear() if writes[0].turn_id == "late" else None
    store.gate.set()
    assert await kinds(late) == [OutcomeUnknown]
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}


async def test_the_patient_are_stored_in_their_order(queue, store):
    await occupy(queue, store)
    tasks = start(queue, *appends(20))
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert store.stored == ["first", *(f"s{number}" for number in range(20))]
    assert max(map(len, store.batches)) == 3


async def test_what_is_sent_leaves_its_place_to_others(queue, store):
    await occupy(queue, store)
    tasks = start(queue, *appends(3))
    await turns()
    store.before = lambda _: store.gate.clear()
    store.gate.set()
    await turns()
    assert store.batches[-1] == ["s0", "s1", "s2"]
    assert await kinds(start(queue, *appends(3, "t"), timeout=5)) == [BackendTimeout] * 3
    store.before = lambda _: None
    store.gate.set()
    await kinds(tasks)


@pytest.mark.parametrize("leaver", [3, 4, 5])
async def test_one_who_leaves_the_line_holds_up_nobody_behind_him(queue, store, leaver):
    await occupy(queue, store)
    tasks = start(queue, *appends(6))
    await turns()
    tasks[leaver].cancel()
    await turns()
    store.gate.set()
    assert set(await kinds([task for number, task in enumerate(tasks) if number != leaver])) == {Done}
    assert store.stored[1:] == [f"s{number}" for number in range(6) if number != leaver]
    assert left_in(queue) == []


async def test_one_larger_than_the_queue_is_admitted_when_it_is_empty(make_queue, store):
    queue = make_queue(limits=Limits(queue_bytes=3))
    await submit(queue, append("large", size=100))
    await occupy(queue, store)
    tasks = start(queue, append("small"), append("large again", size=100), append("small again"))
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert store.batches[2:] == [["small"], ["large again"], ["small again"]]


async def test_where_a_large_one_leaves_the_line_smaller_ones_go_in_at_once(make_queue, store):
    queue = make_queue(limits=Limits(queue_bytes=10))
    await occupy(queue, store)
    tasks = start(queue, append("1", size=5), append("large", size=9), append("2", size=5))
    await turns()
    tasks[1].cancel()
    await turns()
    store.gate.set()
    await kinds(tasks)
    assert store.batches[1:] == [["1", "2"]]
