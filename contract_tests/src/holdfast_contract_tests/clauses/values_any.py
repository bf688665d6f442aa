"""Values made by chance: any legal one comes back equal, type for type."""

from datetime import UTC, timedelta, timezone
from itertools import count
from typing import Any

from hypothesis import strategies as st

from holdfast import Adapter, Message, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.clauses._round_trip import round_trip

# An offset of less than a second may be refused; that has a clause of its own.
_OFFSETS = st.integers(1_000_000, 86_399_999_999) | st.integers(-86_399_999_999, -1_000_000)
_ZONES = st.just(UTC) | _OFFSETS.map(lambda micros: timezone(timedelta(microseconds=micros)))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
HARD = st.sampled_from(
    ["\x00", "a\x00b", " ", "e\u0301", "\u202e", "\r\n", "😀", "\ufeff"]
)  # chance meets these too seldom
_NUMBERS = st.integers() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False, allow_infinity=False)
_SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | _NUMBERS
    | TEXTS
    | st.binary(max_size=8)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=_ZONES)
    | st.times(timezones=st.none() | _ZONES)
)
KEYS = TEXTS | st.sampled_from(["$", "$set", "$tuple", "$datetime", "$x", "a.b", ""])
_HASHABLE: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.frozensets(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS | st.sets(_HASHABLE, max_size=3) | st.frozensets(_HASHABLE, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


@clause("values.any", "Any legal value comes back equal, type for type.", sealed=True)
def anything(case: Case) -> None:
    adapter = case.run(case.open())
    numbers = count()

    @case.given(case.size(10, 60, 500), value=VALUES)
    def check(value: Any) -> None:
        with case.about(f"the value {value!r:.500}"):
            case.run(round_trip(case, adapter, {"v": value}, f"s{next(numbers)}"))

    check()


@clause("values.any_state", "Any state comes back equal, its keys in their order.")
def any_state(case: Case) -> None:
    adapter = case.run(case.open())
    numbers = count()

    @case.given(case.size(10, 60, 500), value=st.dictionaries(KEYS, VALUES, max_size=4))
    def check(value: dict[str, Any]) -> None:
        with case.about(f"the state {value!r:.500}"):
            case.run(_state_through(case, adapter, value, f"s{next(numbers)}"))

    check()


async def _state_through(case: Case, adapter: Adapter, value: dict[str, Any], name: str) -> None:
    routes = {"": value, "$": value}
    await adapter.sessions.save(Session(id=name, data=value, metadata=value, data_by_route=routes))
    found = await adapter.sessions.get(name)
    assert found is not None, "the session that was just saved is not there"
    case.same(found.data, value, "data")
    case.same(found.metadata, value, "metadata")
    case.same(found.data_by_route, routes, "data_by_route")


@clause("values.any_text", "Any text comes back as it was, from each field that takes text.")
def any_text(case: Case) -> None:
    adapter = case.run(case.open())
    numbers = count()
    texts = TEXTS | HARD
    maybe = st.none() | texts

    @case.given(case.size(10, 60, 500), content=texts, name=maybe, route=maybe)
    def check(content: str, name: str | None, route: str | None) -> None:
        with case.about(f"content {content!r}, name {name!r}, route {route!r}"):
            session = Session(id=f"s{next(numbers)}", current_route=route, current_step=name)
            message = Message(
                id="m", role="user", content=content, name=name, route=route, step=name, format=route
            )
            case.run(_text_through(case, adapter, session, message))

    check()


async def _text_through(case: Case, adapter: Adapter, session: Session, message: Message) -> None:
    await adapter.sessions.save(session)
    await adapter.messages.append(session.id, [message])
    found = await adapter.messages.get(session.id, "m")
    state = await adapter.sessions.get(session.id)
    assert found is not None, "the message that was just appended is not there"
    assert state is not None, "the session that was just saved is not there"
    for field in ("content", "name", "route", "step", "format"):
        case.same(getattr(found, field), getattr(message, field), field)
    for field in ("current_route", "current_step"):
        case.same(getattr(state, field), getattr(session, field), field)


@clause(
    "values.same_words",
    "A message that was read and is appended again is the same message, whatever it holds.",
    sealed=True,
)
def same_words(case: Case) -> None:
    adapter = case.run(case.open())
    numbers = count()

    @case.given(case.size(10, 40, 300), value=VALUES)
    def check(value: Any) -> None:
        with case.about(f"raw={value!r:.500}"):
            case.run(_again(case, adapter, value, f"s{next(numbers)}"))

    check()


async def _again(case: Case, adapter: Adapter, value: Any, name: str) -> None:
    await adapter.sessions.save(Session(id=name))
    [stored] = await adapter.messages.append(name, [Message(id="m", role="user", raw=value)])
    read = await adapter.messages.get(name, "m")
    assert read is not None, "the message that was just appended is not there"
    again = await adapter.messages.append(name, [read])
    case.same(list(again), [stored], "what append gave back the second time")
