"""A session's data as a pydantic model of yours, which grows up: old bookings are upgraded when they are loaded.

Install ``holdfast[sqlite]`` and run this file; give it a path (``typed_booking.py chat.db``) to keep the database.

Version 1 of a program stores a booking, and version 2, whose model is another one, goes on with it. What does not
fit the model is refused, on its way in and on its way out. It ends with 1 if a promise does not hold.
"""

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel, Field

import holdfast
from holdfast import Adapter, HoldfastError, InvalidArgument, InvalidData, LiveSession, PersistenceManager

LUIGIS = "Luigi's"

# --- version 1 of the program ---------------------------------------------------------------------------


class FirstBooking(BaseModel):
    """What version 1 knew: everything was a string."""

    name: str = ""
    evening: str = ""
    guests: str = ""


def first_program(adapter: Adapter) -> PersistenceManager[FirstBooking]:
    """The manager of version 1."""
    return PersistenceManager(adapter, data_type=FirstBooking)


# --- version 2 ------------------------------------------------------------------------------------------


class Booking(BaseModel):
    """What version 2 knows. One field is required: ``data_factory`` makes the data of a new session."""

    restaurant: str
    name: str | None = None
    date: dt.date | None = None
    guests: int | None = Field(default=None, ge=1, le=20)


def upgrade(old: dict[str, Any]) -> dict[str, Any]:
    """From version 1 to version 2, on plain values: the old model need not be kept."""
    guests = int(old["guests"]) if old["guests"] else None
    return {"restaurant": LUIGIS, "name": old["name"] or None, "date": old["evening"] or None, "guests": guests}


def program(adapter: Adapter) -> PersistenceManager[Booking]:
    """The manager of version 2."""
    return PersistenceManager(
        adapter,
        data_type=Booking,
        data_factory=lambda: Booking(restaurant=LUIGIS),
        schema_version=2,
        migrations={1: upgrade},
    )


# --- what is promised -----------------------------------------------------------------------------------


async def main(path: Path) -> None:
    """Store with version 1, go on with version 2."""
    session_id = f"booking-{uuid4().hex:.8}"
    async with holdfast.open(f"sqlite:///{quote(path.as_posix())}") as adapter:
        print("Version 1 of the program stores a booking:")
        await begin(adapter, session_id)
        print("Version 2 goes on with it:")
        await go_on(adapter, session_id)
        print("It sets a value that cannot be:")
        await set_wrong(adapter, session_id)
        print("Another program, without a model, stores one that cannot be:")
        await find_wrong(adapter, session_id)


async def begin(adapter: Adapter, session_id: str) -> None:
    """The booking as version 1 makes it."""
    async with first_program(adapter).session(session_id) as session:
        session.data = FirstBooking(name="Jane Doe", evening="2026-03-06", guests="4")
    print(f"  stored: {await stored(adapter, session_id)}")


async def go_on(adapter: Adapter, session_id: str) -> None:
    """Loading upgrades, saving writes back."""
    upgraded = Booking(restaurant=LUIGIS, name="Jane Doe", date=dt.date(2026, 3, 6), guests=4)
    async with program(adapter).session(session_id) as session:
        check(f"upgraded: {session.data!r}", session.data == upgraded)
        check("not written back by loading", (await stored(adapter, session_id)).get("guests") == "4")
        async with session.turn() as turn:
            turn.add("user", "Make it five.")
            session.data.guests = 5  # an int, which type checkers know
    print(f"  stored: {await stored(adapter, session_id)}")
    check("written back with the next save", (await stored(adapter, session_id)).get("guests") == 5)
    error = await error_of(first_program(adapter).load(session_id))
    print(f"  {error}")
    check("version 1, where it still runs, keeps its hands off", getattr(error, "path", "") == "schema_version")


async def set_wrong(adapter: Adapter, session_id: str) -> None:
    """What does not fit is not stored: the turn fails as a whole, and the data is again what it was."""
    async with program(adapter).session(session_id) as session:
        error = await error_of(say_zero(session))
        print(f"  {error}")
        check("refused, with the place", isinstance(error, InvalidArgument) and "data.guests" in error.detail)
        check("the data is what it was", session.data.guests == 5)
        check("its words are not stored either", len(await session.history()) == 1)


async def say_zero(session: LiveSession[Booking]) -> None:
    """A turn that sets what cannot be."""
    async with session.turn() as turn:
        turn.add("user", "Nobody comes.")
        session.data.guests = 0


async def find_wrong(adapter: Adapter, session_id: str) -> None:
    """What is stored and does not fit is never given out as if it did, and it can still be read."""
    plain, typed = PersistenceManager(adapter, schema_version=2), program(adapter)
    await plain.update_data(session_id, {"guests": "many"})
    error = await error_of(typed.load(session_id))
    print(f"  {error}")
    check("a clear error, with the place", isinstance(error, InvalidData) and error.path == "data.guests")
    raw = await typed.load(session_id, raw=True)
    check("it can be read as it is", raw is not None and raw.data["guests"] == "many")
    await plain.update_data(session_id, {"guests": None})
    check("and mended", await error_of(typed.load(session_id)) is None)


async def error_of(doing: Awaitable[object]) -> HoldfastError | None:
    """What goes wrong, if anything does."""
    try:
        await doing
    except HoldfastError as error:
        return error
    return None


async def stored(adapter: Adapter, session_id: str) -> dict[str, Any]:
    """The data as it is stored."""
    session = await adapter.sessions.get(session_id)
    return session.data if session else {}


def check(promise: str, kept: bool) -> None:  # noqa: FBT001 - reads as a sentence
    """Print a promise that was kept; end with 1 at one that was not."""
    print(f"  {'[ok]' if kept else '[BROKEN]'} {promise}", flush=True)
    if not kept:
        sys.exit(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [path]:
            asyncio.run(main(Path(path)))
        case _:
            with TemporaryDirectory() as folder:
                asyncio.run(main(Path(folder, "chat.db")))
