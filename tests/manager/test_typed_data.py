"""Typed data: the user's model in the hand, plain values in the store."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field
from tests.manager.bookings import Booking, Colour, Needs, Order, Profile, Seat
from typing_extensions import TypedDict

from holdfast import BackendUnavailable, ConfigurationError, InvalidArgument, PersistenceManager, Session


@pytest.fixture
def typed(adapter, clock):
    """A manager with a data type."""
    return lambda kind, factory=None, **options: PersistenceManager(
        adapter, data_type=kind, data_factory=factory, clock=clock, **options
    )


@pytest.fixture
def plain(adapter, clock):
    """A manager without one."""
    return PersistenceManager(adapter, clock=clock)


FULL = {
    "name": "Jané 🦊\0",
    "seats": [Seat(row=1), Seat(row=2, note="aisle")],
    "colour": Colour.GREEN,
    "at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "takes": timedelta(days=-1, microseconds=1),
    "price": Decimal("10.10"),
    "ref": UUID(int=7),
    "tags": {"a", "b", "c"},
    "photo": b"plain bytes",
    "pair": (1, "x"),
    "counts": {1: 0.1, -2: 1e300},
    "anything": [1, 2.0, None, True, {"deep": ["x", 10**30]}],
    "firstName": "Jane",
}


async def test_a_model_comes_back_equal(typed):
    manager = typed(Booking)
    async with manager.session("s") as session, session.turn() as turn:
        assert session.data == Booking()
        session.data = Booking(**FULL)
        turn.add("user", "x")
    async with manager.session("s") as session:
        assert session.data == Booking(**FULL)
        assert type(session.data) is Booking
        assert type(session.data.anything[1]) is float
    assert (await manager.load("s")).version == 1


async def test_changes_in_place_are_stored(typed):
    manager = typed(Booking)
    async with manager.session("s") as session:
        async with session.turn():
            session.data.seats.append(Seat(row=3))
        async with session.turn():
            session.data.seats[0].note = "window"
            session.data.tags.add("x")
    async with manager.session("s") as session:
        assert session.data == Booking(seats=[Seat(row=3, note="window")], tags={"x"})
    assert (await manager.load("s")).version == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Order, Order("x", [Seat(row=1)], datetime(2026, 1, 1, tzinfo=UTC))),
        (Profile, {"name": "x", "at": datetime(2026, 1, 1, tzinfo=UTC), "tags": {"a"}}),
        (dict[str, int], {"a": 1}),
    ],
)
async def test_other_types_come_back_equal(typed, kind, value):
    manager = typed(kind)
    async with manager.session("s") as session, session.turn():
        session.data = value
    async with manager.session("s") as session:
        assert session.data == value
        assert type(session.data) is type(value)
    assert (await manager.load("s")).version == 1


async def test_required_fields_come_from_the_factory(typed):
    with pytest.raises(ConfigurationError, match="data_factory"):
        typed(Needs)
    manager = typed(Needs, lambda: Needs(name="nobody"))
    async with manager.session("s") as session:
        assert session.data == Needs(name="nobody")
        session.data.age = 3
    async with manager.session("s") as session:
        assert session.data == Needs(name="nobody", age=3)


async def test_two_sessions_share_nothing(typed):
    shared = Booking()
    for manager in (typed(Booking), typed(Booking, lambda: shared.model_copy(deep=True))):
        async with manager.session("a") as one, manager.session("b") as two:
            one.data.seats.append(Seat(row=1))
            assert two.data.seats == []
        await manager.delete("a")
        await manager.delete("b")


@pytest.mark.parametrize(
    ("kind", "factory"),
    [
        (Needs, lambda: {"name": "x"}),
        (Needs, lambda: None),
        (Needs, lambda: Needs.model_construct(name=object())),
        (object, None),
        (list[int], None),
        (int, None),
    ],
)
def test_a_type_or_a_factory_that_cannot_work_is_refused(typed, kind, factory):
    with pytest.raises(ConfigurationError):
        typed(kind, factory)


def test_a_factory_needs_a_type(adapter):
    with pytest.raises(ConfigurationError):
        PersistenceManager(adapter, data_factory=dict)


class TwoNames(BaseModel):
    name: str = Field("", validation_alias="in", serialization_alias="out")


class ByAlias(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper, populate_by_name=True)
    name: str = ""


@pytest.mark.parametrize("kind", [TwoNames, ByAlias])
async def test_what_was_acknowledged_is_there_after_a_reload_or_was_refused(typed, kind):
    try:
        manager = typed(kind)
    except ConfigurationError:
        return
    async with manager.session("s") as session:
        try:
            async with session.turn():
                session.data.name = "x"
        except InvalidArgument:
            return
    async with manager.session("s") as session:
        assert session.data.name == "x"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("nan")], {"deep": [float("-inf")]}])
async def test_no_number_becomes_null(typed, value):
    manager = typed(Booking)
    with pytest.raises(InvalidArgument):
        async with manager.session("s") as session, session.turn():
            session.data.anything = value
    assert await manager.load("s") is None


async def test_bytes_that_are_no_text_come_back_or_are_refused(typed):
    manager = typed(Booking)
    async with manager.session("s") as session:
        try:
            async with session.turn():
                session.data.photo = b"\xff\x00"
        except InvalidArgument:
            assert session.data == Booking()
            return
    async with manager.session("s") as session:
        assert session.data.photo == b"\xff\x00"


async def test_a_key_that_the_type_does_not_have_is_kept_or_refused(typed):
    manager = typed(Profile)
    try:
        async with manager.session("s") as session, session.turn():
            session.data["typo"] = 1
    except InvalidArgument:
        return
    assert (await manager.load("s")).data == {"typo": 1}


class Address(TypedDict, total=False):
    city: str


class Person(TypedDict, total=False):
    address: Address


async def test_a_key_deep_inside_that_the_type_does_not_have_is_kept_or_refused(typed):
    manager = typed(Person)
    try:
        async with manager.session("s") as session, session.turn():
            session.data["address"] = {"city": "x", "typo": 1}
    except InvalidArgument:
        return
    assert (await manager.load("s")).data == {"address": {"city": "x", "typo": 1}}


class Window(Seat):
    view: str = ""


@pytest.mark.parametrize("inside", [True, False])
async def test_what_a_subclass_has_in_addition_is_kept_or_refused(typed, inside):
    manager = typed(Booking if inside else Seat, lambda: Booking() if inside else Seat(row=0))
    try:
        async with manager.session("s") as session, session.turn():
            if inside:
                session.data.seats.append(Window(row=1, view="sea"))
            else:
                session.data = Window(row=1, view="sea")
    except InvalidArgument:
        return
    stored = (await manager.load("s")).data
    assert (stored["seats"][0] if inside else stored)["view"] == "sea"


async def test_data_that_was_emptied_stays_empty(typed):
    manager = typed(dict[str, int], lambda: {"n": 1})
    async with manager.session("s") as session:
        assert session.data == {"n": 1}
        async with session.turn():
            session.data.clear()
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                session.data["x"] = 1
                raise ZeroDivisionError
        assert session.data == {}
    async with manager.session("s") as session:
        assert session.data == {}


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, validate_assignment=True, extra="forbid")
    at: datetime | None = None
    price: Decimal = Decimal(0)
    ref: UUID | None = None
    colour: Colour = Colour.RED
    tags: frozenset[str] = frozenset()
    pair: tuple[int, int] = (0, 0)

    @computed_field
    @property
    def total(self) -> Decimal:
        return self.price * 2


async def test_a_strict_model_with_computed_fields(typed):
    manager = typed(Strict)
    value = Strict(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        price=Decimal("1.50"),
        ref=UUID(int=1),
        colour=Colour.GREEN,
        tags=frozenset({"a", "b"}),
        pair=(1, 2),
    )
    async with manager.session("s") as session, session.turn():
        session.data = value
    async with manager.session("s") as session:
        assert session.data == value
    assert "total" not in (await manager.load("s")).data


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = ""


async def test_extra_fields_are_kept_where_the_model_allows_them(typed):
    manager = typed(Open)
    async with manager.session("s") as session, session.turn():
        session.data = Open(name="x", more=[1, 2])
    await manager.update_data("s", {"name": "y", "even": "more"})
    async with manager.session("s") as session:
        assert session.data == Open(name="y", more=[1, 2], even="more")


@pytest.mark.parametrize("stored", [{}, {"name": "x"}, {"tags": ["b", "a"]}, {"name": "x", "unknown": 1}])
async def test_reading_typed_data_writes_nothing(typed, plain, stored):
    await plain.save(Session(id="s", data=stored))
    manager = typed(Booking)
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        await session.flush()
    await manager.update("s", lambda session: session.data.name)
    after = await plain.load("s")
    assert (after.version, after.data) == (1, stored)


PROGRAM = """
import asyncio, sys
from pydantic import BaseModel
from holdfast import PersistenceManager
from holdfast_sqlite import SQLiteAdapter

class Data(BaseModel):
    tags: set[str] = set()
    counts: dict[str, float] = {}

async def main():
    async with SQLiteAdapter(sys.argv[1]) as adapter:
        manager = PersistenceManager(adapter, data_type=Data)
        async with manager.session("s") as session:
            if not session.state.version:
                session.data = Data(tags=set("abcdefgh"), counts={"a": 1.0, "b": 0.1})
            async with session.turn() as turn:
                turn.add("user", "x")
        print((await manager.load("s")).version)

asyncio.run(main())
"""


def test_unchanged_data_writes_nothing_in_another_process(tmp_path):
    for seed in ("1", "2", "3"):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "chat.db")]
        done = subprocess.run(
            command, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}, check=False, timeout=60
        )
        assert (done.stdout, done.stderr) == ("1\n", "")


class Numbers(BaseModel):
    seen: set[int] = set()


async def test_a_turn_with_a_set_can_be_committed_again(typed, failing):
    manager = typed(Numbers)
    async with manager.session("s") as session:
        async with session.turn():
            session.data.seen = set(range(100))
            for number in set(range(100)) - {1, 64}:
                session.data.seen.discard(number)  # it keeps its large table, and so another order
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            async with session.turn() as turn:
                turn.add("user", "x")
                session.state.metadata["n"] = 1
        await turn.commit()
    assert len(await manager.history("s")) == 1


async def test_a_turn_that_failed_leaves_no_change_of_a_set_behind(typed):
    manager = typed(Numbers)
    async with manager.session("s") as session:
        session.data.seen = set(range(100))
        for number in set(range(100)) - {1, 64}:
            session.data.seen.discard(number)
        await session.flush()
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                raise ZeroDivisionError
    assert (await manager.load("s")).version == 1
