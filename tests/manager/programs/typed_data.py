"""What type checkers are to understand: this program is not run, but checked by mypy and pyright."""
# pyright: strict

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, assert_type

from pydantic import BaseModel
from typing_extensions import TypedDict

from holdfast import Autosave, LiveSession, LiveTurn, Message, PersistenceManager, Session
from holdfast.repositories import Adapter


class Booking(BaseModel):
    name: str
    seats: list[int] = []


@dataclass
class Order:
    total: int = 0


class Profile(TypedDict, total=False):
    name: str


def book() -> Booking:
    return Booking(name="")


async def typed(adapter: Adapter) -> None:
    manager = PersistenceManager(adapter, data_type=Booking, data_factory=book)
    assert_type(manager, PersistenceManager[Booking])
    assert_type(manager.for_user("u"), PersistenceManager[Booking])
    assert_type(manager.for_tenant("t"), PersistenceManager[Booking])
    assert_type(manager.for_tenant("t").for_user("u"), PersistenceManager[Booking])
    async with manager as entered:
        assert_type(entered, PersistenceManager[Booking])
    async with manager.session("s") as session:
        assert_type(session, LiveSession[Booking])
        assert_type(session.data, Booking)
        assert_type(session.data.seats, list[int])
        assert_type(session.state, Session)
        async with session.turn() as turn:
            assert_type(turn, LiveTurn)
            assert_type(turn.add("user", "x"), Message)
            session.data = Booking(name="x")
        async with session.regenerate() as again:
            assert_type(again, LiveTurn)
    assert_type(await manager.load("s"), Session | None)
    assert_type(await manager.update("s", lambda live: live.data.seats.append(1)), Session)
    assert_type(await manager.history("s"), list[Message])
    assert_type(await manager.history("s", as_dicts=True), list[dict[str, Any]])


async def others(adapter: Adapter) -> None:
    orders = PersistenceManager(adapter, data_type=Order, autosave=Autosave(every=1.0), on_conflict="merge")
    async with orders.session("s") as order:
        assert_type(order.data, Order)
    profiles = PersistenceManager(adapter, data_type=Profile)
    async with profiles.session("s") as profile:
        assert_type(profile.data, Profile)


async def plain(adapter: Adapter) -> None:
    manager = PersistenceManager(adapter)
    assert_type(manager, PersistenceManager[dict[str, Any]])
    tuned = PersistenceManager(adapter, on_conflict=lambda base, mine, theirs: mine, schema_version=2)
    assert_type(tuned, PersistenceManager[dict[str, Any]])
    async with manager.session("s") as session:
        assert_type(session.data, dict[str, Any])
        session.data["anything"] = object()
    await manager.update("s", lambda live: live.data.update(n=1))


async def from_the_environment() -> AsyncIterator[None]:
    async with PersistenceManager.from_env() as manager:
        assert_type(manager, PersistenceManager[dict[str, Any]])
    async with PersistenceManager.from_env(data_type=Booking, data_factory=book) as bookings:
        assert_type(bookings, PersistenceManager[Booking])
        async with bookings.session("s") as session:
            assert_type(session.data, Booking)
    async with PersistenceManager.from_env(data_type=Order, on_conflict="merge") as orders:
        assert_type(orders, PersistenceManager[Order])
    yield
