"""Hooks that may refuse: what becomes of what they raise, and of what they change."""

import pytest
from tests.manager.hooks import Refused, raising, said
from tests.manager.waiting import NEVER

from holdfast import FlushIncomplete, Hooks, Message, PersistenceManager, Session


@pytest.fixture
def make_manager(adapter, clock):
    return lambda *hooks, **options: PersistenceManager(adapter, hooks=hooks, clock=clock, **options)


# --- those that may refuse -----------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["before_load", "after_load"])
async def test_a_load_that_is_refused_reaches_the_caller_as_it_is(make_manager, others, hook):
    await others.save(Session(id="s"))
    error = Refused()
    for call in (
        lambda manager: manager.load("s"),
        lambda manager: manager.load_or_create("s"),
        lambda manager: manager.update("s", lambda live: live.data.update(a=1)),
        lambda manager: manager.session("s").__aenter__(),
        lambda manager: manager.for_user("u").load("s") if hook == "before_load" else manager.load("s"),
    ):
        with pytest.raises(Refused) as caught:
            await call(make_manager(Hooks(**{hook: raising(error)})))
        assert caught.value is error
    assert (await others.load("s")).version == 1


async def test_a_turn_that_is_refused_writes_nothing_and_puts_the_state_back(make_manager, others):
    error = Refused()
    async with make_manager(Hooks(before_save=raising(error))).session("s") as session:
        with pytest.raises(Refused) as caught:
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["a"] = 1
        assert caught.value is error
        assert session.data == {}
        assert await others.load("s") is None
        async with session.turn() as turn:
            turn.add("user", "y")
        assert await said(others) == ["y"]
        assert (await others.load("s")).data == {}


async def test_a_checkpoint_that_is_refused_writes_nothing_and_the_turn_goes_on(make_manager, others):
    async with make_manager(Hooks(before_save=raising(Refused()))).session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data["a"] = 1
            with pytest.raises(Refused):
                await turn.checkpoint()
            assert await others.load("s") is None
            turn.add("user", "y")
    assert await said(others) == ["x", "y"]
    assert (await others.load("s")).data == {"a": 1}


async def test_what_is_saved_by_hand_and_refused_writes_nothing(make_manager, others):
    await others.save(Session(id="s", data={"a": 1}))
    before = await others.load("s")
    for call in (
        lambda manager: manager.save(Session(id="new")),
        lambda manager: manager.append("s", Message(role="user", content="x")),
        lambda manager: manager.update_data("s", {"a": 2}),
        lambda manager: manager.load_or_create("new"),
        lambda manager: manager.complete("s"),
    ):
        with pytest.raises(Refused):
            await call(make_manager(Hooks(before_save=raising(Refused()))))
    assert await others.load("s") == before
    assert await others.load("new") is None


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_turn_that_waits_and_is_refused_writes_nothing_and_surfaces(make_manager, others, autosave):
    error = Refused()
    manager = make_manager(Hooks(before_save=raising(*[error] * 2)), autosave=autosave)
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        with pytest.raises(FlushIncomplete) as caught:
            await manager.flush()
        assert caught.value.__cause__ is error
        with pytest.raises(Refused):
            async with session.turn() as turn:
                pass
        with pytest.raises(Refused):
            await session.flush()
        assert await others.load("s") is None
        await session.flush()  # the hook has nothing against it any more
    assert await said(others) == ["x"]


async def test_what_before_save_changes_is_not_stored(make_manager, others):
    def meddle(turn):
        if turn.session is not None:
            turn.session.data["cart"].append("meddled")
            turn.session.data["more"] = True
            turn.session.status = "failed"
        for message in turn.messages:
            message.metadata["tags"].append("meddled")

    manager = make_manager(Hooks(before_save=meddle))
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x", metadata={"tags": []})
            session.data["cart"] = ["tea"]
        assert session.data == {"cart": ["tea"]}
    stored = await others.load("s")
    assert (stored.data, stored.status) == ({"cart": ["tea"]}, "active")
    assert [message.metadata for message in await others.history("s")] == [{"tags": []}]
    saved = await manager.save(Session(id="t", data={"cart": []}))
    assert saved.data == (await others.load("t")).data == {"cart": []}
    await manager.append("t", Message(role="user", content="x", metadata={"tags": []}))
    assert (await others.history("t"))[0].metadata == {"tags": []}


async def test_what_after_save_changes_changes_nothing_for_the_handle(make_manager, others):
    def meddle(turn, committed):
        if turn.session is not None:
            turn.session.data["meddled"] = True
            turn.session.data["cart"].append("meddled")

    async with make_manager(Hooks(after_save=meddle)).session("s") as session:
        async with session.turn():
            session.data["cart"] = ["tea"]
        assert session.data == {"cart": ["tea"]}
        async with session.turn() as turn:
            turn.add("user", "x")
    assert (await others.load("s")).data == {"cart": ["tea"]}
    assert (await others.load("s")).version == 1


async def test_what_after_load_changes_counts_as_loaded_and_is_stored_with_the_next_change(make_manager, others):
    await others.save(Session(id="s", data={"a": 1}))
    manager = make_manager(Hooks(after_load=lambda session: session.data.update(loaded=True)))
    assert (await manager.load("s")).data == {"a": 1, "loaded": True}
    async with manager.session("s") as session:
        assert session.data == {"a": 1, "loaded": True}
        async with session.turn() as turn:
            turn.add("user", "no change")
    assert ((await others.load("s")).data, (await others.load("s")).version) == ({"a": 1}, 1)
    async with manager.session("s") as session:
        session.data["b"] = 2
    assert (await others.load("s")).data == {"a": 1, "loaded": True, "b": 2}
