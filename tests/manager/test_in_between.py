"""Between two steps: while another task saves, while a session is left, while the manager is closed."""

import asyncio

import pytest
from pydantic import BaseModel
from tests.manager.waiting import NEVER, SOON, WAITING, say, stored, words

from holdfast import (
    Autosave,
    BackendUnavailable,
    FlushIncomplete,
    HookFailed,
    Hooks,
    InvalidArgument,
    InvalidData,
    Message,
    OutcomeUnknown,
    PersistenceManager,
    VersionConflict,
)


class Guests(BaseModel):
    guests: int = 2


class Party(BaseModel):
    party: int = 2


@pytest.fixture
def slow(adapter, monkeypatch):
    """The store's flushes wait for this event; ``slow.under_way`` says that one has begun."""
    flusher, goes_on = adapter._runtime.commits._flusher, asyncio.Event()
    flush, goes_on.under_way = flusher._flush, asyncio.Event()

    async def wait(writes):
        goes_on.under_way.set()
        await goes_on.wait()
        return await flush(writes)

    monkeypatch.setattr(flusher, "_flush", wait)
    goes_on.set()
    return goes_on


# --- a deploy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("autosave", WAITING, ids=str)
@pytest.mark.parametrize("keep", ["flush", "commit"])
async def test_turns_that_wait_are_kept_where_a_newer_version_of_the_program_has_saved(adapter, autosave, keep):
    new = PersistenceManager(
        adapter, data_type=Party, schema_version=2, migrations={1: lambda data: {"party": data["guests"]}}
    )
    async with PersistenceManager(adapter, data_type=Guests, autosave=autosave) as old:
        with pytest.raises(InvalidData):
            async with old.session("s") as session:
                await session.flush()
                async with session.turn() as turn:
                    turn.add("assistant", "paid for")
                    session.data.guests = 3
                async with new.session("s") as other:
                    other.data.party = 9
                with pytest.raises(VersionConflict):
                    await session.flush()
                await (session.flush(state="theirs") if keep == "flush" else turn.commit(state="theirs"))
                assert not session.waits
                with pytest.raises(InvalidData):
                    await session.flush()
                raise InvalidData("data", "left by hand", session_id="s")
    assert [message.content for message in await new.history("s")] == ["paid for"]
    assert (await new.load("s")).data == {"party": 9}


# --- a checkpoint in another task ----------------------------------------------------------------


async def test_a_turn_that_is_broken_off_keeps_the_checkpoint_that_another_task_was_making(manager, slow):
    async with manager.session("s") as session:
        await session.flush()

        async def pay(turn):
            session.data["paid"] = True
            turn.add("user", "pay")
            return await turn.checkpoint()

        async def fail():
            await slow.under_way.wait()
            asyncio.get_running_loop().call_later(0.01, slow.set)
            raise ZeroDivisionError

        slow.under_way.clear()
        slow.clear()
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                paying = asyncio.create_task(pay(turn))
                await fail()
        assert (await paying).session.version == 2
        assert session.data == {"paid": True}
    assert (await manager.load("s")).data == {"paid": True}


async def test_a_turn_that_is_broken_off_waits_for_no_other_turns_save(make_manager, slow):
    async with make_manager() as manager, manager.session("s") as session:
        await say(session, 1)
        slow.under_way.clear()
        slow.clear()
        flushing = asyncio.create_task(manager.flush())
        await slow.under_way.wait()
        with pytest.raises(ZeroDivisionError):
            async with asyncio.timeout(20), session.turn() as turn:
                turn.add("user", "x")
                raise ZeroDivisionError
        slow.set()
        await flushing


# --- leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("autosave", ["turn", "session"])
async def test_what_a_cancelled_leaving_has_left_is_stored_without_it_and_the_handle_let_go(
    make_manager, slow, autosave, others
):
    async with make_manager(autosave=autosave) as manager:

        async def request():
            async with manager.session("s") as session:
                await say(session, 1)
                await say(session, 2)
                session.data["left"] = True
                slow.under_way.clear()
                slow.clear()

        asking = asyncio.create_task(request())
        while slow.is_set():
            await asyncio.sleep(0)
        await slow.under_way.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        slow.set()
        async with asyncio.timeout(20):
            while manager._context.backlog._sessions:
                await asyncio.sleep(0.001)
        assert (await stored(others))[0] == words(1, 2)


async def test_what_leaving_has_refused_is_not_stored_by_a_timer_that_went_off_meanwhile(adapter, manager):
    refused, reached, goes_on = [], asyncio.Event(), asyncio.Event()

    async def refuse(turn):
        reached.set()
        await goes_on.wait()
        if not refused:
            refused.append(turn)
            raise ZeroDivisionError

    autosave = Autosave(every=0.001)
    async with PersistenceManager(adapter, autosave=autosave, hooks=Hooks(before_save=refuse)) as behind:

        async def visit():
            async with behind.session("s") as session, session.turn() as turn:
                turn.add("user", "x")

        visiting = asyncio.create_task(visit())
        await reached.wait()  # by leaving, or by the timer; the other one waits for it
        while not behind._context.backlog._tasks:
            await asyncio.sleep(0.001)
        goes_on.set()
        with pytest.raises(ZeroDivisionError):
            await visiting
        await asyncio.gather(*behind._context.backlog._tasks, return_exceptions=True)
    assert await manager.load("s") is None


# --- closing -------------------------------------------------------------------------------------


async def test_closing_names_all_that_it_could_not_store_states_alone_too(make_manager, failing, others):
    manager = await make_manager(autosave="turn").__aenter__()
    for name in ("a", "b"):
        await others.load_or_create(name)
        session = await manager.session(name).__aenter__()
        session.data["n"] = 1
        failing(OutcomeUnknown("no answer"))
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        await others.update_data(name, {"n": 2})
    with pytest.raises(FlushIncomplete) as caught:
        await manager.aclose()
    assert set(caught.value.session_ids) == {"a", "b"}


async def test_closing_does_not_name_what_is_durable_though_its_hook_had_to_be_stopped(make_manager, others):
    async def for_ever(turn, committed):
        await asyncio.Event().wait()

    manager = await make_manager(autosave="session", hooks=Hooks(after_save=for_ever)).__aenter__()
    session = await manager.session("s").__aenter__()
    await say(session, 1)
    await manager.aclose(timeout=0.01)
    assert not session.waits
    assert await stored(others) == (words(1), {"n": 1})


async def test_a_manager_that_is_entered_again_stores_what_its_closing_has_left(make_manager, failing, told):
    manager = await make_manager(SOON, hooks=told.hooks).__aenter__()
    session = await manager.session("s").__aenter__()
    await say(session, 1)
    failing(*[BackendUnavailable("down")] * 2)
    with pytest.raises(FlushIncomplete):
        await manager.aclose()
    async with manager:
        assert await told.next_save() == "s"


# --- failures ------------------------------------------------------------------------------------


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


# --- turns ---------------------------------------------------------------------------------------


async def test_a_message_of_ones_own_is_stored_once_however_often_its_turn_is_run(manager):
    for _ in range(2):
        async with manager.session("s") as session, session.turn("request-1") as turn:
            turn.add_message(Message(role="user", content="once"))
            turn.add_message(Message(id="mine", role="user", content="also once"))
    assert [message.id for message in await manager.history("s")] == ["request-1:0", "mine"]


@pytest.mark.parametrize("n", [1, 2])
async def test_committing_a_turn_that_was_stored_meanwhile_gives_what_was_stored(make_manager, n):
    async with make_manager() as manager, manager.session("s") as session:
        for number in range(n):
            async with session.turn() as turn:
                turn.add("user", str(number))
                session.data["n"] = number
        await manager.flush()
        session.data["since"] = True
        assert [message.text for message in (await turn.commit()).messages] == [str(n - 1)]
        assert session.data["since"]


async def test_words_are_kept_though_another_turns_words_were_kept_before(manager, others):
    async with manager.session("s") as session:
        await session.flush()
        await others.update_data("s", {"by": "another"})
        turns = []
        for number in (1, 2):
            with pytest.raises(VersionConflict):
                async with session.turn() as turn:
                    turn.add("user", str(number))
                    session.data["n"] = number
            turns.append(turn)
        for turn in turns:
            await turn.commit(state="theirs")
    assert await stored(others) == (["1", "2"], {"by": "another"})


async def test_what_may_be_stored_is_sent_again_as_it_was_though_the_backend_is_gone_meanwhile(
    make_manager, failing, others
):
    async with make_manager(autosave="session").session("s") as session:
        await session.flush()
        session.data["n"] = 1
        failing(OutcomeUnknown("cut"), executed=True)
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            await session.flush()
        session.data["n"] = 2
    assert (await others.load("s")).data == {"n": 2}
