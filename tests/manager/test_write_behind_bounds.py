"""Autosave(every=…): no more turns and bytes wait than may."""

import gc
import tracemalloc

import pytest
from tests.manager.waiting import say, stored, words

from holdfast import Autosave, BackendUnavailable, FlushIncomplete

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
