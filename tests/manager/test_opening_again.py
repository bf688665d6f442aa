"""What ``manager.session(…)`` gives is entered once."""

import asyncio

import pytest

from holdfast import BackendUnavailable, Hooks, InvalidArgument, PersistenceManager


async def test_a_session_that_was_left_is_not_entered_again(manager):
    opening = manager.session("s")
    with pytest.raises(ZeroDivisionError):
        async with opening as session:
            session.data["dropped"] = 1
            raise ZeroDivisionError
    with pytest.raises(InvalidArgument):
        async with opening:
            raise AssertionError
    assert await manager.load("s") is None


async def test_a_session_that_is_in_use_is_not_entered_again_and_loses_nothing(manager):
    opening = manager.session("s")
    async with opening as session:
        session.data["mine"] = 1
        with pytest.raises(InvalidArgument):
            await opening.__aenter__()
    assert (await manager.load("s")).data == {"mine": 1}


async def test_of_two_that_enter_at_once_one_is_refused(adapter, clock):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session_id):
        begun.set()
        await go_on.wait()

    opening = PersistenceManager(adapter, clock=clock, hooks=Hooks(before_load=slowly)).session("s")
    first = asyncio.create_task(opening.__aenter__())
    await begun.wait()
    async with asyncio.timeout(20):
        with pytest.raises(InvalidArgument):
            await opening.__aenter__()
    go_on.set()
    (await first).data["mine"] = 1
    await opening.__aexit__(None, None, None)
    assert (await adapter.sessions.get("s")).data == {"mine": 1}


async def test_where_entering_failed_another_one_is_opened(adapter, clock):
    failures = [BackendUnavailable("down")]

    def fails(session_id):
        if failures:
            raise failures.pop()

    manager = PersistenceManager(adapter, clock=clock, hooks=Hooks(before_load=fails))
    opening = manager.session("s")
    with pytest.raises(BackendUnavailable):
        async with opening:
            raise AssertionError
    with pytest.raises(InvalidArgument):
        async with opening:
            raise AssertionError
    async with manager.session("s") as session:
        assert session.data == {}
