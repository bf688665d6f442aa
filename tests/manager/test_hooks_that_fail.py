"""Hooks that fail when everything is durable."""

import pytest
from tests.manager.hooks import Refused, raising, said
from tests.manager.waiting import NEVER

from holdfast import Autosave, HoldfastError, HookFailed, Hooks, Message, PersistenceManager, Session


@pytest.fixture
def make_manager(adapter, clock):
    return lambda *hooks, **options: PersistenceManager(adapter, hooks=hooks, clock=clock, **options)


# --- those that come when everything is durable --------------------------------------------------


@pytest.mark.parametrize("hook", ["after_save", "on_data_change"])
async def test_a_hook_that_fails_after_a_turn_leaves_it_durable_and_the_handle_usable(make_manager, others, hook):
    error = Refused()
    async with make_manager(Hooks(**{hook: raising(error)})).session("s") as session:
        with pytest.raises(HookFailed) as caught:
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["n"] = 1
        assert (caught.value.hook, caught.value.__cause__) == (hook, error)
        assert session.data == {"n": 1}
        assert not turn.messages
        assert [message.text for message in (await turn.commit()).messages] == ["x"]
        assert await said(others) == ["x"]
        assert (await others.load("s")).data == {"n": 1}
        async with session.turn() as turn:
            turn.add("user", "y")
            session.data["n"] = 2
    assert await said(others) == ["x", "y"]
    assert ((await others.load("s")).data, (await others.load("s")).version) == ({"n": 2}, 2)


async def test_a_hook_that_fails_at_a_checkpoint_leaves_it_durable_and_the_turn_open(make_manager, others):
    async with make_manager(Hooks(after_save=raising(Refused()))).session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data["n"] = 1
            with pytest.raises(HookFailed):
                await turn.checkpoint()
            assert await said(others) == ["x"]
            turn.add("user", "y")
            session.data["n"] = 2
    assert await said(others) == ["x", "y"]
    assert (await others.load("s")).data == {"n": 2}


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_hook_that_fails_in_the_backlog_stops_no_turn(make_manager, others, autosave):
    manager = make_manager(Hooks(after_save=raising(Refused())), autosave=autosave)
    async with manager, manager.session("s") as session:
        for number in (1, 2):
            async with session.turn() as turn:
                turn.add("user", str(number))
                session.data["n"] = number
        with pytest.raises(HookFailed):
            await session.flush()
        assert not session.waits
        assert await said(others) == ["1", "2"]
        assert (await others.load("s")).data == {"n": 2}
        async with session.turn() as turn:
            turn.add("user", "3")
        await session.flush()
    assert await said(others) == ["1", "2", "3"]


async def in_the_background(manager, session):
    """One turn, and the background stores it."""
    async with session.turn() as turn:
        turn.add("user", "x")
    await manager.flush()
    assert not session.waits


async def test_a_hook_that_fails_in_the_background_surfaces_at_the_next_turn_once(make_manager):
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        async with manager.session("s") as session:
            await in_the_background(manager, session)
            with pytest.raises(HookFailed):
                async with session.turn():
                    pass
            async with session.turn():
                pass


async def test_a_hook_that_fails_in_the_background_surfaces_at_the_next_flush(make_manager):
    """'A failure is never only logged. The session keeps it, and you meet it.'"""
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        async with manager.session("s") as session:
            await in_the_background(manager, session)
            with pytest.raises(HookFailed):
                await session.flush()


async def test_a_hook_that_fails_in_the_background_surfaces_on_leaving(make_manager):
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        with pytest.raises(HookFailed):
            async with manager.session("s") as session:
                await in_the_background(manager, session)


async def test_a_hook_that_fails_in_the_background_surfaces_though_later_turns_were_stored(make_manager):
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        async with manager.session("s") as session:
            async with session.turn() as turn:
                turn.add("user", "x")
            async with session.turn() as turn:
                turn.add("user", "y")
                await manager.flush()  # the background stores x, and its hook fails
            await manager.flush()  # and then y
            with pytest.raises(HookFailed):
                async with session.turn():
                    pass


async def test_a_hook_that_fails_in_the_background_surfaces_at_the_end(make_manager, others):
    with pytest.raises(HoldfastError) as caught:
        async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
            session = await manager.session("s").__aenter__()
            await in_the_background(manager, session)
    assert isinstance(caught.value, HookFailed) or isinstance(caught.value.__cause__, HookFailed)
    assert await said(others) == ["x"]


async def test_a_hook_that_fails_when_too_much_waits_is_told_once(make_manager, others):
    manager = make_manager(Hooks(after_save=raising(Refused())), autosave=Autosave(every=3600, turns=1))
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        with pytest.raises(HookFailed):
            async with session.turn() as turn:
                turn.add("user", "y")
        assert await said(others) == ["x", "y"]
        async with session.turn() as turn:
            turn.add("user", "z")
    assert await said(others) == ["x", "y", "z"]


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_checkpoint_whose_hook_fails_is_durable_though_the_hook_failed_for_a_turn_before(
    make_manager, others, autosave
):
    """'It is stored; nothing is to be repeated': said to whoever waits for this checkpoint."""
    manager = make_manager(Hooks(after_save=raising(Refused())), autosave=autosave)
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "before")
        async with session.turn() as turn:
            turn.add("user", "now")
            with pytest.raises(HookFailed):
                await turn.checkpoint()
            assert await said(others) == ["before", "now"]
        await session.flush()


async def test_what_is_saved_by_hand_is_durable_when_the_hook_fails(make_manager, others):
    for number, call in enumerate(
        (
            lambda manager: manager.save(Session(id="s0")),
            lambda manager: manager.append("s0", Message(role="user", content="x")),
            lambda manager: manager.update("s0", lambda live: live.data.update(a=1)),
            lambda manager: manager.load_or_create("s3"),
            lambda manager: manager.complete("s0"),
        )
    ):
        with pytest.raises(HookFailed):
            await call(make_manager(Hooks(after_save=raising(Refused()))))
        if number == 1:
            assert await said(others, "s0") == ["x"]
    stored = await others.load("s0")
    assert (stored.version, stored.data, stored.status) == (3, {"a": 1}, "completed")
    assert await others.load("s3") is not None
