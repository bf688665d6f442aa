"""Autosave(every=…) when the backend fails: tried again, told at the next call, and nothing is lost."""

import pytest
from tests.manager.waiting import NEVER, SOON, say, stored, until_idle, words

from holdfast import BackendUnavailable, FlushIncomplete, Hooks, OutcomeUnknown, StorageFull


@pytest.fixture
def make_manager(make_manager, adapter):
    return lambda autosave=SOON, **options: make_manager(autosave, **options)


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
