"""Errors: one tree, picklable, with messages that say what to do."""

import inspect
import pickle

import pytest

import holdfast
from holdfast import errors
from holdfast.errors import (
    AdapterNotInstalled,
    CorruptRecord,
    DuplicateIdConflict,
    FlushIncomplete,
    HoldfastError,
    InvalidArgument,
    InvalidData,
    NotFound,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaOutdated,
    SchemaTooNew,
    SessionExpired,
    UnserializableValue,
    UnsupportedCapability,
    VersionConflict,
)

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HoldfastError)]

SAMPLES = [
    AdapterNotInstalled("redis", 'pip install "holdfast[redis]"'),
    SchemaOutdated("sessions", stored=1, known=2),
    SchemaTooNew("sessions", stored=3, known=2),
    UnserializableValue("data.cart[3]", "a naive datetime"),
    PayloadTooLarge("message_bytes", allowed=10, actual=11),
    UnsupportedCapability("search", "Ask OpenSearch."),
    VersionConflict("s", expected=1, actual=2, guard="last_seq"),
    DuplicateIdConflict("s", [str(number) for number in range(9)]),
    OutcomeUnknown("No answer.", turn_id="t"),
    CorruptRecord("not a value.", session_id="s", seq=3),
    FlushIncomplete(["a", "b"]),
    InvalidData("data.seats[2]", "it is no number.", session_id="s"),
]
SIMPLE = [kind("what happened") for kind in KINDS if kind not in {type(sample) for sample in SAMPLES}]


@pytest.mark.parametrize("error", SAMPLES + SIMPLE, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickle_with_its_facts(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert copy.__dict__ == error.__dict__
    assert str(copy) == str(error)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_first_paragraph_of_the_docstring_is_the_message(kind):
    sample = next(sample for sample in SAMPLES + SIMPLE if type(sample) is kind)
    summary = " ".join(kind.__doc__.split("\n\n")[0].split())
    assert str(sample).startswith(summary)
    assert summary.endswith((".", ";"))


def test_the_tree_is_split_by_what_the_caller_can_do():
    assert issubclass(SessionExpired, NotFound)
    assert issubclass(UnserializableValue, InvalidArgument)
    assert {kind.__name__ for kind in KINDS if kind.retryable} == {
        "BackendTimeout",
        "BackendUnavailable",
        "Backpressure",
        "OutcomeUnknown",
        "SessionFenced",
        "StorageFull",
    }


def test_every_error_is_public_and_drawn_in_the_tree():
    for kind in KINDS:
        assert kind.__name__ in errors.__all__
        assert kind.__name__ in holdfast.__all__
        assert kind.__name__ in errors.__doc__


def test_the_turn_of_a_conflict_stays_behind_when_it_is_pickled():
    conflict = VersionConflict("s", expected=1, actual=2)
    conflict.turn = lambda: None  # as little picklable as a live turn
    assert pickle.loads(pickle.dumps(conflict)).turn is None
