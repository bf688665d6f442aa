"""All of it where tasks start eagerly: a flush may then be answered before its task is even known."""

import asyncio
import sys

import pytest
from tests.group_commit.conftest import (
    PATIENCE,
    BadValue,
    append,
    appends,
    kinds,
    left_in,
    occupy,
    start,
    submit,
    translate,
    turns,
)

from holdfast import InvalidArgument, Limits
from holdfast.toolkit import Busy, Done, GroupCommit, Head, SessionKey

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks start eagerly from 3.12 on")


@pytest.fixture(autouse=True)
async def eager(loop_errors):
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)


class PromptStore:
    """Answers without giving way to the loop even once."""

    def __init__(self) -> None:
        self.batches = []
        self.held = 0

    async def flush(self, writes):
        self.batches.append([each.turn_id for each in writes])
        self.held -= 1
        return [Busy() if self.held >= 0 else Done(Head(key=SessionKey(*w.ref, "k"))) for w in writes]


@pytest.fixture
def prompt():
    return PromptStore()


def prompt_queue(prompt, **options):
    return GroupCommit(prompt.flush, options.get("limits", Limits()), translate=translate)


async def test_a_lone_write(queue, store):
    assert type(await submit(queue, append("1"))) is Done
    assert type(await submit(queue, append("2"))) is Done
    await turns()
    assert store.batches == [["1"], ["2"]]
    assert left_in(queue) == []


async def test_64_at_once_are_one_flush_and_one_more(queue, store):
    store.delay = 1
    tasks = start(queue, *appends(64))
    assert set(await kinds(tasks)) == {Done}
    assert store.stored == [f"s{number}" for number in range(64)]
    assert len(store.batches) <= 2


@pytest.mark.parametrize("limits", [Limits(), Limits(queue_items=1)], ids=["room", "one"])
async def test_a_store_that_answers_at_once(prompt, limits):
    queue = prompt_queue(prompt, limits=limits)
    assert set(await kinds(start(queue, *appends(20)))) == {Done}
    assert [turn for batch in prompt.batches for turn in batch] == [f"s{number}" for number in range(20)]
    assert left_in(queue) == []
    await queue.aclose(1)


@pytest.mark.parametrize("tries", [1, 2, 5])
async def test_a_held_session_comes_again_with_all_that_waits_for_it(prompt, tries):
    queue = prompt_queue(prompt)
    prompt.held = tries
    tasks = start(queue, *appends(4))
    assert set(await kinds(tasks)) == {Done}
    assert prompt.batches[-1] == ["s0", "s1", "s2", "s3"]
    await turns()
    assert left_in(queue) == []


async def test_a_held_session_of_a_store_that_takes_its_time(queue, store):
    store.delay = 2
    store.held = {"s"}
    tasks = start(queue, *appends(4))
    await asyncio.sleep(1)
    store.held.clear()
    assert set(await kinds(tasks)) == {Done}
    assert store.stored == [f"s{number}" for number in range(4)]
    await turns()
    assert left_in(queue) == []


async def test_a_full_queue(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2))
    await occupy(queue, store)
    tasks = start(queue, *appends(9))
    tasks[3].cancel()
    tasks[0].cancel()
    store.gate.set()
    assert set(await kinds([task for n, task in enumerate(tasks) if n not in (0, 3)])) == {Done}
    assert store.stored[1:] == [f"s{number}" for number in range(9) if number not in (0, 3)]
    await turns()
    assert left_in(queue) == []


async def test_a_split_batch(queue, store):
    await occupy(queue, store)
    store.script = {"s2": [BadValue()] * 9}
    tasks = start(queue, *appends(4))
    store.gate.set()
    assert await kinds(tasks) == [Done, Done, InvalidArgument, Done]


@pytest.mark.parametrize("point", range(12))
@pytest.mark.parametrize("delay", range(4))
async def test_a_caller_who_is_cancelled_at_any_turn(queue, store, delay, point):
    store.delay = delay
    [task, other] = start(queue, append("mine"), append("other"))
    await turns(point)
    task.cancel()
    [kind] = await kinds([task])
    assert await kinds([other]) == [Done]
    assert type(await submit(queue, append("next"))) is Done
    await turns()
    assert store.stored.count("mine") <= 1
    assert kind is not Done or "mine" in store.stored
    assert left_in(queue) == []


@pytest.mark.parametrize("point", range(8))
async def test_the_flush_cancelled_by_a_stranger_at_any_turn(queue, store, point):
    store.delay = 3
    begun = asyncio.get_running_loop().time()
    tasks = start(queue, *appends(3))
    await turns(point)
    for task in asyncio.all_tasks():
        if task.get_name() == "holdfast-flush":
            task.cancel()
    await kinds(tasks)
    assert asyncio.get_running_loop().time() - begun < PATIENCE / 2
    assert type(await submit(queue, append("next"))) is Done
    await turns()
    assert left_in(queue) == []


async def test_closing(queue, store):
    await occupy(queue, store)
    tasks = start(queue, *appends(3))
    closing = asyncio.create_task(queue.aclose(5))
    store.gate.set()
    await closing
    assert set(await kinds(tasks)) == {Done}
