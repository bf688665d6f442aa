"""Changes that are made again when others were faster."""

import asyncio

import pytest
from tests.manager.stories import POLICIES, stored

from holdfast import InvalidArgument, NotFound, PersistenceManager, Session


@pytest.fixture
def managed(adapter, clock):
    """A manager with a policy."""
    return lambda on_conflict, **options: PersistenceManager(
        adapter, clock=clock, on_conflict=on_conflict, **options
    )


@pytest.mark.parametrize("policy", POLICIES)
async def test_twenty_updates_at_once_lose_nothing_under_every_policy(managed, policy):
    manager = managed(policy)
    await manager.save(Session(id="s", data={"n": 0}))

    def add(session):
        session.data["n"] += 1

    saved = await asyncio.gather(*[manager.update("s", add) for _ in range(20)])
    assert (await manager.load("s")).data == {"n": 20}
    assert sorted(session.data["n"] for session in saved) == list(range(1, 21))
    assert sorted(session.version for session in saved) == list(range(2, 22))


async def test_an_update_that_raises_writes_nothing(manager):
    await manager.save(Session(id="s", data={"n": 0}))

    def change(session):
        session.data["n"] = 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await manager.update("s", change)
    assert await stored(manager) == (1, {"n": 0})


async def test_an_update_that_awaits_is_refused_and_writes_nothing(manager):
    await manager.save(Session(id="s", data={"n": 0}))

    async def change(session):
        session.data["n"] = 1

    def nested(session):
        session.data["n"] = 1
        return manager.update("s", lambda inner: None)

    for awaits in (change, nested):
        with pytest.raises(InvalidArgument):
            await manager.update("s", awaits)
    assert await stored(manager) == (1, {"n": 0})


async def test_an_update_that_starts_another_one_loses_neither(manager):
    await manager.save(Session(id="s"))
    tasks = []

    def outer(session):
        if not tasks:
            tasks.append(asyncio.ensure_future(manager.update_data("s", {"inner": 1})))
        session.data["outer"] = 1

    await manager.update("s", outer)
    await asyncio.gather(*tasks)
    assert (await stored(manager))[1] == {"inner": 1, "outer": 1}


async def test_an_update_of_the_status_and_the_metadata(manager, clock):
    await manager.save(Session(id="s"))

    def change(session):
        session.state.status = "completed"
        session.state.metadata["by"] = "hand"

    updated = await manager.update("s", change)
    assert (updated.status, updated.completed_at, updated.metadata) == ("completed", clock(), {"by": "hand"})
    assert await manager.load("s") == updated


async def test_an_update_of_another_life_or_nothing(manager):
    with pytest.raises(NotFound):
        await manager.update("s", lambda session: session.data.update(a=1))
    assert await manager.load("s") is None
    await manager.save(Session(id="s", user_id="u"))
    with pytest.raises(NotFound):
        await manager.for_user("v").update("s", lambda session: session.data.update(a=1))
    assert await stored(manager) == (1, {})
