"""Nothing of a caller is in the flush: not his context, not his group of tasks."""

import asyncio
import contextvars

import pytest
from tests.group_commit.conftest import append, appends, kinds, occupy, start, submit, turns

from holdfast import Limits
from holdfast.toolkit import Done

SPAN = contextvars.ContextVar("span", default="none")


@pytest.fixture
def spans(store):
    """What each flush sees of its callers' contexts."""
    seen = []
    store.before = lambda _: seen.append((SPAN.get(), len(contextvars.copy_context())))
    return seen


def start_as(name, queue, *writes):
    """Callers whose context says so."""
    token = SPAN.set(name)
    try:
        return start(queue, *writes)
    finally:
        SPAN.reset(token)


async def test_of_a_lone_caller(queue, spans):
    assert await kinds(start_as("caller's", queue, append("1"))) == [Done]
    assert spans == [("none", 0)]


async def test_of_many_over_many_flushes(queue, store, spans):
    store.delay = 3
    tasks = []
    for number in range(20):
        tasks += start_as(f"span {number}", queue, append(str(number)))
        await turns(number % 3)
    assert set(await kinds(tasks)) == {Done}
    assert set(spans) == {("none", 0)}


async def test_after_a_held_session_resumed(queue, store, spans):
    store.held = {"s"}
    tasks = start_as("one", queue, append("1"))
    await turns()
    tasks += start_as("two", queue, append("2"))
    await asyncio.sleep(1)
    store.held.clear()
    assert set(await kinds(tasks)) == {Done}
    assert set(spans) == {("none", 0)}


async def test_after_one_who_left_made_room(make_queue, store, spans):
    queue = make_queue(limits=Limits(queue_items=1))
    await occupy(queue, store)
    tasks = start_as("one", queue, *appends(3))
    await turns()
    tasks[0].cancel()
    await turns()
    store.gate.set()
    assert await kinds(tasks[1:]) == [Done, Done]
    assert set(spans) == {("none", 0)}


async def test_a_group_that_fails_does_not_cancel_the_flush(queue, store):
    store.gate.clear()

    async def fails():
        await turns(5)
        raise ZeroDivisionError

    other = []
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            mine = group.create_task(submit(queue, append("mine")))
            await turns(2)
            other += start(queue, append("other"))
            group.create_task(fails())
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]
    assert mine.cancelled()
    store.gate.set()
    assert await kinds(other) == [Done]
    assert store.stored == ["mine", "other"]


async def test_a_group_does_not_wait_for_the_flush_of_others(queue, store):
    async with asyncio.TaskGroup() as group:
        await group.create_task(submit(queue, append("mine")))
        store.gate.clear()
        other = start(queue, append("other"))
        await turns()
    assert not other[0].done()
    store.gate.set()
    assert await kinds(other) == [Done]


async def test_a_deadline_of_the_callers_own_does_not_cancel_the_flush(queue, store):
    store.gate.clear()
    other = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            other += start(queue, append("other", "other"))
            await submit(queue, append("mine"))
    store.gate.set()
    assert await kinds(other) == [Done]
    assert sorted(store.stored) == ["mine", "other"]
