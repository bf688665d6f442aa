"""What type checkers are to refuse: each line that is marked, and no other. It is not run."""
# pyright: strict

from pydantic import BaseModel

from holdfast import PersistenceManager
from holdfast.repositories import Adapter


class Booking(BaseModel):
    name: str = ""


async def wrong(adapter: Adapter) -> None:
    manager = PersistenceManager(adapter, data_type=Booking)
    PersistenceManager(adapter, autosave="never")  # wrong
    PersistenceManager(adapter, on_conflict="theirs")  # wrong
    PersistenceManager(adapter, data_typ=Booking)  # wrong
    async with manager.session("s") as session:
        session.data["name"] = "x"  # wrong
        session.data.nmae = "x"  # wrong
        session.data = {"name": "x"}  # wrong
        session.data.name = 5  # wrong
        async with session.turn() as turn:
            await turn.commit(state="mine")  # wrong
    await manager.update("s", lambda live: live.data.nmae)  # wrong
    session.turn("a", "b")  # wrong
