"""Who waits for a held session may give up, by a deadline, a cancellation or because it is closed."""

import asyncio

import pytest
from tests.group_commit.conftest import append, appends, kinds, left_in, start, submit, turns

from holdfast import AdapterClosed, BackendTimeout, FlushIncomplete, OutcomeUnknown
from holdfast.toolkit import Done


@pytest.fixture
async def held(queue, store):
    """Three writes of a session that somebody else holds."""
    store.held = {"s"}
    tasks = start(queue, *appends(3), timeout=5)
    await turns()
    assert store.batches == [["s0", "s1", "s2"]]
    return tasks


def now():
    return asyncio.get_running_loop().time()


async def test_at_its_deadline_nothing_was_written(queue, store, held):
    assert set(await kinds(held)) == {BackendTimeout}
    assert "locked" in str(held[0].exception())
    sent = len(store.batches)
    assert sent > 10
    store.held.clear()
    await submit(queue, append("next"))
    await asyncio.sleep(1)
    assert store.stored == ["next"]
    assert store.batches[sent:] == [["next"]]
    assert left_in(queue) == []


async def test_one_that_was_queued_behind_it_gets_the_same(queue, store, held):
    assert await kinds(start(queue, append("behind"), timeout=1)) == [BackendTimeout]
    store.held.clear()
    assert set(await kinds(held)) == {Done}
    assert store.stored == ["s0", "s1", "s2"]


async def test_a_try_that_is_under_way_at_the_deadline_may_succeed(queue, store, held):
    store.before = lambda _: store.gate.clear()
    assert set(await kinds(held)) == {OutcomeUnknown}
    store.held.clear()
    store.before = lambda _: None
    store.gate.set()
    assert type(await submit(queue, append("next"))) is Done


@pytest.mark.parametrize("leavers", [[0], [1], [2], [0, 1], [0, 2], [1, 2]])
async def test_cancelled_while_it_is_left_alone(queue, store, held, leavers):
    for number in leavers:
        held[number].cancel()
    await turns()
    store.held.clear()
    stay = [number for number in range(3) if number not in leavers]
    assert set(await kinds([held[number] for number in stay])) == {Done}
    assert store.batches[1:] == [[f"s{number}" for number in stay]]
    assert left_in(queue) == []


async def test_where_all_are_cancelled_nothing_is_left_to_close(queue, store, held):
    for task in held:
        task.cancel()
    await turns()
    assert left_in(queue) == []
    begun = now()
    await queue.aclose(5)
    assert now() == begun
    await asyncio.sleep(1)
    assert len(store.batches) == 1


async def test_where_all_are_cancelled_a_new_write_starts_afresh(queue, store, held):
    for task in held:
        task.cancel()
    await turns()
    store.held.clear()
    begun = now()
    assert type(await submit(queue, append("next"))) is Done
    assert now() == begun
    await asyncio.sleep(1)
    assert store.batches[1:] == [["next"]]


async def test_where_all_are_cancelled_and_the_next_is_held_too(queue, store, held):
    for task in held:
        task.cancel()
    await turns()
    tasks = start(queue, append("a"), append("b"))
    await asyncio.sleep(1)
    store.held.clear()
    assert await kinds(tasks) == [Done, Done]
    assert store.stored == ["a", "b"]
    await asyncio.sleep(1)
    assert left_in(queue) == []


async def test_cancelled_while_busy_comes_and_never_sent_again(queue, store):
    store.held = {"s"}
    store.gate.clear()
    tasks = start(queue, *appends(3))
    await turns()
    tasks[0].cancel()
    store.gate.set()
    await turns()
    store.held.clear()
    assert await kinds(tasks[1:]) == [Done, Done]
    assert store.batches == [["s0", "s1", "s2"], ["s1", "s2"]]


async def test_closing_waits_for_it(queue, store, held):
    closing = asyncio.create_task(queue.aclose(5))
    await asyncio.sleep(0.5)
    store.held.clear()
    await closing
    assert set(await kinds(held)) == {Done}
    assert store.stored == ["s0", "s1", "s2"]


async def test_closing_names_it_and_leaves_it_unwritten(queue, store, held):
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(0.5)
    assert caught.value.session_ids == ("s", "s", "s")
    assert set(await kinds(held)) == {AdapterClosed}
    store.held.clear()
    sent = len(store.batches)
    await asyncio.sleep(5)
    assert (store.stored, len(store.batches)) == ([], sent)
    assert left_in(queue) == []


async def test_closing_again_has_nothing_left_to_name(queue, held):
    with pytest.raises(FlushIncomplete):
        await queue.aclose(0.5)
    await kinds(held)
    begun = now()
    await queue.aclose(5)
    assert now() == begun


async def test_one_that_was_cancelled_is_not_named_when_it_closes(queue, store):
    store.held = {"s", "t"}
    store.gate.clear()
    tasks = start(queue, append("gone", "s"), append("stays", "t"))
    await turns()
    tasks[0].cancel()
    store.gate.set()
    await turns()
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(0.0005)
    assert caught.value.session_ids == ("t",)
    await kinds(tasks)
