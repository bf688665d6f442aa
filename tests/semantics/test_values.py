"""Any legal value comes back equal, type for type."""

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import Message, Session, UnserializableValue
from holdfast.ids import new_id

INDIA = timezone(timedelta(hours=5, minutes=30))
ODD = timezone(-timedelta(hours=3, minutes=7, seconds=9, microseconds=11))


def same(one, two):  # noqa: PLR0911 - one line a type
    """Equal in value, in the types of all its parts, in the order of its keys, and in the sign of zero."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, set | frozenset):
        return len(one) == len(two) and all(any(same(a, b) for b in two) for a in one)
    if isinstance(one, float):
        return one == two and math.copysign(1, one) == math.copysign(1, two)
    if isinstance(one, Decimal):
        return one.as_tuple() == two.as_tuple()
    if isinstance(one, datetime | time):
        return one == two and one.utcoffset() == two.utcoffset()
    return one == two


@pytest.fixture
def through(adapter):
    """A value, after it was stored and read, once in each place that takes any value."""

    async def run(value):
        session = Session(id=new_id(), data={"v": value}, metadata={"v": value}, data_by_route={"r": {"v": value}})
        saved = await adapter.sessions.save(session)
        parts = [
            {"type": "tool_call", "id": "1", "name": "f", "args": value},
            {"type": "tool_result", "call_id": "1", "content": value},
            {"type": "reasoning", "provider": value},
            {"type": "of.tomorrow", "field": value},
            {"type": "text", "text": "", "extra": value},
        ]
        message = Message(role="user", content=parts, metadata={"v": value}, raw=value)
        [told] = await adapter.messages.append(session.id, [message])
        found = await adapter.sessions.get(session.id)
        read = await adapter.messages.get(session.id, message.id)
        assert told == read
        for state in (saved, found):
            yield state.data["v"]
            yield state.metadata["v"]
            yield state.data_by_route["r"]["v"]
        for stored in (told, read):
            yield stored.raw
            yield stored.metadata["v"]
            call, result, reasoning, other, text = stored.content
            yield call.args
            yield result.content
            yield reasoning.provider
            yield other.field
            yield text.extra

    return run


FIXED = [
    None, True, False, 0, 1, -1, 2**53 + 1, 2**63, -(2**64), 10**4300 - 1, 1 - 10**4300,
    0.0, -0.0, 1.0, 1e308, 5e-324, 2.0**53, 1e16, 0.1, -1e-7,
    "", " ", "\x00", "a\x00b", "\x1b[31m", "\ufeff", "\uffff", "\u2028\u2029", "\u202e", "😀👨‍👩‍👧", "e\u0301", "é", "\\", '"', "\\u0000",
    '{"$datetime": 1}', '{"$":', "\U0010ffff", "\r\n", "\x7f\x80",
    [], {}, (), set(), frozenset(), b"", b"\x00\xff" * 9,
    [[]], [{}], {"": {}}, ((),), [()], {"a": ()}, frozenset({frozenset()}), {(1, (2, frozenset({3})))},
    [True, 1, 1.0, "1"], {"z": 1, "a": 2, "m": {"y": 1, "b": 2}}, {"1": 1}, {"a.b": 1, "$set": 1},
    {"$datetime": "x"}, {"$": 1}, {"$": {}}, {"$": {"$": {"$": 1}}}, {"$tuple": [1]}, {"$unknown": None}, {"$a": 1, "b": 2},
    [{"$set": [{"$": []}]}], ({"$uuid": "x"},), {"$bytes": b"$"}, {"$date": {"$date": date(1, 1, 1)}},
    Decimal("0"), Decimal("-0"), Decimal("0E+5"), Decimal("1E+400"), Decimal("-1.10"), Decimal("1e-999999"), Decimal("9" * 60),
    UUID(int=0), UUID(int=2**128 - 1),
    datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(2024, 2, 29, 1, 2, 3, 4, INDIA),
    datetime(2024, 1, 1, tzinfo=ODD), datetime.min.replace(tzinfo=timezone(timedelta(hours=23, minutes=59))),
    datetime.max.replace(tzinfo=timezone(-timedelta(hours=23, minutes=59))),
    date.min, date.max, time.min, time.max, time(1, 2, 3, 4, INDIA), time(0, 0, tzinfo=ODD),
]  # fmt: skip
# ruff: noqa: E501


@pytest.mark.parametrize("value", FIXED, ids=lambda value: f"{value!r:.30}".encode("ascii", "replace").decode())
async def test_a_hard_value_comes_back_as_it_was(through, value):
    async for found in through(value):
        assert same(found, value)


# Offsets of less than a second have a test of their own.
offsets = st.integers(1_000_000, 86_399_999_999).map(lambda us: timezone(timedelta(microseconds=us)))
offsets |= st.integers(-86_399_999_999, -1_000_000).map(lambda us: timezone(timedelta(microseconds=us)))
zones = st.just(UTC) | offsets
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.binary(max_size=8)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=zones)
    | st.times(timezones=st.none() | zones)
)
keys = texts | st.sampled_from(["$", "$set", "$tuple", "$datetime", "$x", "a.b", ""])
hashable = st.recursive(
    scalars,
    lambda inner: st.frozensets(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
values = st.recursive(
    scalars | st.sets(hashable, max_size=3) | st.frozensets(hashable, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)
anything = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@anything
@given(value=values)
async def test_any_value_comes_back_as_it_was(through, value):
    async for found in through(value):
        assert same(found, value)


@anything
@given(value=st.dictionaries(keys, values, max_size=4))
async def test_any_state_comes_back_as_it_was(adapter, value):
    session = Session(id=new_id(), data=value, metadata=value, data_by_route={"": value, "$": value})
    await adapter.sessions.save(session)
    found = await adapter.sessions.get(session.id)
    assert same(found.data, value)
    assert same(found.metadata, value)
    assert same(found.data_by_route, {"": value, "$": value})


@anything
@given(content=texts, name=st.none() | texts, route=st.none() | texts)
async def test_any_text_comes_back_as_it_was(adapter, content, name, route):
    session = await adapter.sessions.save(Session(id=new_id(), current_route=route, current_step=name))
    message = Message(role="user", content=content, name=name, route=route, step=name, format=route)
    await adapter.messages.append(session.id, [message])
    found = await adapter.messages.get(session.id, message.id)
    assert (found.content, found.name, found.route, found.step, found.format) == (
        content,
        name,
        route,
        name,
        route,
    )
    state = await adapter.sessions.get(session.id)
    assert (state.current_route, state.current_step) == (route, name)


@anything
@given(value=values)
async def test_a_value_that_came_back_is_the_same_words(adapter, value):
    session = await adapter.sessions.save(Session(id=new_id()))
    [stored] = await adapter.messages.append(session.id, [Message(id="m", role="user", raw=value)])
    read = await adapter.messages.get(session.id, "m")
    assert await adapter.messages.append(session.id, [read]) == (stored,)


@pytest.mark.parametrize("depth", [1, 50, 95])
async def test_values_nest_deep(through, depth):
    for wrap in (
        lambda inner: [inner],
        lambda inner: {"k": inner},
        lambda inner: (inner,),
        lambda inner: {"$": inner},
    ):
        value = wrap(0)
        for _ in range(depth - 2):
            value = wrap(value)
        async for found in through(value):
            assert same(found, value)


@pytest.mark.parametrize("micros", [1, -1, 999_999, -999_999])
@pytest.mark.parametrize(
    "make", [lambda zone: time(1, 2, tzinfo=zone), lambda zone: datetime(2026, 1, 1, tzinfo=zone)]
)
async def test_an_offset_below_a_second_is_kept_or_refused(through, make, micros):
    """CPython's ``fromisoformat`` takes it for UTC."""
    value = make(timezone(timedelta(microseconds=micros)))
    try:
        async for found in through(value):
            assert same(found, value)
    except UnserializableValue:
        return
