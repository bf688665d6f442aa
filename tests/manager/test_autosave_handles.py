"""What a handle shows of the turns that wait, and several callers on one handle."""

import asyncio

import pytest
from tests.manager.waiting import WAITING, say, stored, words

from holdfast import Autosave, Hooks, InvalidArgument, UnserializableValue

# --- what a handle shows -------------------------------------------------------------------------


@pytest.mark.parametrize("autosave", WAITING)
async def test_the_history_of_a_handle_has_the_turns_that_wait(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        await session.flush()
        await say(session, 2)
        await say(session, 3)
        assert [message.content for message in await session.history()] == words(1, 2, 3)
        assert [message.content for message in await session.history(last=3)] == ["2b", "3a", "3b"]
        assert [message.content for message in await session.history(last=5)] == ["1b", *words(2, 3)]
        assert [message.content for message in await manager.history("s")] == words(1)


@pytest.mark.parametrize("last", [0, -1, True, "2"])
@pytest.mark.parametrize("is_stored", [False, True])
async def test_a_wrong_last_is_refused_by_a_handle_whose_turns_wait(make_manager, last, is_stored):
    async with make_manager("session") as manager, manager.session("s") as session:
        if is_stored:
            await session.flush()
        await say(session, 1)
        with pytest.raises(InvalidArgument):
            await session.history(last=last)


async def test_the_history_is_right_while_what_waits_is_being_stored(make_manager):
    manager = make_manager("session")
    for steps in range(40):
        async with manager.session(f"s{steps}") as session:
            await session.flush()
            async with session.turn() as turn:
                for number in range(5):
                    turn.add("user", str(number))
            flushing = asyncio.create_task(session.flush())
            for _ in range(steps):
                await asyncio.sleep(0)
            said = [message.content for message in await session.history(last=2)]
            await flushing
            assert said == ["3", "4"], f"{steps} steps after the flush began"


@pytest.mark.parametrize("autosave", WAITING)
async def test_committing_a_turn_that_waits_stores_it_and_answers_with_what_was_stored(make_manager, autosave):
    """'Returns: What was stored last; None if there was nothing to store.'"""
    async with make_manager(autosave) as manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        committed = await turn.commit()
        assert await stored(manager) == (["x"], {})
        assert committed is not None
        assert [message.content for message in committed.messages] == ["x"]


async def test_touch_is_stored_with_the_next_ones_in_the_background_and_does_nothing_elsewhere(make_manager):
    async with make_manager(Autosave(every=3600)) as manager, manager.session("s") as session:
        session.data["a"] = 1
        session.touch()
        session.data["b"] = 2  # after the touch: nobody was told
        await manager.flush()
        assert await stored(manager) == ([], {"a": 1})
    assert await stored(manager) == ([], {"a": 1, "b": 2})


@pytest.mark.parametrize("autosave", ["turn", "session", "off"])
async def test_touch_does_nothing_elsewhere(make_manager, autosave):
    manager = make_manager(autosave)
    async with manager.session("s") as session:
        session.data["a"] = 1
        session.touch()
        assert not session.waits
        await manager.flush()
        assert await manager.load("s") is None


@pytest.mark.parametrize("autosave", ["turn", *WAITING])
async def test_touch_and_flush_are_refused_while_a_turn_is_open(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session, session.turn():
        with pytest.raises(InvalidArgument, match="A turn is open"):
            session.touch()
        with pytest.raises(InvalidArgument, match="A turn is open"):
            await session.flush()


@pytest.mark.parametrize("autosave", WAITING)
async def test_a_state_that_cannot_be_stored_is_refused_when_the_turn_ends(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        with pytest.raises(UnserializableValue):
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["n"] = object()
        assert session.data == {"n": 1}
        await session.flush()
        assert await stored(manager) == (words(1), {"n": 1})


# --- several callers on one handle ---------------------------------------------------------------


@pytest.mark.parametrize("cancelled", range(30))
async def test_a_cancelled_flush_takes_nothing_from_another_one(make_manager, cancelled):
    """Two tasks flush one handle, one of them goes away at any moment: what waits is stored all the same."""

    async def yielding(turn):
        await asyncio.sleep(0)

    manager = make_manager("session", hooks=Hooks(before_save=yielding))
    async with manager.session("s") as session:
        await say(session, 1)
        first = asyncio.create_task(session.flush())
        await asyncio.sleep(0)
        session.data["outside"] = True
        second = asyncio.create_task(session.flush())
        await asyncio.sleep(0)
        await say(session, 2)
        for _ in range(cancelled):
            await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await first
        assert session.waits or await stored(manager) == (words(1, 2), {"n": 2, "outside": True})
        await session.flush()
    assert await stored(manager) == (words(1, 2), {"n": 2, "outside": True})


async def test_a_flush_that_is_cancelled_while_another_one_stores_its_state_loses_no_turn(make_manager):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(turn):
        if turn.session is not None and "outside" in turn.session.data:
            reached.set()
            await go_on.wait()

    manager = make_manager("session", hooks=Hooks(before_save=slow))
    async with manager.session("s") as session:
        await say(session, 1)
        first = asyncio.create_task(session.flush())
        await asyncio.sleep(0)
        session.data["outside"] = True
        second = asyncio.create_task(session.flush())
        await asyncio.wait_for(reached.wait(), 20)  # the first one stores the state of the second one
        await say(session, 2)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go_on.set()
        await first
        await session.flush()
        assert await stored(manager) == (words(1, 2), {"n": 2, "outside": True})


async def test_leaving_by_an_exception_while_somebody_flushes_raises_nothing_strange(make_manager):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(turn):
        reached.set()
        await go_on.wait()

    manager = make_manager("session", hooks=Hooks(before_save=slow))
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            await say(session, 1)
            flushing = asyncio.create_task(session.flush())
            await asyncio.wait_for(reached.wait(), 20)
            raise ZeroDivisionError
    go_on.set()
    [failed] = await asyncio.gather(flushing, return_exceptions=True)
    assert failed is None


async def test_a_flush_that_is_cancelled_while_its_conflict_is_settled_by_another_one_loses_no_change_of_others(
    make_manager,
):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(conflict):
        reached.set()
        await go_on.wait()

    others = make_manager("turn")
    manager = make_manager("session", on_conflict="merge", hooks=Hooks(on_conflict=slow))
    async with manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"theirs": True})
        async with session.turn() as turn:
            turn.add("user", "x")
        first = asyncio.create_task(session.flush())
        await asyncio.sleep(0)
        session.data["mine"] = True
        second = asyncio.create_task(session.flush())
        await asyncio.wait_for(
            reached.wait(), 20
        )  # the first one stores the state of the second one, and meets a conflict
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        go_on.set()
        await first
        assert "theirs" in (await manager.load("s")).data
        await session.flush()
        assert await stored(manager) == (["x"], {"theirs": True, "mine": True})


async def test_a_session_that_is_left_by_an_exception_while_a_conflict_is_settled_loses_no_change_of_others(
    make_manager,
):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(conflict):
        reached.set()
        await go_on.wait()

    others = make_manager("turn")
    manager = make_manager("session", on_conflict="merge", hooks=Hooks(on_conflict=slow))
    await others.load_or_create("s")
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            await say(session, 1)
            await others.update_data("s", {"theirs": True})
            flushing = asyncio.create_task(manager.flush())
            await asyncio.wait_for(reached.wait(), 20)
            raise ZeroDivisionError
    go_on.set()
    await flushing
    said, data = await stored(manager)
    assert data["theirs"]
    assert said == (words(1) if "n" in data else [])
