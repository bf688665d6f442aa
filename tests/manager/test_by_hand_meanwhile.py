"""What is saved by hand is stored as it was when the call was made, whoever changes it meanwhile."""

import asyncio

import pytest
from pydantic import BaseModel

from holdfast import Hooks, Message, PersistenceManager, Session, Text


class Booking(BaseModel):
    guests: int = 2


@pytest.fixture
def changing(adapter, clock):
    """A manager whose ``before_save`` notes what it has seen; then the caller changes what he handed in."""

    def make(change, seen, **options):
        async def before_save(turn):
            await asyncio.sleep(0)
            seen.append(turn)
            change()

        return PersistenceManager(adapter, clock=clock, hooks=Hooks(before_save=before_save), **options)

    return make


async def test_a_saved_state_is_the_one_that_the_hook_has_seen(changing, manager):
    session = await manager.save(Session(id="s", data={"cart": [1]}, metadata={"a": {}}))

    def change():
        session.data["cart"].append(2)
        session.metadata["a"]["b"] = 1
        session.status = "completed"

    seen = []
    saved = await changing(change, seen).save(session)
    assert seen[0].session.data == saved.data == {"cart": [1]}
    assert (saved.metadata, saved.status) == ({"a": {}}, "active")
    assert await manager.load("s") == saved


async def test_what_does_not_fit_the_type_gets_in_by_no_detour(changing, manager):
    session = await manager.save(Session(id="s", data={"guests": 2}, schema_version=1))
    typed = changing(lambda: session.data.update(guests="many"), [], data_type=Booking)
    await typed.save(session)
    assert (await typed.load("s")).data == {"guests": 2}


async def test_a_save_that_looks_at_the_store_first_stores_what_it_was_given(adapter, clock, manager):
    session = await manager.save(Session(id="s", data={"n": [1]}))
    changes = []
    watching = PersistenceManager(adapter, clock=clock, hooks=Hooks(on_data_change=changes.append))
    session.data["n"].append(2)
    saving = asyncio.create_task(watching.save(session))
    await asyncio.sleep(0)
    session.data["n"].append(3)
    assert (await saving).data == {"n": [1, 2]}
    assert [change.after for change in changes] == [{"n": [1, 2]}]


async def test_appended_messages_are_those_that_the_hook_has_seen(changing, manager):
    await manager.save(Session(id="s"))
    message = Message(role="user", content=[Text(text="x")], metadata={"ok": 1})

    def change():
        message.metadata["card"] = "4111"
        message.content.append(Text(text="y"))

    seen = []
    await changing(change, seen).append("s", message)
    [stored] = await manager.history("s")
    assert seen[0].messages[0].metadata == stored.metadata == {"ok": 1}
    assert stored.text == "x"


async def test_a_retry_of_a_completion_says_the_time_of_its_first_try(manager, clock):
    session = await manager.save(Session(id="s"))
    session.status = "completed"
    first = await manager.save(session, turn_id="t")
    clock.pass_(hours=1)
    assert await manager.save(session, turn_id="t") == first
    assert session.completed_at is None
