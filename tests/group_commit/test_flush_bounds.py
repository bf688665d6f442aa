"""How much one flush carries: 256 writes, or 4 MiB; a larger write flies alone."""

import pytest
from tests.group_commit.conftest import append, kinds, occupy, start, turns

from holdfast import Limits
from holdfast.toolkit import Done

MIB = 2**20


@pytest.fixture
def queue(make_queue):
    return make_queue(limits=Limits(queue_items=5000, queue_bytes=200 * MIB))


async def cut(queue, store, *writes):
    """The flushes of these, which gather behind another one."""
    await occupy(queue, store)
    tasks = start(queue, *writes)
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    return store.batches[1:]


def sized(*sizes, session=None):
    return [append(str(n), session or str(n), size=size) for n, size in enumerate(sizes)]


@pytest.mark.parametrize("sessions", [1, 3, 600])
async def test_at_most_256_writes(queue, store, sessions):
    writes = [append(str(n), f"s{n % sessions}") for n in range(600)]
    assert [len(batch) for batch in await cut(queue, store, *writes)] == [256, 256, 88]


async def test_exactly_256_are_one(queue, store):
    assert [len(batch) for batch in await cut(queue, store, *sized(*[1] * 256))] == [256]


async def test_exactly_4_mib_are_one(queue, store):
    assert await cut(queue, store, *sized(*[MIB] * 4)) == [["0", "1", "2", "3"]]


async def test_a_byte_more_is_two(queue, store):
    assert await cut(queue, store, *sized(MIB, MIB, MIB, MIB + 1)) == [["0", "1", "2"], ["3"]]


async def test_4_mib_and_nothing_are_one(queue, store):
    assert await cut(queue, store, *sized(4 * MIB, 0, 0)) == [["0", "1", "2"]]


@pytest.mark.parametrize("session", [None, "s"], ids=["many sessions", "one session"])
@pytest.mark.parametrize("size", [4 * MIB + 1, 8 * MIB, 100 * MIB])
async def test_a_larger_one_flies_alone(queue, store, session, size):
    batches = await cut(queue, store, *sized(1, 1, size, 1, 1, session=session))
    assert batches == [["0", "1"], ["2"], ["3", "4"]]


async def test_a_larger_one_is_first_in_the_flush_after(queue, store):
    batches = await cut(queue, store, *sized(1, 5 * MIB, 5 * MIB, 1, 1))
    assert batches == [["0"], ["1"], ["2"], ["3", "4"]]


async def test_one_after_another_of_the_largest(queue, store):
    batches = await cut(queue, store, *sized(*[8 * MIB] * 5, session="s"))
    assert batches == [[str(n)] for n in range(5)]


async def test_what_is_withdrawn_takes_no_room(queue, store):
    await occupy(queue, store)
    tasks = start(queue, *sized(3 * MIB, 3 * MIB, MIB))
    await turns()
    tasks[1].cancel()
    await turns()
    store.gate.set()
    await kinds(tasks)
    assert store.batches[1:] == [["0", "2"]]
