"""A flush that never answers is given up at its deadline, and what comes next is served."""

import asyncio

import pytest
from tests.group_commit.conftest import BadValue, append, appends, kinds, left_in, occupy, start, submit, turns

from holdfast import BackendUnavailable, OutcomeUnknown
from holdfast.toolkit import Done


def now():
    return asyncio.get_running_loop().time()


@pytest.fixture
def queue(make_queue, store):
    """The store answers nothing until its gate opens."""
    store.gate.clear()
    return make_queue(timeout=5)


async def test_its_callers_do_not_know_and_each_is_told_his_own_turn(queue, store):
    tasks = start(queue, *appends(3))
    begun = now()
    assert await kinds(tasks) == [OutcomeUnknown] * 3
    assert now() - begun == pytest.approx(5)
    assert [task.exception().turn_id for task in tasks] == ["s0", "s1", "s2"]
    assert len({id(task.exception()) for task in tasks}) == 3
    assert {type(task.exception().__cause__) for task in tasks} == {TimeoutError}


async def test_what_comes_next_is_served(queue, store):
    first = start(queue, append("first"))
    await turns()
    behind = start(queue, append("behind"))
    await kinds(first)
    store.gate.set()
    assert await kinds(behind) == [Done]
    assert type(await submit(queue, append("later"))) is Done
    assert store.stored == ["behind", "later"]
    assert left_in(queue) == []


async def test_each_flush_has_a_deadline_of_its_own(queue, store):
    begun = now()
    tasks = []
    for number in range(3):
        tasks += start(queue, append(str(number))._replace(expected=0))
    assert await kinds(tasks) == [OutcomeUnknown] * 3
    assert now() - begun == pytest.approx(15)
    assert store.batches == [["0"], ["1"], ["2"]]


async def test_where_all_its_callers_are_gone_it_is_given_up_too(queue, store):
    assert await kinds(start(queue, append("gone"), timeout=1)) == [OutcomeUnknown]
    await asyncio.sleep(1)
    patient = start(queue, append("patient"))
    await turns()
    assert store.batches == [["gone"]]
    await asyncio.sleep(4)
    store.gate.set()
    assert await kinds(patient) == [Done]
    assert store.stored == ["patient"]


async def test_the_store_is_cancelled_and_may_heal_its_connection(make_queue):
    seen = []

    async def flush(writes):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(1)  # it heals
            seen.append("healed")
            raise

    queue = make_queue(timeout=5)
    queue._flusher._flush = flush
    assert await kinds(start(queue, append("1"))) == [OutcomeUnknown]
    assert seen == ["healed"]


async def test_an_answer_that_comes_while_it_is_cancelled_counts(make_queue, store):
    async def flush(writes):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return [Done(None) for _ in writes]

    queue = make_queue(timeout=5)
    queue._flusher._flush = flush
    assert await kinds(start(queue, *appends(2))) == [Done, Done]


async def test_in_a_split_batch_the_half_that_was_not_sent_was_not_written(queue, store):
    store.gate.set()
    store.script = {"s1": [BadValue()] * 9}
    await occupy(queue, store)
    tasks = start(queue, *appends(4))
    await turns()
    store.before = lambda writes: store.gate.clear() if len(writes) == 2 else None
    store.gate.set()
    assert await kinds(tasks) == [OutcomeUnknown] * 2 + [BackendUnavailable] * 2
    assert len(store.batches) == 3
