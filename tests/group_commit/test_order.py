"""Of one session, what was submitted first is stored first."""

import asyncio

import pytest
from tests.group_commit.conftest import BadValue, append, appends, kinds, occupy, start, submit, turns

from holdfast import InvalidArgument, Limits
from holdfast.toolkit import Busy, Done

MIB = 2**20


async def test_writes_are_stored_in_the_order_of_submission(queue, store):
    await asyncio.gather(*[submit(queue, each) for each in appends(20)])
    assert store.stored == [f"s{number}" for number in range(20)]


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 7])
async def test_over_many_flushes(queue, store, delay):
    store.delay = delay
    tasks = []
    for number in range(30):
        tasks += start(queue, append(str(number)))
        await turns(number % 4)
    assert set(await kinds(tasks)) == {Done}
    assert store.stored == [str(number) for number in range(30)]
    assert len(store.batches) > 1


@pytest.mark.parametrize("size", [MIB, 3 * MIB, 5 * MIB])
async def test_where_the_bytes_of_a_flush_split_them(queue, store, size):
    writes = [append(str(number), size=size if number % 3 else 1) for number in range(9)]
    await asyncio.gather(*[submit(queue, each) for each in writes])
    assert store.stored == [each.turn_id for each in writes]
    assert len(store.batches) > 1


@pytest.mark.parametrize("guilty", range(8))
async def test_where_a_refused_statement_is_split(queue, store, guilty):
    await occupy(queue, store)
    store.script[f"s{guilty}"] = [BadValue()] * 8
    tasks = start(queue, *appends(8))
    await turns()
    store.gate.set()
    await turns(5)
    tasks += start(queue, append("later"))
    wanted = [InvalidArgument if number == guilty else Done for number in range(8)]
    assert await kinds(tasks) == [*wanted, Done]
    assert store.stored == ["first", *(f"s{n}" for n in range(8) if n != guilty), "later"]


async def test_where_the_session_is_held_for_a_while(queue, store):
    store.held = {"s"}
    tasks = start(queue, *appends(4))
    await turns()
    tasks += start(queue, *appends(8)[4:6])
    await asyncio.sleep(0.05)
    store.gate.clear()
    await asyncio.sleep(1)  # a try is under way, and these come behind it
    tasks += start(queue, *appends(8)[6:])
    await turns()
    store.held.clear()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert store.stored == [f"s{number}" for number in range(8)]


async def test_where_the_session_is_held_in_the_first_half_of_a_split_batch(queue, store):
    await occupy(queue, store)
    held = [append("1", "held"), append("2", "held")]
    store.script = {"bad": [BadValue()] * 9, "1": [Busy(), Busy()]}
    tasks = start(queue, held[0], append("x", "x"), held[1], append("bad", "bad"))
    await turns()
    store.gate.set()
    assert await kinds(tasks) == [Done, Done, Done, InvalidArgument]
    assert [turn for turn in store.stored if turn in "12"] == ["1", "2"]


@pytest.mark.parametrize("withdrawn", [[0], [3], [9], [0, 1, 2], [2, 5, 8], [7, 8, 9]])
async def test_where_some_between_are_withdrawn(queue, store, withdrawn):
    await occupy(queue, store)
    tasks = start(queue, *appends(10))
    await turns()
    for number in withdrawn:
        tasks[number].cancel()
    await turns()
    store.gate.set()
    wanted = [asyncio.CancelledError if number in withdrawn else Done for number in range(10)]
    assert await kinds(tasks) == wanted
    assert store.stored == ["first", *(f"s{n}" for n in range(10) if n not in withdrawn)]


async def test_one_that_waits_for_a_place_is_not_passed_by_a_later_one(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2))
    await occupy(queue, store)
    tasks = start(queue, *appends(6))
    await turns()
    tasks[0].cancel()  # a place is free, and "s2" is the next to have it
    tasks += start(queue, append("late"))
    await turns()
    store.gate.set()
    assert set(await kinds(tasks[1:])) == {Done}
    assert store.stored == ["first", "s1", "s2", "s3", "s4", "s5", "late"]
