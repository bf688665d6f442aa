"""Failures: each is told once, to whoever can do something about it."""

import asyncio

import pytest
from tests.manager.waiting import NEVER, SOON, say, stored

from holdfast import (
    BackendUnavailable,
    HookFailed,
    Hooks,
    InvalidArgument,
    Message,
    OutcomeUnknown,
    PersistenceManager,
)


@pytest.mark.parametrize("autosave", ["session", NEVER], ids=str)
async def test_a_hook_that_failed_is_told_though_something_behind_it_failed_too(make_manager, failing, autosave):
    failed = []

    def fail(turn, committed):
        if not failed:
            failed.append(turn)
            failing(BackendUnavailable("down"))
            raise ZeroDivisionError

    async with make_manager(autosave, hooks=Hooks(after_save=fail)) as manager:
        async with manager.session("s") as session:
            await say(session, 1)
            await say(session, 2)
            with pytest.raises(BackendUnavailable):
                await session.flush()
            assert isinstance(session.failure, HookFailed)
            with pytest.raises(HookFailed):
                await session.flush()
            assert not session.waits
            assert session.failure is None


@pytest.mark.parametrize("autosave", ["session", NEVER], ids=str)
async def test_a_handle_whose_hook_has_failed_is_let_go_once_that_was_told(make_manager, autosave):
    def fail(turn, committed):
        raise ZeroDivisionError

    async with make_manager(autosave, hooks=Hooks(after_save=fail)) as manager, manager.session("s") as session:
        await say(session, 1)
        with pytest.raises(HookFailed):
            await session.flush()
        assert not manager._context.backlog._sessions


async def test_closing_tells_of_a_hook_that_failed_before_something_else_did(make_manager, failing):
    def fail(turn, committed):
        failing(BackendUnavailable("down"))
        raise ZeroDivisionError

    manager = await make_manager("session", hooks=Hooks(after_save=fail)).__aenter__()
    with pytest.raises(BackendUnavailable):
        async with manager.session("s") as session:
            await say(session, 1)
            await say(session, 2)
            await session.flush()
    with pytest.raises(HookFailed):
        await manager.aclose()


async def test_closing_tells_of_a_hook_of_a_turn_that_failed_behind_it(make_manager, failing):
    def fail(turn, committed):
        failing(BackendUnavailable("down"))
        raise ZeroDivisionError

    manager = await make_manager("turn", hooks=Hooks(after_save=fail)).__aenter__()
    with pytest.raises(BackendUnavailable):
        async with manager.session("s") as session, session.turn() as turn:
            turn.add("user", "a")
            failing(OutcomeUnknown("cut"), executed=True)
            with pytest.raises(OutcomeUnknown):
                await turn.checkpoint()
            turn.add("user", "b")
    with pytest.raises(HookFailed):
        await manager.aclose()


@pytest.mark.parametrize("autosave", ["session", "off", NEVER], ids=str)
async def test_closing_tells_of_one_hook_that_failed_and_logs_the_others(make_manager, caplog, autosave):
    def fail(turn, committed):
        raise ZeroDivisionError("my card is 4111")

    manager = await make_manager(autosave, hooks=Hooks(after_save=fail)).__aenter__()
    for name in ("a", "b", "c"):
        await say(await manager.session(name).__aenter__(), 1)
    await manager.flush()
    with pytest.raises(HookFailed):
        await manager.aclose()
    assert caplog.text.count("after_save has failed too") == 2
    assert "4111" not in caplog.text


@pytest.mark.parametrize("autosave", ["turn", "session", NEVER], ids=str)
async def test_a_hook_whose_own_write_has_a_hook_that_fails_keeps_its_turn_from_being_stored(
    make_manager, others, autosave
):
    async def audit(turn):
        if turn.session_id == "s":
            await manager.append("audit", Message(role="user", content="x"))

    def fail(turn, committed):
        if turn.session_id == "audit":
            raise ZeroDivisionError

    manager = make_manager(autosave, hooks=Hooks(before_save=audit, after_save=fail))
    await others.load_or_create("audit")
    async with manager:
        with pytest.raises(InvalidArgument):
            async with manager.session("s") as session:
                await say(session, 1)
    assert await stored(others) is None


@pytest.mark.parametrize("call", ["flush", "aclose"])
async def test_what_a_hook_has_begun_may_wait_for_the_manager_once_its_save_is_over(make_manager, call):
    refused, tasks, goes_on = [], [], asyncio.Event()

    async def later(manager):
        await goes_on.wait()
        await getattr(manager, call)()

    async def hook(turn, committed):
        with pytest.raises(InvalidArgument):
            await getattr(manager, call)()
        refused.append(turn)
        tasks.append(asyncio.create_task(later(manager)))

    async with make_manager("turn", hooks=Hooks(after_save=hook)) as manager:
        async with manager.session("s") as session:
            await say(session, 1)
        goes_on.set()
        await asyncio.gather(*tasks)
    assert refused


async def test_a_failure_that_is_over_is_not_told(adapter, failing):
    told, goes_on = asyncio.Event(), asyncio.Event()

    async def on_error(session_id, error):
        told.set()
        await goes_on.wait()

    async with PersistenceManager(adapter, autosave=SOON, hooks=Hooks(on_error=on_error)) as manager:
        async with manager.session("s") as session:
            failing(BackendUnavailable("down"))
            await say(session, 1)
            await told.wait()
            await session.flush()
            goes_on.set()
            await asyncio.gather(*manager._context.backlog._tasks)
            assert session.failure is None
            await say(session, 2)


async def test_a_flush_whose_state_is_discarded_does_not_say_that_it_is_stored(make_manager, slow):
    async with make_manager(autosave="session").session("s") as session:
        await session.flush()
        slow.under_way.clear()
        slow.clear()
        session.data["n"] = 1
        first = asyncio.create_task(session.flush())
        await slow.under_way.wait()
        session.data["n"] = 2
        second = asyncio.create_task(session.flush())
        await asyncio.sleep(0)
        session.discard()
        slow.set()
        await first
        with pytest.raises(InvalidArgument):
            await second


async def test_a_flush_whose_state_was_replaced_and_then_discarded_does_not_say_that_it_is_stored(
    make_manager, slow
):
    async with make_manager() as manager, manager.session("s") as session:
        await say(session, 1)
        slow.under_way.clear()
        slow.clear()
        first = asyncio.create_task(manager.flush())
        await slow.under_way.wait()
        session.data["n"] = 2
        second = asyncio.create_task(session.flush())
        await asyncio.sleep(0)
        session.data["n"] = 3
        session.touch()
        session.discard()
        slow.set()
        await first
        with pytest.raises(InvalidArgument):
            await second


@pytest.mark.parametrize("on_conflict", ["raise", "merge"])
async def test_what_others_have_made_the_store_forget_is_not_stored_twice(adapter, failing, others, on_conflict):
    manager = PersistenceManager(adapter, on_conflict=on_conflict)
    async with manager.session("s") as session:
        await session.flush()
        session.data["n"] = 1
        failing(OutcomeUnknown("cut"), executed=True)
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        for number in range(17):
            await others.update_data("s", {"others": number})
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        await session.flush(state="theirs")
        assert session.data == {"n": 1, "others": 16}
    assert (await others.load("s")).version == 19
