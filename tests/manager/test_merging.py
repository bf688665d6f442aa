"""Three-way merges of states."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import InvalidArgument, Limits, RouteVisit, Session, UnserializableValue
from holdfast.manager.live.merging import MergeConflict, merge
from holdfast.manager.live.snapshots import Snapshot

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def said(session: Session) -> Snapshot:
    """All that the store would keep of a state; equal if the store takes two for equal."""
    return Snapshot.of(session, Limits())


def conflicts(base: Session, mine: Session, theirs: Session) -> set[str]:
    with pytest.raises(MergeConflict) as caught:
        merge(base, mine, theirs)
    return set(caught.value.paths)


def data(**values) -> Session:
    return Session(id="s", data=values)


# --- by example ----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["data", "metadata", "data_by_route"])
def test_changes_of_different_keys_are_both_kept(table):
    base, mine, theirs = (
        Session(id="s", **{table: {key: {"is": value} for key, value in values.items()}})
        for values in (
            {"changed": 1, "mine goes": 1, "theirs goes": 1, "stays": 1},
            {"changed": 1, "theirs goes": 1, "stays": 1, "mine new": 2},
            {"changed": 3, "mine goes": 1, "stays": 1, "theirs new": 3},
        )
    )
    merged = getattr(merge(base, mine, theirs), table)
    assert merged == {"changed": {"is": 3}, "stays": {"is": 1}, "theirs new": {"is": 3}, "mine new": {"is": 2}}
    assert list(merged) == ["changed", "stays", "theirs new", "mine new"]


@pytest.mark.parametrize(
    ("old", "new", "other"),
    [({"k": 1}, {"k": 2}, {"k": 3}), ({"k": 1}, {}, {"k": 3}), ({"k": 1}, {"k": 2}, {}), ({}, {"k": 2}, {"k": 3})],
)
def test_two_changes_of_one_key_are_a_conflict(old, new, other):
    assert conflicts(data(**old), data(**new), data(**other)) == {"data.k"}


def test_the_same_change_on_both_sides_is_no_conflict():
    assert merge(data(k=1, gone=1), data(k=2, new=[3]), data(k=2, new=[3])).data == {"k": 2, "new": [3]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (1, 1.0),
        (0.0, -0.0),
        ([1], [True]),
        ({"deep": [{"x": 1}]}, {"deep": [{"x": 1.0}]}),
        ((1,), [1]),
        (Decimal("1.0"), Decimal("1.00")),
        ({"$tuple": [1]}, (1,)),
    ],
)
def test_what_python_or_a_careless_look_takes_for_equal_is_a_change(one, other):
    for old, new in ((one, other), (other, one)):
        assert repr(merge(data(k=old), data(k=new), data(k=old)).data["k"]) == repr(new)
        assert repr(merge(data(k=old), data(k=old), data(k=new)).data["k"]) == repr(new)
        assert conflicts(data(k="old"), data(k=old), data(k=new)) == {"data.k"}
        assert conflicts(data(), data(k=old), data(k=new)) == {"data.k"}


def test_another_order_of_nested_keys_is_no_change():
    merged = merge(data(k={"a": 1, "b": 2}), data(k={"b": 2, "a": 1}), data(k={"a": 1, "b": 3}))
    assert merged.data == {"k": {"a": 1, "b": 3}}


def test_an_absent_key_and_none_are_two_things():
    assert merge(data(), data(k=None), data()).data == {"k": None}
    assert conflicts(data(k=1), data(k=None), data()) == {"data.k"}


def test_the_place_on_the_routes_is_one_thing():
    base, mine, theirs = Session(id="s"), Session(id="s"), Session(id="s")
    mine.enter_route("booking", at=NOON)
    merged = merge(base, mine, theirs)
    assert (merged.current_route, merged.route_history) == ("booking", mine.route_history)
    theirs.enter_step("seat")
    assert conflicts(base, mine, theirs) == {"route"}
    mine.current_route = "pay"
    mine.route_history = [RouteVisit(route="pay", entered_at=NOON, completed=True)]
    again = Session(id="s", current_route="pay", route_history=list(mine.route_history))
    assert merge(base, mine, again).route_history == again.route_history


def test_status_and_the_time_of_completion_are_one_thing():
    base = Session(id="s")
    done = Session(id="s", status="completed", completed_at=NOON)
    later = Session(id="s", status="completed", completed_at=NOON + timedelta(seconds=1))
    assert merge(base, done, base).completed_at == NOON
    assert conflicts(base, done, later) == {"status"}
    assert merge(base, done, done).status == "completed"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("agent", "a", "b"),
        ("schema_version", 1, 2),
        ("expires_at", NOON, NOON + timedelta(1)),
        ("state_expires_at", NOON, NOON + timedelta(1)),
    ],
)
def test_each_other_field_is_one_thing(name, one, other):
    base, mine, theirs = Session(id="s"), Session(id="s", **{name: one}), Session(id="s", **{name: other})
    assert getattr(merge(base, mine, base), name) == one
    assert getattr(merge(base, base, mine), name) == one
    assert getattr(merge(mine, base, mine), name) is None
    assert conflicts(base, mine, theirs) == {name}


def test_a_conflict_names_all_places_and_no_value():
    base = Session(id="s")
    mine, theirs = (
        Session(
            id="s",
            data={"name": who, "a b": who, "x" * 100: who, "\x1b[2J": who},
            metadata={"m": who},
            data_by_route={"booking": {"seat": who}},
            current_step=who,
            status=who,
        )
        for who in ("canary of mine", "canary of theirs")
    )
    with pytest.raises(MergeConflict) as caught:
        merge(base, mine, theirs)
    assert set(caught.value.paths) == {
        "data.name",
        "data['a b']",
        f"data['{'x' * 63}]",
        "data['\\x1b[2J']",
        "metadata.m",
        "data_by_route.booking",
        "route",
        "status",
    }
    assert "canary" not in str(caught.value)


def test_all_that_is_no_state_is_as_in_theirs():
    mine = Session(id="s", key="k", user_id="u", version=3, last_seq=4, data={"mine": 1})
    theirs = Session(
        id="s", key="k", user_id="u", parent_id="p", version=7, last_seq=9, message_count=8, updated_at=NOON
    )
    merged = merge(Session(id="s"), mine, theirs)
    assert merged == theirs.model_copy(update={"data": {"mine": 1}})


def test_the_arguments_are_left_alone_and_nothing_is_shared():
    def deep() -> dict:
        return {"cart": [{"price": [1]}], "pair": ([1],)}

    states = [Session(id="s", data=deep(), metadata=deep(), data_by_route={"r": deep()}) for _ in range(3)]
    states[1].data["mine"] = [{}]
    states[2].metadata["theirs"] = [{}]
    states[1].enter_route("r", at=NOON)
    before = [state.model_copy(deep=True) for state in states]
    merged = merge(*states)
    for table in (merged.data, merged.metadata, merged.data_by_route["r"]):
        table["cart"][0]["price"].append("new")
        table["pair"][0].append("new")
        table["own"] = True
    merged.data["mine"][0]["new"] = merged.metadata["theirs"][0]["new"] = True
    merged.route_history.clear()
    merged.data_by_route.clear()
    assert states == before


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(UnserializableValue, match=r"data\.cart\[1\]"):
        merge(data(), data(cart=[1, object()]), data())
    wrong = data()
    wrong.schema_version = True
    with pytest.raises(InvalidArgument):
        merge(data(), wrong, data())


# --- for any states ------------------------------------------------------------------------------

_leaves = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, -0.0, 1.0, "", "a", b"", NOON])
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "$", "$tuple"]), inner, max_size=2)
        | st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=4,
)
_keys = st.sampled_from(["a", "b", "$", "$set"])
_tables = st.dictionaries(_keys, _values, max_size=3)
_times = st.sampled_from([None, NOON, NOON + timedelta(1)])
_routes = st.sampled_from([None, "booking", "pay"])
_visits = st.builds(
    RouteVisit, route=st.sampled_from(["booking", "pay"]), entered_at=st.just(NOON), exited_at=_times
)

_pieces = {
    "data": st.tuples(_keys, _values),
    "metadata": st.tuples(_keys, _values),
    "data_by_route": st.tuples(_keys, _tables),
    "route": st.tuples(_routes, _routes, st.lists(_visits, max_size=2)),
    "status": st.tuples(st.sampled_from(["active", "completed"]), _times),
    "agent": st.sampled_from([None, "a", "b"]),
    "schema_version": st.sampled_from([None, 0, 1]),
    "expires_at": _times,
    "state_expires_at": _times,
}


def changed(session: Session, name: str, value) -> Session:
    """A session of its own, with one piece of its state changed."""
    copied = session.model_copy(deep=True)
    if name in {"data", "metadata", "data_by_route"}:
        getattr(copied, name)[value[0]] = value[1]
    elif name == "route":
        copied.current_route, copied.current_step, copied.route_history = value
    elif name == "status":
        copied.status, copied.completed_at = value
    else:
        setattr(copied, name, value)
    return copied


_changes = st.sampled_from(sorted(_pieces)).flatmap(lambda name: st.tuples(st.just(name), _pieces[name]))


@st.composite
def _sessions(draw) -> Session:
    session = Session(id="s")
    for name, value in draw(st.lists(_changes, max_size=6)):
        session = changed(session, name, value)
    return session


@given(_sessions(), _sessions())
def test_where_only_they_have_changed_something_the_result_is_theirs(base, theirs):
    merged = merge(base, base, theirs)
    assert said(merged) == said(theirs)
    assert merged == theirs


@given(_sessions(), _sessions())
def test_where_only_i_have_changed_something_the_result_is_mine(base, mine):
    assert said(merge(base, mine, base)) == said(mine)
    assert said(merge(base, mine, mine)) == said(mine)


def _outcome(base, mine, theirs):
    try:
        return said(merge(base, mine, theirs))
    except MergeConflict as conflict:
        return set(conflict.paths)


@given(_sessions(), _sessions(), _sessions())
def test_who_is_who_decides_nothing_but_the_order_of_keys(base, mine, theirs):
    assert _outcome(base, mine, theirs) == _outcome(base, theirs, mine)


def _place(change) -> tuple:
    name, value = change
    return (name, value[0]) if name in {"data", "metadata", "data_by_route"} else (name,)


@given(_sessions(), st.lists(_changes, max_size=8, unique_by=_place), st.data())
def test_changes_of_different_things_are_all_kept(base, changes, choice):
    mine = theirs = both = base
    for name, value in changes:
        both = changed(both, name, value)
        if choice.draw(st.booleans()):
            mine = changed(mine, name, value)
        else:
            theirs = changed(theirs, name, value)
    assert said(merge(base, mine, theirs)) == said(both)
