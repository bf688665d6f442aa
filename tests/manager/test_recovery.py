"""A turn that goes on after a failure, or is committed again: nothing is lost, nothing is doubled."""

import asyncio

import pytest

from holdfast import (
    BackendUnavailable,
    DuplicateIdConflict,
    InvalidArgument,
    Message,
    NotFound,
    OutcomeUnknown,
    Session,
    VersionConflict,
)


async def said(manager):
    return [message.content for message in await manager.history("s")]


@pytest.mark.parametrize(
    ("error", "executed"),
    [(OutcomeUnknown("cut"), True), (OutcomeUnknown("cut"), False), (BackendUnavailable("down"), False)],
)
async def test_a_checkpoint_that_failed_and_was_caught_loses_nothing_of_the_turn(
    manager, failing, error, executed
):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "one")
        session.data["n"] = 1
        failing(error, executed=executed)
        with pytest.raises(type(error)):
            await turn.checkpoint()
        turn.add("assistant", "two")
        session.data["n"] = 2
    assert await said(manager) == ["one", "two"]
    assert (await manager.load("s")).data == {"n": 2}


async def test_a_checkpoint_that_was_cancelled_loses_nothing_of_the_turn(manager):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "one")
        task = asyncio.create_task(turn.checkpoint())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        turn.add("assistant", "two")
        session.data["n"] = 2
    assert await said(manager) == ["one", "two"]
    assert (await manager.load("s")).data == {"n": 2}


async def test_a_whole_turn_is_kept_when_its_checkpoint_and_its_end_both_fail(manager, failing):
    async with manager.session("s") as session:
        failing(OutcomeUnknown("cut"), OutcomeUnknown("cut"), executed=True)
        with pytest.raises(OutcomeUnknown):
            async with session.turn() as turn:
                turn.add("user", "one")
                session.data["n"] = 1
                with pytest.raises(OutcomeUnknown):
                    await turn.checkpoint()
                turn.add("assistant", "two")
                session.data["n"] = 2
        assert session.data == {}
        await turn.commit()
        assert session.data == {"n": 2}
    assert await said(manager) == ["one", "two"]
    assert (await manager.load("s")).data == {"n": 2}


async def test_a_checkpoint_that_was_refused_can_be_mended(manager):
    await manager.save(Session(id="s"))
    await manager.append("s", Message(id="taken", role="user", content="old"))
    async with manager.session("s") as session:
        with pytest.raises(DuplicateIdConflict):
            async with session.turn() as turn:
                turn.add("user", "new", id="taken")
        async with session.turn() as turn:
            turn.add("user", "new")
    assert await said(manager) == ["old", "new"]


async def test_a_failed_turn_is_not_committed_over_what_came_after_it(manager, failing):
    async with manager.session("s") as session:
        await session.flush()
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            async with session.turn() as first:
                session.data["a"] = 1
        async with session.turn():
            session.data["b"] = 2
            with pytest.raises(InvalidArgument, match="A turn is open"):
                await first.commit()
        with pytest.raises(InvalidArgument, match="changed since"):
            await first.commit()
    assert (await manager.load("s")).data == {"b": 2}


async def test_an_append_after_a_checkpoint_is_not_stopped_by_an_old_state_of_this_handle(manager):
    async with manager.session("s") as session:
        await session.flush()
        await manager.update_data("s", {"by": "other"})
        async with session.turn() as turn:
            turn.add("user", "one")
            await turn.checkpoint()
            turn.add("assistant", "two")
    assert await said(manager) == ["one", "two"]


async def test_a_request_that_is_run_again_under_its_turn_id_is_stored_once(manager):
    for _ in range(3):
        async with manager.session("s", user_id="u") as session, session.turn("req-1") as turn:
            turn.add("user", "hello")
            session.data["name"] = "Jane"
            turn.add("assistant", "hi")
    assert await said(manager) == ["hello", "hi"]
    assert (await manager.load("s")).version == 1


async def test_a_turn_id_with_other_words_is_refused(manager):
    async with manager.session("s") as session, session.turn("req-1") as turn:
        turn.add("user", "hello")
    with pytest.raises(DuplicateIdConflict):
        async with manager.session("s") as session, session.turn("req-1") as turn:
            turn.add("user", "something else")
    assert await said(manager) == ["hello"]


async def test_a_creation_that_named_no_user_joins_the_winner_that_did(manager):
    async with manager.session("s") as late:
        await manager.save(Session(id="s", user_id="jane"))
        async with late.turn() as turn:
            turn.add("user", "second")
        assert late.state.user_id == "jane"
    assert await said(manager) == ["second"]


async def test_a_parent_that_is_missing_is_not_found(manager):
    with pytest.raises(NotFound):
        async with manager.session("s", parent_id="nobody"):
            pass
    assert await manager.load("s") is None


async def test_an_update_that_changes_nothing_writes_nothing(manager):
    await manager.save(Session(id="s", data={"a": 1}))
    await manager.update_data("s", {"a": 1})
    await manager.set_status("s", "active")
    assert (await manager.load("s")).version == 1


async def test_a_conflict_in_a_flush_is_told_again_until_the_change_is_gone(manager):
    with pytest.raises(VersionConflict):
        async with manager.session("s") as session:
            await session.flush()
            await manager.update_data("s", {"by": "other"})
            session.data["by"] = "me"
            with pytest.raises(VersionConflict):
                await session.flush()
    async with manager.session("s") as session:
        assert session.data == {"by": "other"}


async def test_the_history_of_a_handle_that_was_opened_before_the_session_was_there(manager):
    async with manager.session("s") as session:
        await manager.save(Session(id="s"))
        await manager.append("s", Message(role="user", content="theirs"))
        assert [message.content for message in await session.history()] == ["theirs"]
