"""A write that is no plain append shares its flush with no other write of its session."""

import pytest
from tests.group_commit.conftest import append, appends, kinds, occupy, start, turns

from holdfast.toolkit import Done, Removal, StateChange

STATE = StateChange(None, None, None, "active", None, None, None, b"", "{}")
PLAIN = append("change", ids=["c"])
[ROW] = PLAIN.rows
CHANGES = {
    "state": PLAIN._replace(state=STATE),
    "state alone": PLAIN._replace(state=STATE, rows=()),
    "removal": PLAIN._replace(remove=Removal(0, 1)),
    "removal alone": PLAIN._replace(remove=Removal(0, 0), rows=()),
    "replacement": PLAIN._replace(replace=ROW, rows=()),
    "replacement with rows": PLAIN._replace(replace=append("other").rows[0]),
    "deletion": PLAIN._replace(delete=True, rows=()),
    "deletion with rows": PLAIN._replace(delete=True),
    "creation": PLAIN._replace(create="k"),
    "touch": PLAIN._replace(touch=True, rows=()),
    "touch with rows": PLAIN._replace(touch=True),
    "fence": PLAIN._replace(fence="f", rows=()),
    "fence with rows": PLAIN._replace(fence="f"),
    "lifted fence": PLAIN._replace(fence="", rows=()),
    "lifted fence with rows": PLAIN._replace(fence=""),
    "version guard": PLAIN._replace(expected=3),
    "version guard of a new one": PLAIN._replace(expected=0),
    "tail guard": PLAIN._replace(last_seq=3),
    "tail guard of an empty one": PLAIN._replace(last_seq=0),
    "nothing": PLAIN._replace(rows=()),
}


@pytest.fixture(params=CHANGES)
def change(request):
    return CHANGES[request.param]


async def batches_of(queue, store, *writes):
    """How these are cut into flushes, when they have gathered."""
    await occupy(queue, store)
    tasks = start(queue, *writes)
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    return store.batches[1:]


async def test_appends_around_it_keep_their_order_and_fly_apart(queue, store, change):
    before, after = appends(2, "s"), [append("t0"), append("t1")]
    cut = await batches_of(queue, store, *before, change, *after)
    assert cut == [["s0", "s1"], ["change"], ["t0", "t1"]]


async def test_two_of_them_fly_one_after_the_other(queue, store, change):
    cut = await batches_of(queue, store, change._replace(turn_id="1"), change._replace(turn_id="2"))
    assert cut == [["1"], ["2"]]


@pytest.mark.parametrize("other", ["state", "removal", "deletion"])
async def test_two_different_ones_do_too(queue, store, change, other):
    cut = await batches_of(queue, store, change, CHANGES[other]._replace(turn_id="other"))
    assert cut == [["change"], ["other"]]


async def test_those_of_other_sessions_share_its_flush(queue, store, change):
    others = [change._replace(ref=change.ref._replace(id=name), turn_id=name) for name in "xyz"]
    same_name = change._replace(ref=change.ref._replace(tenant="t"), turn_id="t")
    cut = await batches_of(queue, store, change, *others, same_name, append("u", "u"))
    assert [sorted(batch) for batch in cut] == [["change", "t", "u", "x", "y", "z"]]


async def test_one_that_waits_for_the_next_flush_does_not_hold_up_other_sessions(queue, store, change):
    cut = await batches_of(queue, store, append("1"), change, append("2"), *appends(3, "x"))
    assert [set(batch) for batch in cut] == [{"1", "x0", "x1", "x2"}, {"change"}, {"2"}]
