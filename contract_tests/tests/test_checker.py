"""The checker finds each kind of fault in a history, and shows a witness."""

import pytest

from holdfast import Message
from holdfast_contract_tests.checker import History
from holdfast_contract_tests.verdict import ContractError


def at(*places):
    return [Message(id=id_, seq=seq, role="user", content="x") for seq, id_ in places]


@pytest.fixture
def history():
    """Two writers: one sent a and b together, the other sent c."""
    history = History()
    history.acknowledge(history.send("one", ["a", "b"]), at((1, "a"), (2, "b")))
    history.acknowledge(history.send("two", ["c"]), at((3, "c")))
    return history


def fault(history, *places):
    with pytest.raises(ContractError) as caught:
        history.check(at(*places))
    return str(caught.value)


def test_a_sound_history_passes(history):
    history.read("reader", [])
    history.read("reader", at((1, "a"), (2, "b")))
    history.check(at((1, "a"), (2, "b"), (3, "c")))


@pytest.mark.parametrize(
    ("places", "count", "witness"),
    [
        ([(1, "a"), (2, "b")], "lost 1", "'c' of two was acknowledged at 3, and is not there"),
        ([(1, "a"), (2, "b"), (4, "c")], "moved 1", "'c' of two was acknowledged at 3, and stands at 4"),
        ([(1, "a"), (2, "b"), (3, "c"), (4, "c")], "duplicated 1", "'c' is there twice"),
        ([(1, "a"), (2, "b"), (3, "c"), (4, "x")], "invented 1", "'x' stands at 4, and nobody sent it"),
        ([(1, "b"), (2, "a"), (3, "c")], "out of a writer's order 1", "one sent 'a' before 'b'"),
        ([(1, "a"), (2, "c"), (3, "b")], "torn apart 1", "one write ['a', 'b'] stands at [1, 3]"),
        ([(1, "a"), (2, "b"), (3, "c"), (5, "d")], "gaps 1", "nothing stands at 4, and nobody removed it"),
    ],
)
def test_each_fault_is_counted_and_shown(history, places, count, witness):
    text = fault(history, *places)
    assert count in text
    assert witness in text


def test_a_removal_that_was_acknowledged_explains_a_gap(history):
    history.removed.add(2)
    history.check(at((1, "a"), (3, "c")))


@pytest.mark.parametrize(
    ("reads", "witness"),
    [
        ([[(1, "a")], []], "reader read 'a' at 1, and then no more"),
        ([[(1, "c")]], "reader read 'c' at 1, where 'a' stands in the end"),
        ([[(2, "b")]], "reader read up to 2 without 1, as if it were not there yet"),
    ],
)
def test_a_read_that_contradicts_is_shown(history, reads, witness):
    for read in reads:
        history.read("reader", at(*read))
    assert witness in fault(history, (1, "a"), (2, "b"), (3, "c"))
