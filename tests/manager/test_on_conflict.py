"""Stale states that are raised, and what becomes of the turn: nothing lost, nothing undone."""

import pytest
from tests.manager.stories import said, stored

from holdfast import (
    BackendUnavailable,
    Hooks,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    PersistenceManager,
    Session,
    VersionConflict,
)


@pytest.fixture
def managed(adapter, clock):
    """A manager with a policy."""
    return lambda on_conflict, **options: PersistenceManager(
        adapter, clock=clock, on_conflict=on_conflict, **options
    )


async def stale_turn(manager, session, **changes):
    """A turn that fails, since somebody else has changed the state meanwhile."""
    await manager.update_data("s", {"by": "other"})
    with pytest.raises(VersionConflict) as caught:
        async with session.turn() as turn:
            turn.add("user", "paid for")
            session.data.update(changes or {"by": "me"})
    return turn, caught.value


async def test_theirs_keeps_the_messages_once_and_takes_over_the_state(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        turn, conflict = await stale_turn(manager, session)
        assert conflict.turn is turn
        committed = await conflict.turn.commit(state="theirs")
        assert [message.content for message in committed.messages] == ["paid for"]
        assert turn.messages == ()
        assert session.data == {"by": "other"}
        await turn.commit(state="theirs")
        await turn.commit()
        async with session.turn():
            session.data["next"] = 1
    assert await said(manager) == ["paid for"]
    assert await stored(manager) == (3, {"by": "other", "next": 1})


async def test_theirs_twice_when_the_backend_is_down_in_between(manager, failing):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        turn, _ = await stale_turn(manager, session)
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            await turn.commit(state="theirs")
        assert [message.content for message in turn.messages] == ["paid for"]
        await turn.commit(state="theirs")
        assert session.data == {"by": "other"}
    assert await said(manager) == ["paid for"]
    assert await stored(manager) == (2, {"by": "other"})


async def test_theirs_in_the_block_after_a_checkpoint_that_failed(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "one")
        session.data["by"] = "me"
        await manager.update_data("s", {"by": "other"})
        with pytest.raises(VersionConflict) as caught:
            await turn.checkpoint()
        assert caught.value.turn is turn
        await turn.commit(state="theirs")
        assert session.data == {"by": "other"}
        turn.add("assistant", "two")
        session.data["after"] = 1
    assert await said(manager) == ["one", "two"]
    assert await stored(manager) == (3, {"by": "other", "after": 1})


async def test_a_block_that_took_theirs_can_conflict_again_and_says_so(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "one")
                session.data["by"] = "me"
                await manager.update_data("s", {"by": "other"})
                await turn.commit(state="theirs")
                turn.add("assistant", "two")
                session.data["by"] = "me again"
                await manager.update_data("s", {"by": "another"})
        assert caught.value.turn is turn
        assert session.data == {"by": "other"}
        await turn.commit(state="theirs")
        assert session.data == {"by": "another"}
    assert await said(manager) == ["one", "two"]
    assert await stored(manager) == (3, {"by": "another"})


async def test_a_conflict_is_told_once_to_the_hooks_each_time(managed):
    conflicts = []
    manager = managed("raise", hooks=Hooks(on_conflict=conflicts.append))
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        with pytest.raises(VersionConflict):
            async with session.turn() as turn:
                turn.add("user", "one")
                session.data["by"] = "me"
                await manager.update_data("s", {"by": "other"})
                await turn.commit(state="theirs")
                session.data["by"] = "me again"
                await manager.update_data("s", {"by": "another"})
    assert len(conflicts) == 1


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("overtaken", [True, False])
async def test_theirs_after_an_answer_was_lost(manager, failing, executed, overtaken):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        failing(OutcomeUnknown("cut"), executed=executed)
        with pytest.raises(OutcomeUnknown):
            async with session.turn() as turn:
                turn.add("user", "paid for")
                session.data["by"] = "me"
        if overtaken:
            await manager.update_data("s", {"by": "other"})
        before = await stored(manager)
        await turn.commit(state="theirs")
        assert (await stored(manager))[1] == before[1]
        assert session.data == (await stored(manager))[1]
        async with session.turn():
            session.data["next"] = 1
    assert await said(manager) == ["paid for"]
    assert (await stored(manager))[1] == before[1] | {"next": 1}


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("overtaken", [True, False])
@pytest.mark.parametrize("with_state", [True, False])
async def test_theirs_after_the_answer_to_a_checkpoint_was_lost(manager, failing, executed, overtaken, with_state):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        turn = session.turn()
        await turn.__aenter__()
        turn.add("user", "one")
        if with_state:
            session.data["by"] = "me"
        failing(OutcomeUnknown("cut"), executed=executed)
        with pytest.raises(OutcomeUnknown):
            await turn.checkpoint()
        turn.add("assistant", "two")
        if overtaken:
            await manager.update_data("s", {"by": "other"})
        before = await stored(manager)
        await turn.commit(state="theirs")
        assert session.data == (await stored(manager))[1] == before[1]
        turn.add("assistant", "three")
        session.data["next"] = 1
        await turn.__aexit__(None, None, None)
    assert await said(manager) == ["one", "two", "three"]
    assert (await stored(manager))[1] == before[1] | {"next": 1}


async def test_a_turn_with_nothing_but_state(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        await manager.update_data("s", {"by": "other"})
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                session.data["by"] = "me"
        assert caught.value.turn is turn
        assert await turn.commit(state="theirs") is None
        assert session.data == {"by": "other"}
    assert await stored(manager) == (2, {"by": "other"})


async def test_somebody_appended_after_a_checkpoint(manager):
    async with manager.session("s") as session:
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "one")
                await turn.checkpoint()
                async with manager.session("s") as other, other.turn() as theirs:
                    theirs.add("user", "in between")
                turn.add("assistant", "two")
                session.data["lost"] = True
        assert caught.value.guard == "last_seq"
        assert caught.value.turn is turn
        assert session.data == {}
        with pytest.raises(VersionConflict):
            await turn.commit()
        await turn.commit(state="theirs")
    assert await said(manager) == ["one", "in between", "two"]
    assert (await stored(manager))[1] == {}


@pytest.mark.parametrize("policy", ["merge", lambda base, mine, theirs: mine])
async def test_a_stale_position_is_settled_by_no_policy(managed, policy):
    manager = managed(policy)
    async with manager.session("s") as session:
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "one")
                await turn.checkpoint()
                async with manager.session("s") as other, other.turn() as theirs:
                    theirs.add("user", "in between")
                    other.data["theirs"] = 1
                turn.add("assistant", "two")
                session.data["mine"] = 1
        assert caught.value.guard == "last_seq"
        assert caught.value.turn is turn
        assert "mine" not in session.data
    assert await said(manager) == ["one", "in between"]
    assert (await stored(manager))[1] == {"theirs": 1}


async def test_theirs_of_a_session_that_is_gone_is_not_found_and_keeps_the_turn(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        turn, _ = await stale_turn(manager, session)
        await manager.delete("s")
        for _ in range(2):
            with pytest.raises(NotFound):
                await turn.commit(state="theirs")
        await manager.save(Session(id="s", data={"new": "life"}))
        with pytest.raises(NotFound):
            await turn.commit(state="theirs")
        assert [message.content for message in turn.messages] == ["paid for"]
        assert session.data == {}
    assert await stored(manager) == (1, {"new": "life"})
    assert await said(manager) == []


async def test_theirs_gets_past_a_flush_that_is_stale_by_now(manager, failing):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        session.data["outside"] = 1
        failing(OutcomeUnknown("cut"))
        with pytest.raises(OutcomeUnknown):
            await session.flush()
        await manager.update_data("s", {"by": "other"})
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "paid for")
        assert caught.value.turn is turn
        await turn.commit(state="theirs")
        assert session.data == {"by": "other"}
    assert await said(manager) == ["paid for"]
    assert await stored(manager) == (2, {"by": "other"})


async def test_a_turn_that_raised_is_not_committed_with_the_state_of_an_open_one(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as first:
                first.add("user", "one")
                raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                session.data["unfinished"] = True
                with pytest.raises(InvalidArgument):
                    await first.commit()
                raise ZeroDivisionError
    assert (await stored(manager))[1] == {}


async def test_a_flush_that_takes_theirs(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        session.data["by"] = "me"
        await manager.update_data("s", {"by": "other"})
        with pytest.raises(VersionConflict):
            await session.flush()
        assert session.data == {"by": "me"}
        await session.flush(state="theirs")
        assert session.data == {"by": "other"}
        session.data["next"] = 1
    assert await stored(manager) == (3, {"by": "other", "next": 1})


@pytest.mark.parametrize("autosave", ["session", "off"])
async def test_turns_that_wait_are_kept_behind_theirs(managed, autosave):
    manager = managed("raise", autosave=autosave)
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        async with session.turn() as first:
            first.add("user", "one")
            session.data["by"] = "me"
        async with session.turn() as second:
            second.add("user", "two")
            session.data["n"] = 2
        await manager.update_data("s", {"by": "other"})
        with pytest.raises(VersionConflict) as caught:
            await session.flush()
        assert caught.value.turn is first
        assert await said(manager) == []
        await first.commit(state="theirs")
        assert session.data == {"by": "other"}
    assert await said(manager) == ["one", "two"]
    assert await stored(manager) == (2, {"by": "other"})


@pytest.mark.parametrize("state", ["mine", "", 1, True])
async def test_a_wrong_word_for_the_state_is_refused(manager, state):
    async with manager.session("s") as session, session.turn() as turn:
        with pytest.raises(InvalidArgument):
            await turn.commit(state=state)


async def test_a_function_is_not_asked_about_a_stale_position(managed):
    asked = []

    def ask(base, mine, theirs):
        asked.append(theirs.data)
        return mine

    manager = managed(ask)
    async with manager.session("s") as session:
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "one")
                await turn.checkpoint()
                async with manager.session("s") as other, other.turn() as theirs:
                    theirs.add("user", "in between")
                session.data["mine"] = 1
        assert caught.value.guard == "last_seq"
        assert session.data == {}
    assert asked == []


async def test_a_turn_that_failed_is_not_committed_over_what_was_changed_since(manager, failing):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            async with session.turn() as turn:
                turn.add("user", "one")
                session.data["in"] = 1
        session.data["since"] = 2
        for state in (None, "theirs"):
            with pytest.raises(InvalidArgument):
                await turn.commit(state=state)
        assert session.data == {"since": 2}
        await session.flush()
        assert await said(manager) == []
    assert (await stored(manager))[1] == {"since": 2}


async def test_a_checkpoint_with_nothing_to_store_is_gone_back_to_all_the_same(manager):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        session.data["unsaved"] = 1
        with pytest.raises(ZeroDivisionError):
            async with session.turn() as turn:
                del session.data["unsaved"]
                await turn.checkpoint()
                session.data["lost"] = 1
                raise ZeroDivisionError
        assert session.data == {}
    assert await stored(manager) == (1, {})
