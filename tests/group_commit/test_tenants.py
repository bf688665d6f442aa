"""No tenant fills the queue while another one waits."""

import asyncio

import pytest
from tests.group_commit.conftest import append, kinds, left_in, occupy, soon, start, submit, turns

from holdfast import Limits
from holdfast.toolkit import Done


def of(tenant, count, *, size=1, first=0):
    """Writes of a tenant, each of a session of its own."""
    numbers = range(first, first + count)
    return [append(f"{tenant}{n}", f"{n}", tenant=tenant, size=size) for n in numbers]


async def one_flush(store):
    """Let the flush that waits at the gate end, and the next one begin."""
    before = len(store.batches)
    store.before = lambda _: store.gate.clear()
    store.gate.set()
    await turns()
    assert len(store.batches) == before + 1
    return store.batches[-1]


def by(tenant, batch):
    return [turn for turn in batch if turn.startswith(tenant)]


@pytest.mark.parametrize("limits", [Limits(queue_items=8), Limits(queue_bytes=8)], ids=["items", "bytes"])
async def test_one_alone_may_fill_it(make_queue, store, limits):
    queue = make_queue(limits=limits)
    await occupy(queue, store)
    tasks = start(queue, *of("a", 20))
    await turns()
    assert len(await one_flush(store)) == 8
    assert len(await one_flush(store)) == 8
    store.before = lambda _: None
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}


@pytest.mark.parametrize("limits", [Limits(queue_items=8), Limits(queue_bytes=8)], ids=["items", "bytes"])
async def test_one_that_comes_later_finds_a_place_as_soon_as_one_is_free(make_queue, store, limits):
    queue = make_queue(limits=limits)
    await occupy(queue, store)
    tasks = start(queue, *of("a", 40))
    await turns()
    tasks += start(queue, *of("b", 5))
    await turns()
    assert by("b", await one_flush(store)) == []  # the eight that were there before it came
    seen = []
    while len(seen) < 5:
        batch = await one_flush(store)
        assert by("b", batch), "it must have something in every flush"
        seen += by("b", batch)
        assert len(by("a", batch)) <= 2 or len(seen) == 5, "at most a quarter of eight while the other one waits"
    assert seen == ["b0", "b1", "b2", "b3", "b4"]
    store.before = lambda _: None
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert by("a", [turn for batch in store.batches for turn in batch]) == [f"a{n}" for n in range(40)]
    await turns()
    assert left_in(queue) == []


async def test_many_tenants_take_turns(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=4))
    await occupy(queue, store)
    tasks = start(queue, *of("a", 20), *of("b", 3), *of("c", 3), *of("d", 3))
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    flat = [turn for batch in store.batches[2:] for turn in batch]
    for tenant in "bcd":
        assert by(tenant, flat) == [f"{tenant}{n}" for n in range(3)]
        assert max(flat.index(turn) for turn in by(tenant, flat)) < 13, flat


async def test_an_item_larger_than_the_share_is_admitted_to_an_empty_share(make_queue, store):
    queue = make_queue(limits=Limits(queue_bytes=100))
    await occupy(queue, store)
    tasks = start(queue, *of("a", 10, size=20))
    tasks += start(queue, *of("b", 1, size=60), *of("c", 1, size=30))
    await turns()
    await one_flush(store)
    batch = await one_flush(store)
    assert by("b", batch) == ["b0"]
    store.before = lambda _: None
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}


async def test_an_item_as_large_as_the_queue_is_not_passed_by_smaller_ones_for_ever(make_queue, store):
    queue = make_queue(limits=Limits(queue_bytes=100))
    store.delay = 2
    stop = False

    async def chatter(name):
        number = 0
        while not stop:
            await submit(queue, append(f"{name}-{number}", name, tenant=name[0], size=30))
            number += 1

    chatters = [asyncio.create_task(chatter(f"{tenant}{n}")) for tenant in "ab" for n in range(5)]
    await turns(20)
    before = len(store.batches)
    [large] = start(queue, append("large", "l", tenant="b", size=100))
    try:
        assert type(await soon(large)) is Done
        assert len(store.batches) - before <= 12
    finally:
        stop = True
    await asyncio.gather(*chatters)
    await turns()
    assert left_in(queue) == []


async def test_nor_where_the_queue_never_gets_empty(make_queue, store):
    """Small changes of one session leave the queue one by one, and there is always another one that would fit."""
    queue = make_queue(limits=Limits(queue_bytes=100))
    store.delay = 2
    stop = False

    async def chatter(name):
        number = 0
        while not stop:
            await submit(queue, append(f"{name}-{number}", "a", tenant="a", size=10)._replace(expected=1))
            number += 1

    chatters = [asyncio.create_task(chatter(f"a{n}")) for n in range(8)]
    await turns(20)
    before = len(store.batches)
    [large] = start(queue, append("large", "l", tenant="b", size=95))
    try:
        assert type(await soon(large)) is Done
        assert len(store.batches) - before <= 12
    finally:
        stop = True
    await asyncio.gather(*chatters)


async def test_where_one_leaves_the_line_the_next_tenant_is_served(make_queue, store):
    queue = make_queue(limits=Limits(queue_bytes=10))
    await occupy(queue, store, append("first", tenant="a", size=1))
    tasks = start(queue, *of("a", 5), *of("b", 1, size=9), *of("c", 2))
    await turns()
    tasks[5].cancel()  # the large one, which had the next turn
    await turns()
    assert sorted(await one_flush(store)) == [*(f"a{n}" for n in range(5)), "c0", "c1"]
    store.gate.set()
    await kinds(tasks)
    await turns()
    assert left_in(queue) == []
