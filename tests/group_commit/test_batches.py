"""What gathers while one flush is under way is the next one; no timer is waited for."""

import asyncio

import pytest
from tests.group_commit.conftest import append, appends, kinds, left_in, occupy, start, submit, turns

from holdfast.toolkit import Done


async def test_a_lone_write_is_sent_at_once(queue, store):
    before = asyncio.get_running_loop().time()
    done = await submit(queue, append("1"))
    assert type(done) is Done
    assert asyncio.get_running_loop().time() == before
    assert store.batches == [["1"]]
    assert left_in(queue) == []


async def test_what_arrives_during_a_flush_is_the_next_one(queue, store):
    first = await occupy(queue, store)
    tasks = start(queue, *appends(5, "a"), *appends(5, "b"))
    await turns()
    assert len(store.batches) == 1
    store.gate.set()
    assert set(await kinds([first, *tasks])) == {Done}
    assert [set(batch) for batch in store.batches] == [{"first"}, {f"{s}{n}" for s in "ab" for n in range(5)}]


async def test_what_arrives_during_that_one_is_the_one_after_it(queue, store):
    store.delay = 5
    tasks = start(queue, append("1"))
    await turns(2)
    tasks += start(queue, append("2"), append("3"))
    await turns(7)
    assert store.batches == [["1"], ["2", "3"]]
    tasks += start(queue, append("4"), append("5", "other"))
    assert set(await kinds(tasks)) == {Done}
    assert store.batches == [["1"], ["2", "3"], ["4", "5"]]


async def test_who_was_answered_and_writes_again_at_once_flies_with_those_who_gathered(queue, store):
    store.delay = 3

    async def writes_twice():
        await submit(queue, append("1"))
        await submit(queue, append("again"))

    task = asyncio.create_task(writes_twice())
    await turns(3)
    gathered = start(queue, append("2"), append("3"))
    await task
    await kinds(gathered)
    assert store.batches == [["1"], ["2", "3", "again"]]


@pytest.mark.parametrize("sessions", [1, 8, 64])
async def test_64_at_once_are_one_flush_and_at_most_one_more(queue, store, sessions):
    tasks = start(queue, *[append(str(number), f"s{number % sessions}") for number in range(64)])
    assert set(await kinds(tasks)) == {Done}
    assert len(store.batches) <= 2


async def test_nobody_is_answered_before_the_flush_is(queue, store):
    first = await occupy(queue, store)
    tasks = start(queue, *appends(3))
    await turns(50)
    assert not any(task.done() for task in (first, *tasks))
    store.gate.set()
    await turns(50)
    assert all(task.done() for task in (first, *tasks))


async def test_each_gets_the_outcome_of_his_own_write(queue, store):
    tasks = start(queue, *[append(str(number), f"s{number % 7}") for number in range(50)])
    await asyncio.gather(*tasks)
    assert [task.result().head.key.id for task in tasks] == [f"s{number % 7}" for number in range(50)]


async def test_the_flush_rests_and_starts_again(queue, store):
    for number in range(5):
        await submit(queue, append(str(number)))
        await turns()
        assert [task for task in asyncio.all_tasks() if task.get_name() == "holdfast-flush"] == []
    assert store.stored == list("01234")
