"""A queue belongs to one event loop of one process."""

import asyncio
import os
import threading
import warnings

import pytest
from tests.group_commit.conftest import append, kinds, occupy, start, submit

from holdfast import WrongEventLoop, WrongProcess
from holdfast.toolkit import Done, Operation


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
    receive, send = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
        child = os.fork()
    if not child:
        answer = None
        try:
            queue.submit(append("3"), Operation("commit")).send(None)
        except BaseException as error:  # noqa: BLE001 - it is looked at in the parent
            answer = type(error).__name__
        finally:
            os.write(send, repr(answer).encode())
            os._exit(0)
    os.close(send)
    os.waitpid(child, 0)
    with os.fdopen(receive) as told:
        assert told.read() == repr(WrongProcess.__name__)
    if busy:
        store.gate.set()
        assert await kinds(tasks) == [Done, Done]
    await submit(queue, append("4"))
    assert "3" not in store.stored
