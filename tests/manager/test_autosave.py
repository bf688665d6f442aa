"""Autosave by turn, by session, and off: what is durable when."""

import asyncio

import pytest
from tests.manager.waiting import WAITING, say, stored, words

from holdfast import Autosave, BackendUnavailable, ConfigurationError, FlushIncomplete, PersistenceManager

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
