"""Autosave(every=…): turns are stored in the background, in time and in their order."""

import asyncio
import gc
from datetime import timedelta

import pytest
from tests.manager.waiting import NEVER, SOON, say, stored, until_idle, words

from holdfast import Autosave, ConfigurationError, Hooks


@pytest.fixture
def make_manager(make_manager, adapter):
    return lambda autosave=SOON, **options: make_manager(autosave, **options)


def timers():
    """The timers of this loop that will still go off."""
    return [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]


# --- in time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [0.001, timedelta(milliseconds=1)])
async def test_a_turn_is_stored_in_the_background_without_any_call(make_manager, told, every):
    async with make_manager(Autosave(every=every), hooks=told.hooks) as manager, manager.session("s") as session:
        for number in (1, 2):
            await say(session, number)
            await told.next_save()
            await until_idle(session)
            assert await stored(manager) == (words(*range(1, number + 1)), {"n": number})


async def test_touch_stores_a_change_outside_a_turn_in_the_background(make_manager, told):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        session.data["a"] = 1
        session.touch()
        await told.next_save()
        assert (await manager.load("s")).data == {"a": 1}


async def test_a_turn_that_ends_while_the_one_before_is_being_stored_is_stored_too(make_manager):
    reached, go_on, saved = asyncio.Event(), asyncio.Event(), asyncio.Queue()

    async def slow(turn):
        reached.set()
        await go_on.wait()

    hooks = Hooks(before_save=slow, after_save=lambda turn, committed: saved.put_nowait(turn))
    async with make_manager(hooks=hooks) as manager, manager.session("s") as session:
        await say(session, 1)
        await asyncio.wait_for(reached.wait(), 20)
        await say(session, 2)
        go_on.set()
        async with asyncio.timeout(20):
            await saved.get()
            await saved.get()
        assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_one_session_that_is_slow_does_not_delay_the_others(make_manager):
    stuck, saved = asyncio.Event(), asyncio.Queue()

    async def slow(turn):
        if turn.session_id == "slow":
            await stuck.wait()

    hooks = Hooks(before_save=slow, after_save=lambda turn, committed: saved.put_nowait(turn.session_id))
    manager = make_manager(hooks=hooks)
    async with manager, manager.session("slow") as first:
        await say(first, 0)
        names = [f"s{number}" for number in range(150)]
        handles = [await manager.session(name).__aenter__() for name in names]
        for handle in handles:
            await say(handle, 1)
        async with asyncio.timeout(30):
            assert sorted([await saved.get() for _ in names]) == sorted(names)
        assert await manager.load("slow") is None
        stuck.set()
        async with asyncio.timeout(20):
            assert await saved.get() == "slow"


# --- where nothing waits, nothing runs -----------------------------------------------------------


async def test_where_nothing_waits_nothing_runs(make_manager, told):
    async with make_manager(hooks=told.hooks) as manager:
        handles = [await manager.session(f"s{number}").__aenter__() for number in range(100)]
        before = asyncio.all_tasks()
        timers_before = timers()
        for handle in handles:
            await say(handle, 1)
        for _ in handles:
            await told.next_save()
        for handle in handles:
            await until_idle(handle)
        for _ in range(20):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before
        assert timers() == timers_before


async def test_an_open_session_that_was_only_read_costs_neither_a_timer_nor_a_task(make_manager):
    async with make_manager(NEVER) as manager:
        before, timers_before = asyncio.all_tasks(), timers()
        for number in range(100):
            session = await manager.session(f"s{number}").__aenter__()
            async with session.turn():
                pass
            session.data["changed"] = "in place, which nobody looks for"
        await manager.flush()
        assert asyncio.all_tasks() <= before
        assert timers() == timers_before


async def test_closing_leaves_neither_timers_nor_tasks(make_manager):
    before, timers_before = asyncio.all_tasks(), timers()
    async with make_manager(NEVER) as manager:
        for number in range(10):
            await say(await manager.session(f"s{number}").__aenter__(), 1)
    assert asyncio.all_tasks() <= before
    assert timers() == timers_before


# --- who may wait --------------------------------------------------------------------------------


async def test_a_manager_that_was_not_entered_refuses_sessions(make_manager):
    manager = make_manager(NEVER)
    with pytest.raises(ConfigurationError):
        async with manager.session("s"):
            pass
    with pytest.raises(ConfigurationError):
        async with manager.for_user("u").session("s"):
            pass
    assert await manager.load("s") is None


async def test_what_is_saved_by_hand_needs_no_entering(make_manager):
    manager = make_manager(NEVER)
    await manager.load_or_create("s")
    await manager.update_data("s", {"a": 1})
    assert (await manager.load("s")).data == {"a": 1}


async def test_views_share_the_backlog(make_manager, adapter):
    async with make_manager(NEVER) as manager:
        mine = await manager.for_user("u").session("mine").__aenter__()
        there = await manager.for_tenant("t").session("there").__aenter__()
        both = await manager.for_tenant("t").for_user("u").session("both").__aenter__()
        for session in (mine, there, both):
            await say(session, 1)
        assert await manager.load("mine") is None
    assert await stored(manager, "mine") == (words(1), {"n": 1})
    assert await stored(manager.for_tenant("t"), "there") == (words(1), {"n": 1})
    assert await stored(manager.for_tenant("t").for_user("u"), "both") == (words(1), {"n": 1})


async def test_a_view_flushes_what_waits(make_manager):
    async with make_manager(NEVER) as manager:
        view = manager.for_user("u")
        session = await view.session("s").__aenter__()
        await say(session, 1)
        await view.flush()
        assert await stored(manager) == (words(1), {"n": 1})


async def test_a_handle_that_nobody_holds_any_more_is_stored(make_manager):
    async with make_manager(NEVER) as manager:
        session = await manager.session("s").__aenter__()
        await say(session, 1)
        del session
        gc.collect()
    assert await stored(manager) == (words(1), {"n": 1})


# --- flush ---------------------------------------------------------------------------------------


async def test_a_turn_that_ends_behind_a_flush_does_not_make_the_flush_fail(make_manager):
    stuck, reached = asyncio.Event(), asyncio.Event()

    async def slow(turn):
        if turn.session_id == "slow":
            reached.set()
            await stuck.wait()

    async with make_manager(NEVER, hooks=Hooks(before_save=slow)) as manager:
        slow_one = await manager.session("slow").__aenter__()
        quick = await manager.session("quick").__aenter__()
        await say(quick, 1)
        await say(slow_one, 1)
        flushing = asyncio.create_task(manager.flush())
        await asyncio.wait_for(reached.wait(), 20)
        await until_idle(quick)
        await say(quick, 2)  # the flush has stored all that waited when it was called
        stuck.set()
        await flushing


async def test_the_managers_flush_stores_everything_of_many_sessions(make_manager):
    async with make_manager(NEVER) as manager:
        handles = [await manager.session(f"s{number}").__aenter__() for number in range(200)]
        for handle in handles:
            await say(handle, 1)
            await say(handle, 2)
        await manager.flush()
        assert not any(handle.waits for handle in handles)
        for number in range(200):
            assert await stored(manager, f"s{number}") == (words(1, 2), {"n": 2})


async def test_turns_on_a_handle_go_on_while_the_background_saves_it(make_manager, told):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        for number in range(100):
            async with session.turn() as turn:
                turn.add("user", f"{number}a")
                await asyncio.sleep(0)
                session.data["n"] = number
                await asyncio.sleep(0.0005 if number % 10 == 0 else 0)
                turn.add("assistant", f"{number}b")
    assert await stored(manager) == (words(*range(100)), {"n": 99})
    assert told.saved.qsize() >= 100
    assert (await manager.load("s")).version == 100
