"""A statement that is refused as a whole is split, until the write that is at fault is alone."""

import asyncio

import pytest
from tests.group_commit.conftest import (
    BadValue,
    DiskFull,
    append,
    appends,
    kinds,
    left_in,
    occupy,
    start,
    submit,
    turns,
)

from holdfast import BackendTimeout, InvalidArgument, StorageFull
from holdfast.toolkit import Done

MEANING = {DiskFull: StorageFull, BadValue: InvalidArgument, ValueError: ValueError}


@pytest.fixture(params=MEANING, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


async def batch_of(queue, store, guilty, count=64):
    """A batch in which these are at fault; its callers' errors, and how many flushes it took."""
    await occupy(queue, store)
    errors = {f"s{number}": error for number, error in guilty.items()}
    store.script = {turn: [error] * 20 for turn, error in errors.items()}
    tasks = start(queue, *appends(count))
    await turns()
    store.gate.set()
    await kinds(tasks)
    return [task.exception() for task in tasks], len(store.batches) - 1


@pytest.mark.parametrize("guilty", [0, 1, 31, 32, 63])
async def test_only_the_guilty_one_fails_and_the_rest_is_stored_in_order(queue, store, kind, guilty):
    errors, flushes = await batch_of(queue, store, {guilty: kind("driver")})
    assert [number for number, error in enumerate(errors) if error] == [guilty]
    assert type(errors[guilty]) is MEANING[kind]
    assert store.stored[1:] == [f"s{number}" for number in range(64) if number != guilty]
    assert flushes <= 1 + 2 * 6
    assert left_in(queue) == []


@pytest.mark.parametrize("guilty", [(0, 1), (0, 63), (31, 32), (10, 50)])
async def test_two_guilty_ones_each_get_their_own_error(queue, store, guilty):
    first, second = guilty
    errors, flushes = await batch_of(queue, store, {first: DiskFull("one"), second: BadValue("two")})
    assert [number for number, error in enumerate(errors) if error] == [first, second]
    assert [type(errors[first]), type(errors[second])] == [StorageFull, InvalidArgument]
    assert [errors[first].__cause__.args, errors[second].__cause__.args] == [("one",), ("two",)]
    assert store.stored[1:] == [f"s{number}" for number in range(64) if number not in guilty]
    assert flushes <= 1 + 4 * 6


async def test_an_error_of_ours_is_translated_from_the_drivers(queue, store, kind):
    driver = kind("driver")
    errors, _ = await batch_of(queue, store, {3: driver}, count=8)
    assert errors[3] is driver if kind is ValueError else errors[3].__cause__ is driver


async def test_all_are_guilty(queue, store):
    errors, flushes = await batch_of(queue, store, {number: DiskFull() for number in range(16)}, count=16)
    assert {type(error) for error in errors} == {StorageFull}
    assert len({id(error) for error in errors}) == 16
    assert store.stored == ["first"]
    assert flushes <= 2 * 16


async def test_one_alone_is_not_sent_again(queue, store, kind):
    store.script = {"1": [kind("driver")]}
    with pytest.raises(MEANING[kind]):
        await submit(queue, append("1"))
    assert store.batches == [["1"]]
    assert type(await submit(queue, append("2"))) is Done


async def halves(queue, store):
    """A batch of four of which the third is at fault; the first half is under way until the gate opens."""
    store.script = {"s2": [BadValue()] * 9}
    await occupy(queue, store)
    tasks = start(queue, *appends(4))
    await turns()
    store.before = lambda writes: store.gate.clear() if store.batches[-1] == ["s0", "s1"] else None
    store.gate.set()
    await turns()
    assert store.batches[1:] == [["s0", "s1", "s2", "s3"], ["s0", "s1"]]
    return tasks


async def test_a_caller_who_is_cancelled_between_the_halves_is_not_sent(queue, store):
    tasks = await halves(queue, store)
    tasks[3].cancel()
    store.gate.set()
    assert await kinds(tasks) == [Done, Done, InvalidArgument, asyncio.CancelledError]
    assert [batch for batch in store.batches[2:] if "s3" in batch] == []
    assert "s3" not in store.stored


async def test_where_all_of_the_second_half_is_cancelled_it_is_not_sent(queue, store):
    tasks = await halves(queue, store)
    tasks[2].cancel()
    tasks[3].cancel()
    store.gate.set()
    await kinds(tasks)
    await turns()
    assert store.batches[2:] == [["s0", "s1"]]


async def test_a_deadline_between_the_halves_says_that_nothing_was_written(queue, store):
    store.script = {"s2": [BadValue()] * 9}
    await occupy(queue, store)
    tasks = start(queue, *appends(3))
    late = start(queue, append("late"), timeout=5)
    await turns()
    store.before = lambda writes: store.gate.clear() if store.batches[-1] == ["s0", "s1"] else None
    store.gate.set()
    assert await kinds(late) == [BackendTimeout]
    store.gate.set()
    assert await kinds(tasks) == [Done, Done, InvalidArgument]
    assert [batch for batch in store.batches[2:] if "late" in batch] == []


async def test_what_comes_during_a_bisect_waits_for_its_end(queue, store):
    tasks = await halves(queue, store)
    tasks += start(queue, append("s4"))
    await turns()
    store.gate.set()
    assert await kinds(tasks) == [Done, Done, InvalidArgument, Done, Done]
    assert store.batches[-1] == ["s4"]
    assert store.stored == ["first", "s0", "s1", "s3", "s4"]
