"""Autosave by turn, by session, and off: what is durable when, and what a handle shows of what is not."""

import asyncio

import pytest

from holdfast import (
    Autosave,
    BackendUnavailable,
    ConfigurationError,
    FlushIncomplete,
    Hooks,
    InvalidArgument,
    PersistenceManager,
    UnserializableValue,
)

WAITING = ["session", "off", Autosave(every=3600)]


@pytest.fixture
def make_manager(adapter, clock):
    return lambda autosave, **options: PersistenceManager(adapter, autosave=autosave, clock=clock, **options)


async def stored(manager, session_id="s"):
    """What the store has: the words, and the data."""
    session = await manager.load(session_id)
    if session is None:
        return None
    return [message.content for message in await manager.history(session_id)], session.data


async def say(session, number):
    """One turn: two messages, and the number in the state."""
    async with session.turn() as turn:
        turn.add("user", f"{number}a")
        session.data["n"] = number
        turn.add("assistant", f"{number}b")


def words(*numbers):
    return [f"{number}{letter}" for number in numbers for letter in "ab"]


# --- when it is durable --------------------------------------------------------------------------


async def test_by_turn_each_turn_is_durable_as_it_ends(make_manager):
    manager = make_manager("turn")
    async with manager.session("s") as session:
        for number in (1, 2):
            await say(session, number)
            assert await stored(manager) == (words(*range(1, number + 1)), {"n": number})
            assert not session.waits


async def test_by_turn_is_the_default(adapter):
    manager = PersistenceManager(adapter)
    async with manager.session("s") as session:
        await say(session, 1)
        assert await stored(manager) == (words(1), {"n": 1})


@pytest.mark.parametrize("autosave", WAITING)
async def test_a_turn_that_waits_is_not_stored_yet(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        assert await stored(manager) is None
        assert session.waits


async def test_by_session_turns_are_durable_when_it_is_left(make_manager):
    manager = make_manager("session")
    async with manager.session("s") as session:
        await say(session, 1)
        await say(session, 2)
        session.data["outside"] = True
    assert await stored(manager) == (words(1, 2), {"n": 2, "outside": True})


async def test_off_leaving_stores_nothing(make_manager):
    manager = make_manager("off")
    async with manager, manager.session("s") as session:
        await say(session, 1)
        session.data["outside"] = True
    assert await stored(manager) is None


async def test_in_the_background_leaving_stores_what_waits_and_what_was_changed_outside(make_manager):
    async with make_manager(Autosave(every=3600)) as manager:
        async with manager.session("s") as session:
            await say(session, 1)
            session.data["outside"] = True
        assert await stored(manager) == (words(1), {"n": 1, "outside": True})


@pytest.mark.parametrize("autosave", WAITING)
async def test_flush_stores_the_turns_that_wait_and_the_state(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        await say(session, 2)
        session.data["outside"] = True
        await session.flush()
        assert await stored(manager) == (words(1, 2), {"n": 2, "outside": True})
        assert not session.waits


@pytest.mark.parametrize("autosave", WAITING)
async def test_the_managers_flush_stores_all_turns_that_wait(make_manager, autosave):
    """'Store all turns that wait, of all sessions.'"""
    async with (
        make_manager(autosave) as manager,
        manager.session("s") as one,
        manager.session("t") as two,
    ):
        await say(one, 1)
        await say(two, 2)
        await manager.flush()
        assert await stored(manager, "s") == (words(1), {"n": 1})
        assert await stored(manager, "t") == (words(2), {"n": 2})


async def test_closing_the_manager_stores_the_turns_of_sessions_that_were_not_left(make_manager):
    manager = make_manager("session")
    session = await manager.session("s").__aenter__()
    await say(session, 1)
    await manager.aclose()
    assert await stored(manager) == (words(1), {"n": 1})


# --- how it is left ------------------------------------------------------------------------------


@pytest.mark.parametrize("autosave", ["session", "off"])
async def test_leaving_by_an_exception_stores_none_of_the_turns(make_manager, autosave):
    async with make_manager(autosave) as manager:
        with pytest.raises(ZeroDivisionError):
            async with manager.session("s") as session:
                await say(session, 1)
                raise ZeroDivisionError
        await manager.flush()
    assert await stored(manager) is None


async def test_by_turn_leaving_by_an_exception_keeps_the_turns_and_stores_no_other_change(make_manager):
    manager = make_manager("turn")
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            await say(session, 1)
            session.data["outside"] = True
            raise ZeroDivisionError
    assert await stored(manager) == (words(1), {"n": 1})


async def test_in_the_background_turns_that_have_ended_survive_an_exception(make_manager):
    async with make_manager(Autosave(every=3600)) as manager:
        with pytest.raises(ZeroDivisionError):
            async with manager.session("s") as session:
                await say(session, 1)
                session.data["outside"] = True
                raise ZeroDivisionError
    assert await stored(manager) == (words(1), {"n": 1})


@pytest.mark.parametrize(("autosave", "kept"), [("turn", True), ("session", False), (Autosave(every=3600), True)])
async def test_leaving_by_cancellation(make_manager, autosave, kept):
    async with make_manager(autosave) as manager:
        ended = asyncio.Event()

        async def chat():
            async with manager.session("s") as session:
                await say(session, 1)
                async with session.turn() as turn:
                    turn.add("user", "cut off")
                    session.data["n"] = 2
                    ended.set()
                    await asyncio.Event().wait()

        task = asyncio.create_task(chat())
        await ended.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await stored(manager) == ((words(1), {"n": 1}) if kept else None)


async def test_by_session_what_could_not_be_stored_on_leaving_is_stored_by_the_next_flush(make_manager, failing):
    async with make_manager("session") as manager:
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            async with manager.session("s") as session:
                await say(session, 1)
        await manager.flush()
        assert await manager.load("s") is None  # whoever was told decides
        await session.flush()
        assert await stored(manager) == (words(1), {"n": 1})


# --- checkpoints, order, prefixes ----------------------------------------------------------------


@pytest.mark.parametrize("autosave", WAITING)
async def test_a_checkpoint_stores_what_waits_before_it_in_order(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        await say(session, 2)
        async with session.turn() as turn:
            turn.add("user", "3a")
            session.data["n"] = 2.5
            await turn.checkpoint()
            assert await stored(manager) == ([*words(1, 2), "3a"], {"n": 2.5})
            turn.add("assistant", "3b")
            session.data["n"] = 3
        assert await stored(manager) == ([*words(1, 2), "3a"], {"n": 2.5})
        await session.flush()
        assert await stored(manager) == (words(1, 2, 3), {"n": 3})


@pytest.mark.parametrize("autosave", WAITING)
async def test_a_turn_that_raises_goes_back_to_the_turns_that_wait(make_manager, autosave):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "lost")
                session.data["n"] = 2
                raise ZeroDivisionError
        assert session.data == {"n": 1}
        await say(session, 3)
        await session.flush()
        assert await stored(manager) == (words(1, 3), {"n": 3})


@pytest.mark.parametrize("autosave", WAITING)
async def test_each_turn_is_stored_with_the_state_that_it_left_behind(make_manager, adapter, autosave):
    """Whoever reads meanwhile finds all of the turns up to one of them, each of them whole."""
    seen = []

    async with make_manager(autosave) as manager, manager.session("s") as session:
        for number in range(1, 6):
            await say(session, number)
        session.data["n"] = "later"
        flushing = asyncio.create_task(session.flush())
        while not flushing.done():
            await asyncio.sleep(0)
            before = await adapter.sessions.get("s")
            said = before and [message.content for message in await manager.history("s")]
            after = await adapter.sessions.get("s")
            if before and before.version == after.version:
                seen.append((before.data["n"], said))
        await flushing
    assert seen
    for number, said in seen:
        assert said == (words(*range(1, 6)) if number == "later" else words(*range(1, number + 1)))


@pytest.mark.parametrize("autosave", WAITING)
async def test_a_failure_in_the_midst_stores_a_prefix_and_the_next_flush_the_rest(
    make_manager, failing, monkeypatch, autosave
):
    async with make_manager(autosave) as manager, manager.session("s") as session:
        await say(session, 1)
        await session.flush()
        await say(session, 2)
        failing(BackendUnavailable("down"))
        await say(session, 3)
        with pytest.raises(BackendUnavailable):
            await session.flush()
        assert await stored(manager) == (words(1), {"n": 1})
        assert session.data == {"n": 3}
        await say_again(session, 4)
        await session.flush()
        assert await stored(manager) == (words(1, 2, 3, 4), {"n": 4})


async def say_again(session, number):
    """A turn; a failure of the background that is to be told first is told."""
    try:
        await say(session, number)
    except BackendUnavailable:
        await say(session, number)


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


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("autosave", ["", "turns", "Turn", None, 1.0, True, ("turn",), {"every": 1}])
def test_a_wrong_autosave_is_refused(autosave):
    with pytest.raises(ConfigurationError):
        PersistenceManager(None, autosave=autosave)


@pytest.mark.parametrize(
    "options",
    [
        {"every": 0},
        {"every": -1},
        {"every": float("nan")},
        {"every": float("inf")},
        {"every": "1"},
        {"every": True},
        {"every": 1, "turns": 0},
        {"every": 1, "turns": 1.5},
        {"every": 1, "size": 0},
        {"every": 1, "size": True},
    ],
)
def test_a_wrong_write_behind_is_refused(options):
    with pytest.raises(ConfigurationError):
        Autosave(**options)


async def test_the_managers_flush_names_what_is_left_and_why(make_manager, failing):
    async with make_manager("session") as manager, manager.session("s") as session:
        await say(session, 1)
        failing(BackendUnavailable("down"))
        with pytest.raises(FlushIncomplete) as caught:
            await manager.flush()
        assert caught.value.session_ids == ("s",)
        assert isinstance(caught.value.__cause__, BackendUnavailable)
