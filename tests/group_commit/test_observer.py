"""The observer of the flush is told what each of its writes carries for him, and cannot spoil anything."""

import asyncio
import contextvars

import pytest
from tests.group_commit.conftest import (
    BadValue,
    ConnectionLost,
    append,
    appends,
    kinds,
    left_in,
    occupy,
    start,
    submit,
    turns,
)

from holdfast import InvalidArgument, OutcomeUnknown
from holdfast.toolkit import Busy, Done

SPAN = contextvars.ContextVar("span", default="none")


@pytest.fixture
def told():
    return []


@pytest.fixture
def queue(make_queue, told):
    return make_queue(observer=told.append, slot=SPAN.get)


def start_as(name, queue, *writes):
    token = SPAN.set(name)
    try:
        return start(queue, *writes)
    finally:
        SPAN.reset(token)


async def test_the_slot_is_made_in_the_callers_context(queue, told):
    await kinds(start_as("mine", queue, append("1")))
    [observed] = told
    assert (observed.name, observed.error, observed.slots) == ("flush", None, ("mine",))


async def test_each_flush_has_the_slots_of_its_writes_in_their_order(queue, store, told):
    await occupy(queue, store)
    tasks = [task for n in range(4) for task in start_as(f"span {n}", queue, append(str(n), f"s{n % 2}"))]
    await turns()
    store.gate.set()
    await kinds(tasks)
    assert store.batches == [["first"], ["0", "1", "2", "3"]]
    assert [observed.slots for observed in told] == [("none",), ("span 0", "span 1", "span 2", "span 3")]


async def test_a_split_batch_is_several_flushes(queue, store, told):
    store.script = {"1": [BadValue()] * 3}
    tasks = [task for n in range(2) for task in start_as(f"span {n}", queue, append(str(n)))]
    assert await kinds(tasks) == [Done, InvalidArgument]
    assert [observed.slots for observed in told] == [("span 0", "span 1"), ("span 0",), ("span 1",)]
    assert [type(observed.error) for observed in told] == [InvalidArgument, type(None), InvalidArgument]


async def test_a_held_session_is_told_at_every_try(queue, store, told):
    store.script = {"1": [Busy(), Busy()]}
    await kinds(start_as("mine", queue, append("1")))
    assert [observed.slots for observed in told] == [("mine",)] * 3


async def test_who_was_not_sent_is_not_told(queue, store, told):
    await occupy(queue, store)
    [gone, stays] = [start_as(name, queue, append(name))[0] for name in ("gone", "stays")]
    await turns()
    gone.cancel()
    store.gate.set()
    await stays
    assert [observed.slots for observed in told] == [("none",), ("stays",)]


async def test_a_lost_connection_and_a_deadline_are_told(make_queue, store, told):
    queue = make_queue(observer=told.append, timeout=5)
    store.script = {"1": [ConnectionLost()]}
    assert await kinds(start(queue, append("1"))) == [OutcomeUnknown]
    store.gate.clear()
    assert await kinds(start(queue, append("2"))) == [OutcomeUnknown]
    assert [type(observed.error) for observed in told] == [OutcomeUnknown, OutcomeUnknown]
    assert [observed.slots for observed in told] == [(None,), (None,)]


@pytest.mark.parametrize("script", [[], [BadValue()] * 9, [ConnectionLost()], [Busy()]], ids=str)
async def test_a_broken_observer_changes_nothing(make_queue, store, caplog, script):
    def broken(_):
        raise ZeroDivisionError

    tasks = {}
    for name, queue in {"broken": make_queue(observer=broken), "none": make_queue()}.items():
        store.script = {"s1": list(script)}
        tasks[name] = await kinds(start(queue, *appends(4)))
        assert left_in(queue) == []
    assert tasks["broken"] == tasks["none"]
    assert "observer" in caplog.text


async def test_a_broken_slot_changes_nothing(make_queue, store, told, caplog):
    def broken():
        raise ZeroDivisionError

    queue = make_queue(observer=told.append, slot=broken)
    assert type(await submit(queue, append("1"))) is Done
    assert told[0].slots == (None,)
    assert store.stored == ["1"]
    assert "slot" in caplog.text


async def test_without_a_slot_there_is_nothing_in_it(make_queue, told):
    await submit(make_queue(observer=told.append), append("1"))
    assert told[0].slots == (None,)


async def test_the_observer_is_called_in_the_flushs_task(make_queue):
    names = []
    queue = make_queue(observer=lambda _: names.append((asyncio.current_task().get_name(), SPAN.get())))
    await kinds(start_as("mine", queue, append("1")))
    assert names == [("holdfast-flush", "none")]


async def test_of_a_drivers_error_he_is_told_what_it_means(queue, store, told):
    """The driver's text may quote what a user said."""
    store.script = {"1": [ConnectionLost("body = 'a secret'")], "2": [BadValue("'a secret'")]}
    for turn, kind in (("1", OutcomeUnknown), ("2", InvalidArgument)):
        assert await kinds(start(queue, append(turn))) == [kind]
        assert type(told[-1].error) is kind
        assert "secret" not in str(told[-1].error)
