"""Sessions take turns: within a flush, and from flush to flush."""

import asyncio

from tests.group_commit.conftest import append, appends, kinds, occupy, soon, start, submit, turns

from holdfast import Limits
from holdfast.toolkit import Done

MIB = 2**20


async def cut(queue, store, *writes):
    """The flushes of these, which gather behind another one."""
    await occupy(queue, store)
    tasks = start(queue, *writes)
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    return store.batches[1:]


async def test_one_write_does_not_wait_for_the_thousand_of_another_session(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2000))
    batches = await cut(queue, store, *appends(1000, "busy"), append("one", "other"))
    assert "one" in batches[0]
    assert batches[0].index("one") <= 1
    assert [len(batch) for batch in batches] == [256, 256, 256, 233]


async def test_nor_if_it_comes_while_they_are_written(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2000))
    store.delay = 5
    many = start(queue, *appends(1000, "busy"))
    while len(store.batches) < 2:
        await turns(1)
    await submit(queue, append("one", "other"))
    assert "one" in store.batches[2]
    assert set(await kinds(many)) == {Done}


async def test_sessions_take_turns_within_a_flush(queue, store):
    [batch] = await cut(queue, store, *appends(3, "a"), *appends(1, "b"), *appends(2, "c"))
    assert batch == ["a0", "b0", "c0", "a1", "c1", "a2"]


async def test_a_flush_begins_with_those_whose_turn_it_is(queue, store):
    writes = [write for name in "abc" for write in appends(4, name, size=MIB)]
    assert await cut(queue, store, *writes) == [
        ["a0", "b0", "c0", "a1"],
        ["b1", "c1", "a2", "b2"],
        ["c2", "a3", "b3", "c3"],
    ]


async def test_more_sessions_than_a_flush_holds(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2000))
    writes = [append(f"{name}-{number}", str(name)) for name in range(300) for number in range(2)]
    batches = await cut(queue, store, *writes)
    firsts = [f"{name}-0" for name in range(300)]
    seconds = [f"{name}-1" for name in range(300)]
    assert [len(batch) for batch in batches] == [256, 256, 88]
    assert [turn for batch in batches for turn in batch] == [*firsts, *seconds]


async def test_a_session_of_state_writes_has_one_in_every_flush(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=2000))
    changes = [write._replace(expected=1) for write in appends(3, "state")]
    batches = await cut(queue, store, *appends(700, "busy"), *changes)
    assert [[turn for turn in batch if turn[:5] == "state"] for batch in batches] == [
        ["state0"],
        ["state1"],
        ["state2"],
    ]


async def test_a_session_that_goes_on_writing_does_not_starve_another(queue, store):
    store.delay = 3
    stop = False

    async def chatter():
        number = 0
        while not stop:
            await asyncio.gather(*[submit(queue, append(f"c{number + n}", "chatter")) for n in range(300)])
            number += 300

    task = asyncio.create_task(chatter())
    await turns(20)
    try:
        for number in range(5):
            before = len(store.batches)
            await soon(*start(queue, append(str(number), "other")))
            assert str(number) in store.batches[before]
    finally:
        stop = True
    await task


async def test_a_held_session_loses_its_turn_but_no_more(queue, store):
    store.held = {"b"}
    await occupy(queue, store)
    tasks = start(queue, *[write for name in "abc" for write in appends(2, name)])
    await turns()
    store.gate.set()
    await turns()
    assert store.batches[1:] == [["a0", "b0", "c0", "a1", "b1", "c1"]]
    store.held.clear()
    assert set(await kinds(tasks)) == {Done}
    assert store.batches[2:] == [["b0", "b1"]]
