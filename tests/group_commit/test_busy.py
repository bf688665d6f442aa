"""A session that somebody else holds delays no other one, and keeps its order."""

import asyncio

from tests.group_commit.conftest import append, appends, kinds, left_in, occupy, start, submit, turns

from holdfast import Limits, NotFound
from holdfast.toolkit import Busy, Done, Refused


def now():
    return asyncio.get_running_loop().time()


async def test_the_others_of_its_batch_are_answered_at_once(queue, store):
    store.held = {"s"}
    [held] = start(queue, append("held"))
    others = start(queue, *[append(str(number), f"o{number}") for number in range(63)])
    begun = now()
    assert set(await kinds(others)) == {Done}
    assert now() == begun
    store.held.clear()
    assert type(await held) is Done


async def test_what_comes_later_for_others_is_not_delayed(queue, store):
    store.held = {"s"}
    [held] = start(queue, append("held"))
    await turns()
    begun = now()
    for number in range(50):
        await submit(queue, append(str(number), "other"))
    assert now() == begun
    store.held.clear()
    assert type(await held) is Done


async def test_its_later_writes_queue_behind_it_and_are_not_sent_alone(queue, store):
    store.held = {"s"}
    tasks = start(queue, append("1"))
    await turns()
    tasks += start(queue, append("2"), append("3"))
    await turns(50)
    assert store.batches == [["1"]]
    store.held.clear()
    assert set(await kinds(tasks)) == {Done}
    assert store.stored == ["1", "2", "3"]
    assert store.batches == [["1"], ["1", "2", "3"]]


async def test_it_is_tried_again_and_again_at_a_decent_pace(queue, store):
    store.held = {"s"}
    [held] = start(queue, append("held"))
    await asyncio.sleep(10)
    assert 50 < len(store.batches) < 500
    store.held.clear()
    begun = now()
    assert type(await held) is Done
    assert now() - begun <= 0.1


async def test_its_new_writes_do_not_make_it_be_tried_more_often(queue, store):
    store.held = {"s"}
    held = []
    for number in range(200):
        held += start(queue, append(str(number)))
        await asyncio.sleep(0.005)
    assert len(store.batches) < 100
    store.held.clear()
    assert set(await kinds(held)) == {Done}
    assert store.stored == [str(number) for number in range(200)]


async def test_what_waits_for_it_keeps_nobody_out_of_the_queue(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=3, queue_bytes=300))
    store.held = {"s"}
    held = start(queue, append("s0"))
    await turns()
    for number in range(1, 20):  # more than the queue has room for
        held += start(queue, append(f"s{number}", size=90))
        await turns()
    begun = now()
    others = start(queue, *appends(3, "o", size=100))
    assert set(await kinds(others)) == {Done}
    assert now() == begun
    store.held.clear()
    assert set(await kinds(held)) == {Done}
    assert [turn for turn in store.stored if turn[0] == "s"] == [f"s{number}" for number in range(20)]
    await turns()
    assert left_in(queue) == []


async def test_what_was_gathered_behind_it_leaves_the_queue_too(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=4))
    store.held = {"s"}
    await occupy(queue, store, append("first"))
    held = start(queue, *appends(4))  # they fill the queue while the answer "busy" is on its way
    await turns()
    others = start(queue, *appends(4, "o"))
    await turns()
    begun = now()
    store.gate.set()
    assert set(await kinds(others)) == {Done}
    assert now() == begun
    store.held.clear()
    assert set(await kinds(held)) == {Done}


async def test_all_that_were_busy_at_once_come_again_together(queue, store):
    await occupy(queue, store)
    names = [f"h{number}" for number in range(20)]
    store.held = set(names)
    tasks = start(queue, *[append(name, name) for name in names])
    await turns()
    store.gate.set()
    await turns()
    assert len(store.batches) == 2
    store.held.clear()
    assert set(await kinds(tasks)) == {Done}
    assert [sorted(batch) for batch in store.batches[1:]] == [sorted(names)] * 2


async def test_a_state_write_behind_a_held_append_waits_its_turn(queue, store):
    store.held = {"s"}
    tasks = start(queue, append("1"), append("2")._replace(expected=1), append("3"))
    await turns()
    store.held.clear()
    assert set(await kinds(tasks)) == {Done}
    assert store.batches == [["1"], ["1"], ["2"], ["3"]]


async def test_it_may_be_refused_in_the_end(queue, store):
    store.script = {"1": [Busy(), Busy(), Refused(NotFound())]}
    assert await kinds(start(queue, append("1"), append("2"))) == [NotFound, Done]
    assert store.stored == ["2"]


async def test_two_sessions_that_are_held_for_different_times(queue, store):
    store.held = {"a", "b"}
    tasks = start(queue, append("a", "a"), append("b", "b"))
    await asyncio.sleep(1)
    store.held = {"b"}
    assert await kinds(tasks[:1]) == [Done]
    assert not tasks[1].done()
    store.held.clear()
    assert await kinds(tasks[1:]) == [Done]
    assert left_in(queue) == []


async def test_what_waited_for_it_comes_back_without_putting_others_off_to_a_later_flush(make_queue, store):
    queue = make_queue(limits=Limits(queue_items=3))
    store.held = {"s"}
    held = start(queue, append("s0"))
    await turns()
    held += start(queue, *appends(10)[1:])
    await turns()
    first = await occupy(queue, store)
    await asyncio.sleep(1)  # a try of the held session is due, and waits for the flush under way
    others = start(queue, append("other", "other"))
    await turns()
    before = len(store.batches)
    store.gate.set()
    assert await kinds([first, *others]) == [Done, Done]
    assert "other" in store.batches[before]
    store.held.clear()
    assert set(await kinds(held)) == {Done}
