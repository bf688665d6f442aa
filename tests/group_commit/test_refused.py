"""A write that the store refuses fails alone."""

import pytest
from tests.group_commit.conftest import append, appends, kinds, left_in, start, submit

from holdfast import CorruptRecord, DuplicateIdConflict, NotFound, VersionConflict
from holdfast.toolkit import Done, Refused

ERRORS = [NotFound("here"), VersionConflict("s", expected=1, actual=2), DuplicateIdConflict("s", ["m"])]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", [0, 2, 4])
async def test_the_others_are_stored_in_the_same_flush(queue, store, error, place):
    store.script = {f"s{place}": [Refused(error)]}
    tasks = start(queue, *appends(5))
    assert await kinds(tasks) == [type(error) if number == place else Done for number in range(5)]
    assert str(tasks[place].exception()) == str(error)
    assert len(store.batches) == 1
    assert store.stored == [f"s{number}" for number in range(5) if number != place]


async def test_two_refusals_each_have_their_own_error(queue, store):
    store.script = {"s0": [Refused(NotFound("0"))], "s1": [Refused(NotFound("1"))]}
    tasks = start(queue, *appends(2))
    await kinds(tasks)
    assert [task.exception().detail for task in tasks] == ["0", "1"]


async def test_two_who_are_refused_with_one_error_do_not_share_its_traceback(queue, store):
    shared = CorruptRecord("damaged", session_id="s")
    shared.__cause__ = ValueError("not JSON")
    store.script = {"s0": [Refused(shared)], "s1": [Refused(shared)]}
    tasks = start(queue, *appends(2))
    assert await kinds(tasks) == [CorruptRecord, CorruptRecord]
    errors = [task.exception() for task in tasks]
    assert [str(error) for error in errors] == [str(shared)] * 2
    assert [error.__cause__ for error in errors] == [shared.__cause__] * 2
    assert errors[0] is not errors[1]


async def test_it_may_be_sent_again_and_is_then_another_write(queue, store):
    store.script = {"1": [Refused(NotFound())]}
    with pytest.raises(NotFound):
        await submit(queue, append("1"))
    assert type(await submit(queue, append("1"))) is Done
    assert store.stored == ["1"]
    assert left_in(queue) == []
