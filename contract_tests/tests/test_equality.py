"""Equality is strict about types, order of keys, signs and offsets, and says where two values differ."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from holdfast import Message
from holdfast_contract_tests.equality import difference, shown

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

DIFFERENT = [
    (True, 1),
    (1, 1.0),
    (0.0, -0.0),
    (None, ""),
    ("é", "e\u0301"),
    ((1,), [1]),
    ({1}, frozenset({1})),
    ({1, 2}, {1}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (Decimal("1.0"), Decimal("1.00")),
    (NOON, NOON.astimezone(timezone(timedelta(hours=1)))),
    ([{"a": [1, 2]}], [{"a": [1, 3]}]),
    ([1], [1, 1]),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=repr)
def test_values_that_differ_in_anything_are_different(one, other):
    assert difference(one, other)
    assert difference(other, one)


@pytest.mark.parametrize("value", [value for pair in DIFFERENT for value in pair], ids=repr)
def test_a_value_is_itself(value):
    assert difference(value, value) is None


def test_the_place_is_named():
    one, other = ({"a": [1, {"b": value}]} for value in (True, 1))
    assert difference(one, other, "data") == "data['a'][1]['b'] is True (bool), expected 1 (int)"


def test_models_are_compared_field_by_field():
    said = {"id": "a", "role": "user", "metadata": {"n": 1}}
    other = Message(**{**said, "metadata": {"n": 1.0}})
    assert "message.metadata['n'] is 1 (int)" in str(difference(Message(**said), other, "message"))


def test_what_is_shown_is_short():
    assert len(shown("x" * 10_000)) < 200
    assert "\ud800" not in shown("\ud800")
