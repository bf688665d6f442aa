"""Two appends of a session that have a message id in common never share a flush."""

import pytest
from tests.group_commit.conftest import append, kinds, occupy, start, turns

from holdfast.toolkit import Done

CASES = {
    "the same": (["a", "a"], [[0], [1]]),
    "partly": (["ab", "bc"], [[0], [1]]),
    "with the one before the last": (["a", "b", "a"], [[0, 1], [2]]),
    "with the second of three": (["a", "b", "c", "b"], [[0, 1, 2], [3]]),
    "those behind it wait too": (["a", "a", "b", "c"], [[0], [1, 2, 3]]),
    "each with the next": (["ab", "bc", "cd", "de"], [[0], [1], [2], [3]]),
    "again in the flush after": (["a", "a", "b", "a"], [[0], [1, 2], [3]]),
    "with one of two flushes ago": (["ax", "ay", "x"], [[0], [1, 2]]),
    "none": (["a", "b", "c"], [[0, 1, 2]]),
}


@pytest.mark.parametrize("case", CASES)
async def test_of_one_session(queue, store, case):
    ids, wanted = CASES[case]
    await occupy(queue, store)
    tasks = start(queue, *[append(str(number), ids=list(each)) for number, each in enumerate(ids)])
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert store.batches[1:] == [[str(number) for number in batch] for batch in wanted]


async def test_of_two_sessions_they_do(queue, store):
    await occupy(queue, store)
    tasks = start(
        queue, append("1", "s", ids=["a"]), append("2", "t", ids=["a"]), append("3", "s", tenant="t", ids=["a"])
    )
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert store.batches[1:] == [["1", "2", "3"]]


async def test_a_session_that_waits_for_that_holds_up_no_other(queue, store):
    await occupy(queue, store)
    tasks = start(queue, append("1", ids=["a"]), append("2", ids=["a"]), append("3", "t"), append("4", "t"))
    await turns()
    store.gate.set()
    assert set(await kinds(tasks)) == {Done}
    assert [set(batch) for batch in store.batches[1:]] == [{"1", "3", "4"}, {"2"}]


async def test_one_that_was_withdrawn_is_in_nobodys_way(queue, store):
    await occupy(queue, store)
    tasks = start(queue, append("1", ids=["a"]), append("2", ids=["a"]))
    await turns()
    tasks[0].cancel()
    await turns()
    tasks += start(queue, append("3", ids=["b"]))
    await turns()
    store.gate.set()
    assert await kinds(tasks[1:]) == [Done, Done]
    assert store.batches[1:] == [["2", "3"]]
