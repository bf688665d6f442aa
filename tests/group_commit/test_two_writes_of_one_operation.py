"""An operation that has stored something never says that nothing was written (a deletion has several writes)."""

import asyncio

import pytest
from tests.group_commit.conftest import BadValue, append, appends, kinds, occupy, start, translate, turns

from holdfast import InvalidArgument, Limits, OutcomeUnknown, SessionFenced
from holdfast.toolkit import Busy, Refused
from holdfast.toolkit.operation import operation


@pytest.fixture
def queue(make_queue):
    return make_queue(limits=Limits(queue_items=2))


def running():
    return operation("delete", timeout=5, translate=translate, observer=None)


async def test_whose_second_write_waits_in_the_queue(queue, store):
    with pytest.raises(OutcomeUnknown):
        async with running() as one:
            await queue.submit(append("1"), one)
            await occupy(queue, store)
            await queue.submit(append("2"), one)
    store.gate.set()


async def test_whose_second_write_waits_for_a_place(queue, store):
    with pytest.raises(OutcomeUnknown):
        async with running() as one:
            await queue.submit(append("1"), one)
            await occupy(queue, store)
            start(queue, *appends(2))
            await turns()
            await queue.submit(append("2"), one)
    store.gate.set()


async def test_whose_second_write_is_held(queue, store):
    store.script = {"2": [Busy()] * 1000}
    with pytest.raises(OutcomeUnknown):
        async with running() as one:
            await queue.submit(append("1"), one)
            await queue.submit(append("2"), one)


async def test_that_goes_on_after_its_second_write_was_refused(queue, store):
    store.script = {"2": [Refused(SessionFenced())]}
    with pytest.raises(OutcomeUnknown):
        async with running() as one:
            await queue.submit(append("1"), one)
            with pytest.raises(SessionFenced):
                await queue.submit(append("2"), one)
            raise BadValue


async def test_whose_second_write_was_in_a_batch_that_was_split(queue, store):
    with pytest.raises(OutcomeUnknown):
        async with running() as one:
            await queue.submit(append("1"), one)
            await occupy(queue, store)
            store.script = {"guilty": [BadValue()] * 9}
            guilty = start(queue, append("guilty"))
            await turns()
            store.before = lambda writes: store.gate.clear() if store.batches[-1] == ["guilty"] else None
            asyncio.get_running_loop().call_later(1, store.gate.set)
            await queue.submit(append("2"), one)
    store.gate.set()
    assert await kinds(guilty) == [InvalidArgument]
