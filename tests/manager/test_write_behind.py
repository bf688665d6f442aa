"""Autosave(every=…): turns are stored in the background, whatever the backend does meanwhile."""

import asyncio
import gc
import tracemalloc
from datetime import timedelta

import pytest

from holdfast import (
    Autosave,
    BackendUnavailable,
    ConfigurationError,
    FlushIncomplete,
    Hooks,
    OutcomeUnknown,
    PersistenceManager,
    StorageFull,
)

SOON = Autosave(every=0.001)
NEVER = Autosave(every=3600)  # in these tests, not by itself


@pytest.fixture
def make_manager(adapter, clock):
    return lambda autosave=SOON, **options: PersistenceManager(adapter, autosave=autosave, clock=clock, **options)


class Told:
    """Hooks that tell a test what happens in the background."""

    def __init__(self):
        self.saved = asyncio.Queue()
        self.errors = asyncio.Queue()
        self.hooks = Hooks(
            after_save=lambda turn, committed: self.saved.put_nowait(turn.session_id),
            on_error=lambda session_id, error: self.errors.put_nowait(error),
        )

    async def next_save(self):
        async with asyncio.timeout(20):
            return await self.saved.get()

    async def next_error(self):
        async with asyncio.timeout(20):
            return await self.errors.get()


@pytest.fixture
def told():
    return Told()


async def stored(manager, session_id="s"):
    session = await manager.load(session_id)
    if session is None:
        return None
    return [message.content for message in await manager.history(session_id)], session.data


async def say(session, number):
    async with session.turn() as turn:
        turn.add("user", f"{number}a")
        session.data["n"] = number
        turn.add("assistant", f"{number}b")


def words(*numbers):
    return [f"{number}{letter}" for number in numbers for letter in "ab"]


async def until_idle(session):
    """What was put down as saved is noted by the handle a few turns of the loop later."""
    async with asyncio.timeout(20):
        while session.waits:
            await asyncio.sleep(0)


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


# --- the backend fails ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "executed"),
    [(BackendUnavailable("down"), False), (OutcomeUnknown("cut"), False), (OutcomeUnknown("cut"), True)],
)
async def test_a_failure_that_passes_is_tried_again_and_stored_once(make_manager, told, failing, error, executed):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        failing(error, error, error, executed=executed)
        await say(session, 1)
        for _ in range(3):
            assert type(await told.next_error()) is type(error)
        await told.next_save()
        await until_idle(session)
        await say(session, 2)
    assert await stored(manager) == (words(1, 2), {"n": 2})
    assert (await manager.load("s")).version == 2
    assert told.errors.empty()


async def test_a_failure_surfaces_at_the_next_turn(make_manager, told, failing, monkeypatch):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        failing(*[BackendUnavailable("down")] * 100_000)
        await say(session, 1)
        error = await told.next_error()
        with pytest.raises(BackendUnavailable) as caught:
            async with session.turn() as turn:
                turn.add("user", "never said")
        assert type(caught.value) is type(error)
        assert session.data == {"n": 1}
        monkeypatch.undo()
        await session.flush()
        await say(session, 2)
    assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_a_failure_surfaces_at_flush_checkpoint_commit_and_leaving(make_manager, told, failing, monkeypatch):
    async with make_manager(NEVER, hooks=told.hooks) as manager:
        with pytest.raises(BackendUnavailable):
            async with manager.session("s") as session:
                await say(session, 1)
                async with session.turn() as turn:
                    turn.add("user", "2a")
                    session.data["n"] = 2
                    failing(*[BackendUnavailable("down")] * 100)
                    with pytest.raises(BackendUnavailable):
                        await turn.checkpoint()
                    turn.add("assistant", "2b")
                with pytest.raises(BackendUnavailable):
                    await session.flush()
                with pytest.raises(BackendUnavailable):
                    await turn.commit()
        monkeypatch.undo()
        await manager.flush()
        assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_a_failure_that_is_no_passing_one_surfaces_and_nothing_is_lost(make_manager, told, failing):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        failing(StorageFull("no room"))
        await say(session, 1)
        await told.next_error()
        with pytest.raises(StorageFull):
            await say(session, 2)
        await session.flush()
        await say(session, 2)
    assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_a_failure_that_was_over_before_the_next_call_is_not_told(make_manager, told, failing):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        failing(BackendUnavailable("down"))
        await say(session, 1)
        await told.next_save()
        await until_idle(session)
        await say(session, 2)
    assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_a_backend_that_never_comes_back_is_told_at_the_end(make_manager, told, failing):
    with pytest.raises(FlushIncomplete) as caught:
        async with make_manager(NEVER) as manager:
            failing(*[BackendUnavailable("down")] * 100)
            for name in ("s", "t"):
                await say(await manager.session(name).__aenter__(), 1)
    assert sorted(caught.value.session_ids) == ["s", "t"]
    assert isinstance(caught.value.__cause__, BackendUnavailable)


async def test_what_closing_could_not_store_is_stored_when_it_is_flushed_again(make_manager, failing, monkeypatch):
    manager = make_manager(NEVER)
    await manager.__aenter__()
    session = await manager.session("s").__aenter__()
    await say(session, 1)
    failing(*[BackendUnavailable("down")] * 100)
    with pytest.raises(FlushIncomplete):
        await manager.aclose()
    with pytest.raises(FlushIncomplete):  # it still has something left
        await manager.flush()
    monkeypatch.undo()
    await manager.aclose()
    assert await stored(manager) == (words(1), {"n": 1})


async def test_one_session_that_fails_does_not_keep_the_others_from_being_stored(make_manager):
    def refuse(turn):
        if turn.session_id == "bad":
            raise ValueError

    with pytest.raises(FlushIncomplete) as caught:
        async with make_manager(NEVER, hooks=Hooks(before_save=refuse)) as manager:
            for name in ("one", "bad", "two"):
                await say(await manager.session(name).__aenter__(), 1)
    assert caught.value.session_ids == ("bad",)
    assert isinstance(caught.value.__cause__, ValueError)
    assert await stored(manager, "one") == await stored(manager, "two") == (words(1), {"n": 1})


async def test_turns_that_end_while_the_backend_is_down_are_stored_in_order_when_it_is_back(
    make_manager, failing, monkeypatch, told
):
    async with make_manager(hooks=told.hooks) as manager, manager.session("s") as session:
        await say(session, 1)
        await told.next_save()
        async with session.turn() as turn:
            turn.add("user", "2a")
            failing(*[BackendUnavailable("down")] * 100_000)
            session.data["n"] = 2
            turn.add("assistant", "2b")
        await told.next_error()
        monkeypatch.undo()
        await session.flush()
        assert await stored(manager) == (words(1, 2), {"n": 2})


# --- bounds --------------------------------------------------------------------------------------


async def test_the_turn_that_is_one_too_many_waits_until_its_session_is_saved(make_manager):
    async with make_manager(Autosave(every=3600, turns=3)) as manager, manager.session("s") as session:
        for number in (1, 2, 3):
            await say(session, number)
        assert await manager.load("s") is None
        await say(session, 4)
        assert await stored(manager) == (words(1, 2, 3, 4), {"n": 4})


async def test_so_many_bytes_may_wait(make_manager):
    async with make_manager(Autosave(every=3600, size=10_000)) as manager, manager.session("s") as session:
        for _ in range(4):
            async with session.turn() as turn:
                turn.add("user", "x" * 2000)
        assert await manager.load("s") is None
        async with session.turn() as turn:
            turn.add("user", "x" * 2000)
        assert (await manager.load("s")).last_seq == 5


async def test_the_state_counts_as_bytes_that_wait(make_manager):
    async with make_manager(Autosave(every=3600, size=10_000)) as manager, manager.session("s") as session:
        session.data["text"] = "x" * 20_000
        async with session.turn():
            session.data["n"] = 1
        assert (await manager.load("s")).data["n"] == 1


async def test_the_bounds_are_one_managers_whatever_the_sessions_and_views(make_manager):
    async with make_manager(Autosave(every=3600, turns=3)) as manager:
        views = [manager, manager.for_user("u"), manager.for_tenant("t"), manager]
        for number, view in enumerate(views):
            session = await view.session(f"s{number}").__aenter__()
            await say(session, number)
        assert await manager.load("s0") is None
        assert await stored(manager, "s3") == (words(3), {"n": 3})


async def test_room_is_given_back_as_turns_are_stored(make_manager):
    async with make_manager(Autosave(every=3600, turns=2, size=2000)) as manager:
        async with manager.session("s") as session:
            for number in range(1, 6):
                await say(session, number)
                await manager.flush()
            seen = (await manager.load("s")).data["n"]
            await say(session, 6)
            await say(session, 7)
            assert (await manager.load("s")).data["n"] == seen  # both may wait


async def test_no_more_turns_are_taken_than_may_wait_while_the_backend_is_down(make_manager, failing):
    """'Never more than ``turns`` turns … of one manager' can be lost, of those whose block ended well."""
    manager = make_manager(Autosave(every=3600, turns=3))
    taken = []
    failing(*[BackendUnavailable("down")] * 1000)
    with pytest.raises(FlushIncomplete):
        async with manager:
            for number in range(20):
                session = await manager.session(f"s{number}").__aenter__()
                try:
                    await say(session, number)
                except BackendUnavailable:
                    continue
                taken.append(session.id)
            with pytest.raises(FlushIncomplete) as caught:
                await manager.flush()
    assert len(taken) <= 3
    # What was refused is not kept behind the caller's back either: memory is bounded.
    assert sorted(caught.value.session_ids) == taken


async def test_a_turn_whose_end_raised_since_too_much_waits_is_stored_once_by_committing_it(
    make_manager, failing, monkeypatch
):
    """'If the commit fails, the state is put back too; the turn still holds everything.'"""
    async with make_manager(Autosave(every=3600, turns=1)) as manager, manager.session("s") as session:
        await say(session, 1)
        failing(*[BackendUnavailable("down")] * 2)
        with pytest.raises(BackendUnavailable):
            async with session.turn() as turn:
                turn.add("user", "2a")
                session.data["n"] = 2
                turn.add("assistant", "2b")
        assert session.data == {"n": 1}
        assert [message.content for message in turn.messages] == words(2)
        monkeypatch.undo()
        await turn.commit()
        assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_a_turn_whose_end_raised_and_is_run_again_is_not_doubled(make_manager, failing, monkeypatch):
    """The error says: 'nothing was written; retry'. A caller who does that says everything once more."""
    async with make_manager(Autosave(every=3600, turns=1)) as manager, manager.session("s") as session:
        await say(session, 1)
        failing(*[BackendUnavailable("down")] * 2)
        with pytest.raises(BackendUnavailable):
            await say(session, 2)
        monkeypatch.undo()
        await manager.flush()
        await say(session, 2)
    assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_touching_again_and_again_holds_no_memory(make_manager):
    async with make_manager(Autosave(every=3600, size=1_000_000)) as manager, manager.session("s") as session:
        session.data["text"] = "x" * 200_000
        await session.flush()
        tracemalloc.start()
        try:
            for number in range(30):
                session.data["n"] = number
                session.touch()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 3_000_000


async def test_touching_what_did_not_change_waits_for_nothing(make_manager):
    async with make_manager(Autosave(every=3600, turns=5)) as manager:
        async with manager.session("s") as session:
            await session.flush()
            for _ in range(20):
                session.touch()
            async with manager.session("t") as other:
                await say(other, 1)
                assert await manager.load("t") is None  # there was room for it


async def test_flushing_again_and_again_while_the_backend_is_down_holds_no_memory(
    make_manager, failing, monkeypatch
):
    async with make_manager(Autosave(every=3600)) as manager, manager.session("s") as session:
        session.data["text"] = "x" * 200_000
        failing(*[BackendUnavailable("down") for _ in range(1000)])
        tracemalloc.start()
        try:
            for number in range(30):
                session.data["n"] = number
                with pytest.raises(BackendUnavailable):
                    await session.flush()
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        monkeypatch.undo()
        assert held < 3_000_000


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
