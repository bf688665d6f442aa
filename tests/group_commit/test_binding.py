"""A queue belongs to one event loop of one process."""

import asyncio
import threading

import pytest
from tests.group_commit.conftest import append, kinds, occupy, start, submit

from holdfast import WrongEventLoop, WrongProcess
from holdfast.toolkit import Done, Operation
from holdfast_contract_tests.forking import raised_in_a_fork


def in_another_loop(call):
    """What it raises there."""
    caught = []

    async def run():
        try:
            await call()
        except Exception as error:  # noqa: BLE001 - it is looked at outside
            caught.append(type(error))

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    return caught


async def test_another_loop_is_refused(queue, store):
    await submit(queue, append("1"))
    assert in_another_loop(lambda: queue.submit(append("2"), Operation("commit"))) == [WrongEventLoop]
    await submit(queue, append("3"))
    assert store.stored == ["1", "3"]


async def test_another_loop_is_refused_while_a_flush_is_under_way(queue, store):
    first = await occupy(queue, store)
    assert in_another_loop(lambda: queue.submit(append("2"), Operation("commit"))) == [WrongEventLoop]
    store.gate.set()
    assert await kinds([first]) == [Done]
    assert store.stored == ["first"]


async def test_it_belongs_to_the_loop_of_its_first_write_not_of_its_making(make_queue, store):
    queue = make_queue()
    assert in_another_loop(lambda: queue.submit(append("1"), Operation("commit"))) == []
    with pytest.raises(WrongEventLoop):
        await submit(queue, append("2"))
    assert store.stored == ["1"]


@pytest.mark.parametrize("busy", [False, True])
async def test_another_process_is_refused(queue, store, busy):
    await submit(queue, append("1"))
    if busy:
        tasks = [await occupy(queue, store), *start(queue, append("2"))]
    assert raised_in_a_fork(lambda: queue.submit(append("3"), Operation("commit"))) == WrongProcess.__name__
    if busy:
        store.gate.set()
        assert await kinds(tasks) == [Done, Done]
    await submit(queue, append("4"))
    assert "3" not in store.stored
