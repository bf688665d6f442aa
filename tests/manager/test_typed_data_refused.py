"""Typed data that is wrong: in the hand, and in the store."""

import traceback
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from tests.manager.bookings import SECRET, Booking, Checked, Needs, Seat

from holdfast import InvalidArgument, InvalidData, Message, PersistenceManager, Session


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


def wrong(session):
    """Ways to put the data wrong."""

    def replace(value):
        session.data = value

    return [
        lambda: setattr(session.data, "age", SECRET),
        lambda: setattr(session.data, "name", None),
        lambda: setattr(session.data, "name", SECRET),
        lambda: setattr(session.data, "start", 11),
        lambda: setattr(session.data, "kind", SECRET),
        lambda: session.data.seats.append(SECRET),
        lambda: session.data.seats.append(Seat.model_construct(row=object())),
        lambda: session.data.seats.append(session.data.seats),
        lambda: replace(None),
        lambda: replace([SECRET]),
        lambda: replace(5),
    ]


@pytest.mark.parametrize("number", range(11))
async def test_a_wrong_value_is_refused_and_everything_is_put_back(typed, number):
    manager = typed(Checked)
    async with manager.session("s") as session:
        async with session.turn():
            session.data.name = "Jane"
        with pytest.raises(InvalidArgument) as caught:
            async with session.turn() as turn:
                turn.add("user", "x")
                session.state.metadata["lost"] = 1
                wrong(session)[number]()
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert session.data == Checked(name="Jane")
        assert session.state.metadata == {}
        async with session.turn():
            session.data.age = 3
    stored = await manager.load("s")
    assert stored.version == 2
    assert stored.data == Checked(name="Jane", age=3).model_dump()
    assert await manager.history("s") == []


async def test_a_wrong_value_outside_a_turn_is_refused_by_flush_and_can_be_mended(typed):
    manager = typed(Checked)
    async with manager.session("s") as session:
        session.data.age = SECRET
        with pytest.raises(InvalidArgument):
            await session.flush()
        session.data.age = 4
    assert (await manager.load("s")).data["age"] == 4


async def test_a_wrong_value_at_a_checkpoint_can_be_mended(typed):
    manager = typed(Checked)
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "x")
        session.data.age = SECRET
        with pytest.raises(InvalidArgument):
            await turn.checkpoint()
        session.data.age = 4
    assert (await manager.load("s")).data["age"] == 4
    assert len(await manager.history("s")) == 1


@pytest.mark.parametrize("kind", [Booking, Needs])
async def test_a_dict_in_place_of_the_model_is_refused_or_becomes_one(typed, kind):
    manager = typed(kind, lambda: kind(name="x"))
    async with manager.session("s") as session:
        try:
            async with session.turn():
                session.data = {"name": "y"}
        except InvalidArgument:
            pass
        assert type(session.data) is kind


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Strange(Checked):
    age: int = 0
    ref: UUID | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Cat()


INVALID = [
    ({"age": SECRET}, "data.age"),
    ({"name": SECRET}, "data.name"),
    ({"name": ["x", SECRET]}, "data.name"),
    ({"seats": [{"row": 1}, {"row": SECRET}]}, "data.seats[1].row"),
    ({"seats": [{"note": SECRET}]}, "data.seats[0].row"),
    ({"kind": SECRET}, "data.kind"),
    ({"name": SECRET[:4], "start": 99}, "data"),
    ({"ref": SECRET}, "data.ref"),
    ({"pet": {"kind": SECRET}}, "data.pet"),
]


@pytest.mark.parametrize(("data", "path"), INVALID)
async def test_invalid_stored_data_is_told_without_its_content(typed, plain, data, path):
    await plain.save(Session(id="s", data=data))
    await plain.append("s", Message(role="user", content="x"))
    manager = typed(Strange)

    async def opened():
        async with manager.session("s"):
            pass

    calls = [
        opened,
        lambda: manager.load("s"),
        lambda: manager.load_or_create("s"),
        lambda: manager.update("s", lambda session: None),
        lambda: manager.update_data("s", {"name": "x"}),
        lambda: manager.complete("s"),
    ]
    for call in calls:
        with pytest.raises(InvalidData) as caught:
            await call()
        error = caught.value
        assert error.path == path
        assert path in str(error)
        assert error.session_id == "s"
        assert error.session.data == data
        printed = "".join(traceback.format_exception(error))
        assert SECRET not in printed
        assert SECRET[:4] not in printed
    assert (await manager.load("s", raw=True)).data == data
    assert (await plain.load("s")).data == data
    assert (await plain.load("s")).version == 1
    assert len(await manager.history("s")) == 1


async def test_invalid_data_can_be_mended_by_hand(typed, plain):
    await plain.save(Session(id="s", data={"age": SECRET}))
    manager = typed(Checked)
    with pytest.raises(InvalidData) as caught:
        await manager.load("s")
    raw = caught.value.session
    raw.data["age"] = 5
    await manager.save(raw)
    async with manager.session("s") as session:
        assert session.data.age == 5


async def test_data_of_untyped_values_is_read(typed, plain):
    at = datetime(2026, 1, 2, tzinfo=UTC)
    await plain.save(
        Session(
            id="s", data={"at": at, "price": Decimal("1.5"), "ref": UUID(int=1), "tags": {"a"}, "pair": (1, "x")}
        )
    )
    async with typed(Booking).session("s") as session:
        assert session.data == Booking(at=at, price=Decimal("1.5"), ref=UUID(int=1), tags={"a"}, pair=(1, "x"))
    assert (await plain.load("s")).version == 1
