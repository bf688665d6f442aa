"""Between two steps: a deploy, a checkpoint, and a turn that is committed again."""

import asyncio

import pytest
from pydantic import BaseModel
from tests.manager.waiting import WAITING, say, stored, words

from holdfast import (
    BackendUnavailable,
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


@pytest.mark.parametrize("second", [False, True])
async def test_a_checkpoint_that_waits_in_line_is_made_before_its_turn_breaks_off(
    make_manager, slow, others, second
):
    async with make_manager() as manager, manager.session("s") as session:
        await say(session, 1)
        slow.under_way.clear()
        slow.clear()
        flushing = asyncio.create_task(manager.flush())
        await slow.under_way.wait()
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "2")
                session.data["n"] = 2
                checkpoint = asyncio.create_task(turn.checkpoint())
                await asyncio.sleep(0)
                asyncio.get_running_loop().call_later(0.01, slow.set)
                raise ZeroDivisionError
        assert checkpoint.done()
        assert session.data == {"n": 2}
        if second:
            with pytest.raises(ZeroDivisionError):
                async with session.turn():
                    session.data["n"] = 3
                    raise ZeroDivisionError
        await flushing
        assert await stored(others) == ([*words(1), "2"], {"n": 2})


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


async def test_a_turn_that_broke_off_is_committed_once_and_with_its_words_alone(manager):
    async with manager.session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["n"] = 1
                raise ZeroDivisionError
        first = await turn.commit()
        session.data["since"] = True
        assert await turn.commit() is first
        assert await stored(manager) == (["x"], {})


@pytest.mark.parametrize("turn_id", [None, "request-1"])
@pytest.mark.parametrize(
    "change", [None, {"role": 5}, {"id": ""}, {"id": 5}, {"created_at": "x"}, {"content": 7}], ids=str
)
async def test_a_message_that_breaks_a_rule_is_refused_as_it_is_added_and_its_turn_goes_on(
    manager, change, turn_id
):
    wrong = {} if change is None else Message(role="user", content="x").model_copy(update=change)
    async with manager.session("s") as session, session.turn(turn_id) as turn:
        turn.add("user", "before")
        with pytest.raises(InvalidArgument):
            turn.add_message(wrong)
        turn.add("user", "behind")
    assert (await stored(manager))[0] == ["before", "behind"]
