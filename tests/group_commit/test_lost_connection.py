"""A connection that is lost is lost for the whole batch at once; each error is its caller's own."""

import pickle

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

from holdfast import (
    AdapterClosed,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    OutcomeUnknown,
)
from holdfast.toolkit import Busy, Done


async def batch_with(queue, store, script, count=5):
    """The errors of a batch to whose writes this happens."""
    await occupy(queue, store)
    store.script = script
    tasks = start(queue, *appends(count))
    await turns()
    store.gate.set()
    await kinds(tasks)
    return [task.exception() for task in tasks]


@pytest.mark.parametrize("kind", [BackendUnavailable, BackendTimeout, ConfigurationError, AdapterClosed])
async def test_lost_before_it_was_sent(queue, store, kind):
    cause = OSError("refused")
    lost = kind("No connection.")
    lost.__cause__ = cause
    errors = await batch_with(queue, store, {"s3": [lost]})
    assert [type(error) for error in errors] == [kind] * 5
    assert [error.detail for error in errors] == ["No connection."] * 5
    assert [error.__cause__ for error in errors] == [cause] * 5
    assert len({id(error) for error in errors}) == 5
    assert len(store.batches) == 2
    assert store.stored == ["first"]


async def test_lost_after_it_was_sent(queue, store):
    lost = ConnectionLost("reset")
    errors = await batch_with(queue, store, {"s3": [lost]})
    assert [type(error) for error in errors] == [OutcomeUnknown] * 5
    assert [error.turn_id for error in errors] == ["s0", "s1", "s2", "s3", "s4"]
    assert [error.__cause__ for error in errors] == [lost] * 5
    assert len({id(error) for error in errors}) == 5
    assert len(store.batches) == 2


async def test_the_text_names_the_callers_turn_once_and_no_other_turn(queue, store):
    errors = await batch_with(queue, store, {"s3": [ConnectionLost("reset")]})
    for number, error in enumerate(errors):
        assert str(error).count("Turn ") == 1, str(error)
        assert [n for n in range(5) if f"s{n}" in str(error)] == [number]
        assert "The connection broke." in str(error)


async def test_an_unknown_outcome_that_the_store_raised_itself_is_each_callers_own(queue, store):
    errors = await batch_with(queue, store, {"s3": [OutcomeUnknown("Who knows.", turn_id="s0")]})
    assert [error.turn_id for error in errors] == ["s0", "s1", "s2", "s3", "s4"]
    for number, error in enumerate(errors):
        assert [n for n in range(5) if f"s{n}" in str(error)] == [number]


async def test_a_time_out_of_the_drivers_is_unknown(queue, store):
    errors = await batch_with(queue, store, {"s3": [TimeoutError("driver")]})
    assert [type(error) for error in errors] == [OutcomeUnknown] * 5
    assert [error.turn_id for error in errors] == ["s0", "s1", "s2", "s3", "s4"]


async def test_answers_that_do_not_fit_the_batch_are_unknown(make_queue, store):
    queue = make_queue()
    queue._flusher._flush = lambda writes: _without_the_last(store.flush(writes))
    assert await kinds(start(queue, *appends(3))) == [OutcomeUnknown] * 3
    assert len(store.batches) == 1


async def _without_the_last(flush):
    return (await flush)[:-1]


@pytest.mark.parametrize("lost", [ConnectionLost(), BackendUnavailable(), TimeoutError()])
async def test_the_next_write_works(queue, store, lost):
    errors = await batch_with(queue, store, {"s3": [lost]})
    assert all(pickle.loads(pickle.dumps(error)).retryable for error in errors)
    assert type(await submit(queue, append("s3"))) is Done
    assert store.stored == ["first", "s3"]
    assert left_in(queue) == []


async def test_what_arrived_during_the_lost_flush_is_stored(queue, store):
    await occupy(queue, store)
    store.script = {"s0": [ConnectionLost()]}
    tasks = start(queue, *appends(2))
    await turns()
    store.before = lambda writes: tasks.extend(start(queue, append("later"))) if len(writes) == 2 else None
    store.gate.set()
    await turns(30)
    assert await kinds(tasks) == [OutcomeUnknown, OutcomeUnknown, Done]


async def test_the_half_of_a_split_batch_that_was_not_sent_was_not_written(queue, store):
    lost = ConnectionLost("reset")
    errors = await batch_with(queue, store, {"s0": [BadValue(), lost]}, count=4)
    assert [type(error) for error in errors] == [OutcomeUnknown] * 2 + [BackendUnavailable] * 2
    assert [error.turn_id for error in errors[:2]] == ["s0", "s1"]
    assert [error.__cause__ for error in errors] == [lost] * 4
    assert store.batches[1:] == [["s0", "s1", "s2", "s3"], ["s0", "s1"]]


async def test_the_half_that_was_stored_before_stays_acknowledged(queue, store):
    script = {"s3": [BadValue(), ConnectionLost("reset")]}
    errors = await batch_with(queue, store, script, count=4)
    assert [type(error) for error in errors] == [type(None)] * 2 + [OutcomeUnknown] * 2
    assert store.stored == ["first", "s0", "s1"]


async def test_who_was_busy_in_the_first_half_comes_again(queue, store):
    store.script = {"held": [Busy(), Busy()], "bad": [BadValue(), ConnectionLost("reset")]}
    await occupy(queue, store)
    tasks = start(queue, append("held", "held"), append("a", "a"), append("b", "b"), append("bad", "bad"))
    await turns()
    store.gate.set()
    assert await kinds(tasks) == [Done, Done, OutcomeUnknown, OutcomeUnknown]
