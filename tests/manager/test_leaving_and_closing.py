"""Leaving a session and closing the manager: what is stored, what is let go, and what is named."""

import asyncio

import pytest
from tests.manager.waiting import NEVER, SOON, say, stored, words

from holdfast import (
    Autosave,
    BackendUnavailable,
    FlushIncomplete,
    Hooks,
    InvalidArgument,
    OutcomeUnknown,
    PersistenceManager,
)

# --- leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("autosave", ["turn", "session"])
async def test_what_a_cancelled_leaving_has_left_is_stored_without_it_and_the_handle_let_go(
    make_manager, slow, autosave, others
):
    async with make_manager(autosave=autosave) as manager:

        async def request():
            async with manager.session("s") as session:
                await say(session, 1)
                await say(session, 2)
                session.data["left"] = True
                slow.under_way.clear()
                slow.clear()

        asking = asyncio.create_task(request())
        while slow.is_set():
            await asyncio.sleep(0)
        await slow.under_way.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        slow.set()
        async with asyncio.timeout(20):
            while manager._context.backlog._sessions:
                await asyncio.sleep(0.001)
        assert (await stored(others))[0] == words(1, 2)


async def test_what_leaving_has_refused_is_not_stored_by_a_timer_that_went_off_meanwhile(adapter, manager):
    refused, reached, goes_on = [], asyncio.Event(), asyncio.Event()

    async def refuse(turn):
        reached.set()
        await goes_on.wait()
        if not refused:
            refused.append(turn)
            raise ZeroDivisionError

    autosave = Autosave(every=0.001)
    async with PersistenceManager(adapter, autosave=autosave, hooks=Hooks(before_save=refuse)) as behind:

        async def visit():
            async with behind.session("s") as session, session.turn() as turn:
                turn.add("user", "x")

        visiting = asyncio.create_task(visit())
        await reached.wait()  # by leaving, or by the timer; the other one waits for it
        while not behind._context.backlog._tasks:
            await asyncio.sleep(0.001)
        goes_on.set()
        with pytest.raises(ZeroDivisionError):
            await visiting
        await asyncio.gather(*behind._context.backlog._tasks, return_exceptions=True)
    assert await manager.load("s") is None


@pytest.mark.parametrize("autosave", ["session", NEVER], ids=str)
@pytest.mark.parametrize("wrong", ["state", "turn"])
async def test_what_cannot_be_stored_on_leaving_keeps_no_turn_from_being_stored(
    make_manager, others, autosave, wrong
):
    async with make_manager(autosave) as manager:
        with pytest.raises(InvalidArgument):
            async with manager.session("s") as session:
                await say(session, 1)
                if wrong == "state":
                    session.data["x"] = object()
                else:
                    await session.turn().__aenter__()
    assert await stored(others) == (words(1), {"n": 1})


@pytest.mark.parametrize("autosave", ["session", SOON], ids=str)
async def test_whoever_goes_on_with_a_handle_that_was_left_goes_on_with_all_that_it_holds(
    make_manager, others, autosave
):
    refused = []

    def refuse_once(turn):
        if not refused:
            refused.append(turn)
            raise ZeroDivisionError

    async with make_manager(autosave, hooks=Hooks(before_save=refuse_once)) as manager:
        with pytest.raises(ZeroDivisionError):
            async with manager.session("s") as session:
                await say(session, 1)
        await say(session, 2)
        await manager.flush()
        assert not session.waits
    assert await stored(others) == (words(1, 2), {"n": 2})


# --- closing -------------------------------------------------------------------------------------


async def test_closing_names_all_that_it_could_not_store_states_alone_too(make_manager, failing, others):
    manager = await make_manager(autosave="turn").__aenter__()
    for name in ("a", "b"):
        await others.load_or_create(name)
        session = await manager.session(name).__aenter__()
        session.data["n"] = 1
        failing(OutcomeUnknown("no answer"))
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        await others.update_data(name, {"n": 2})
    with pytest.raises(FlushIncomplete) as caught:
        await manager.aclose()
    assert set(caught.value.session_ids) == {"a", "b"}


async def test_closing_does_not_name_what_is_durable_though_its_hook_had_to_be_stopped(make_manager, others):
    async def for_ever(turn, committed):
        await asyncio.Event().wait()

    manager = await make_manager(autosave="session", hooks=Hooks(after_save=for_ever)).__aenter__()
    session = await manager.session("s").__aenter__()
    await say(session, 1)
    await manager.aclose(timeout=0.01)
    assert not session.waits
    assert await stored(others) == (words(1), {"n": 1})


async def test_a_manager_that_is_entered_again_stores_what_its_closing_has_left(make_manager, failing, told):
    manager = await make_manager(SOON, hooks=told.hooks).__aenter__()
    session = await manager.session("s").__aenter__()
    await say(session, 1)
    failing(*[BackendUnavailable("down")] * 2)
    with pytest.raises(FlushIncomplete):
        await manager.aclose()
    async with manager:
        assert await told.next_save() == "s"
