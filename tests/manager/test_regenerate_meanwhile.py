"""Regenerating when it fails, when turns wait, and when others write meanwhile."""

import pytest
from tests.manager.answers import said, talk

from holdfast import (
    Autosave,
    BackendUnavailable,
    Message,
    NotFound,
    OutcomeUnknown,
    PersistenceManager,
    Session,
    VersionConflict,
)


async def test_a_block_that_fails_changes_nothing(spoken):
    before = await spoken.history("s")
    async with spoken.session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
                session.data["n"] = 2
                raise ZeroDivisionError
        assert session.data == {"n": 1}
        assert [message.text for message in await session.history()] == ["u1", "a1", "u2", "a2"]
        await talk(session, "u3")
    assert (await spoken.history("s"))[:4] == before
    assert await said(spoken) == ["u1", "a1", "u2", "a2", "u3"]


async def test_a_commit_that_fails_can_be_tried_again(spoken, failing):
    async with spoken.session("s") as session:
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
                session.data["n"] = 2
        assert await said(spoken) == ["u1", "a1", "u2", "a2"]
        assert [message.text for message in turn.messages] == ["u2", "better"]
        await turn.commit()
    assert await said(spoken) == ["u1", "a1", "u2", "better"]
    assert (await spoken.load("s")).data == {"n": 2}


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("state", [None, "theirs"])
@pytest.mark.parametrize("changed", [True, False])
async def test_an_answer_that_was_lost_is_replaced_once(spoken, failing, executed, state, changed):
    async with spoken.session("s") as session:
        failing(OutcomeUnknown("cut"), executed=executed)
        with pytest.raises(OutcomeUnknown):
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
                if changed:
                    session.data["n"] = 2
        await turn.commit(state=state)
        assert session.data == (await spoken.load("s")).data
    assert await said(spoken) == ["u1", "a1", "u2", "better"]


@pytest.mark.parametrize("policy", ["raise", "merge"])
async def test_somebody_who_appends_meanwhile_wins_and_nothing_is_lost(spoken, adapter, policy):
    manager = PersistenceManager(adapter, on_conflict=policy)
    async with manager.session("s") as session:
        with pytest.raises(VersionConflict) as caught:
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
                session.data["n"] = 2
                await manager.append("s", Message(role="user", content="meanwhile"))
        assert caught.value.guard == "last_seq"
        assert caught.value.turn is turn
        assert session.data == {"n": 1}
        with pytest.raises(VersionConflict):
            await turn.commit()
        assert [message.text for message in turn.messages] == ["u2", "better"]
        await turn.commit(state="theirs")  # what was paid for is kept, behind what others have said
    assert await said(manager) == ["u1", "a1", "u2", "a2", "meanwhile", "better"]
    assert (await manager.load("s")).data == {"n": 1}


async def test_somebody_who_appended_before_it_began_is_the_one_who_is_regenerated(spoken):
    async with spoken.session("s") as session:
        await spoken.append("s", Message(role="user", content="u3"))
        async with session.regenerate() as turn:
            turn.add("assistant", "a3")
    assert await said(spoken) == ["u1", "a1", "u2", "a2", "u3", "a3"]


async def test_a_stale_state_is_settled_as_in_any_turn(spoken, adapter):
    async with spoken.session("s") as session:
        with pytest.raises(VersionConflict) as caught:
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
                session.data["n"] = 2
                await spoken.update_data("s", {"n": 3})
        assert caught.value.turn is turn
        assert await said(spoken) == ["u1", "a1", "u2", "a2"]
        await turn.commit(state="theirs")
        assert session.data == {"n": 3}
    assert await said(spoken) == ["u1", "a1", "u2", "better"]
    merging = PersistenceManager(adapter, on_conflict="merge")
    async with merging.session("s") as session, session.regenerate() as turn:
        turn.add("assistant", "best")
        session.data["m"] = 1
        await spoken.update_data("s", {"n": 4})
    assert await said(spoken) == ["u1", "a1", "u2", "best"]
    assert (await spoken.load("s")).data == {"n": 4, "m": 1}


async def test_turns_that_wait_are_stored_first(adapter):
    async with PersistenceManager(adapter, autosave=Autosave(every=3600)) as manager:
        async with manager.session("s") as session:
            await talk(session, "u1", "a1")
            await talk(session, "u2", "a2")
            async with session.regenerate() as turn:
                assert [message.text for message in turn.replaced] == ["u2", "a2"]
                turn.add("assistant", "better")
    assert await said(manager) == ["u1", "a1", "u2", "better"]


@pytest.mark.parametrize("autosave", ["session", Autosave(every=3600)])
async def test_history_while_the_new_answer_waits(adapter, autosave):
    async with PersistenceManager(adapter, autosave=autosave) as manager:
        async with manager.session("s") as session:
            await talk(session, "u1", "a1")
            await talk(session, "u2", "a2")
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
            assert [message.text for message in await session.history()] == ["u1", "a1", "u2", "better"]
            assert [message.text for message in await session.history(last=2)] == ["u2", "better"]
            await talk(session, "u3", "a3")
            assert [message.text for message in await session.history(last=3)] == ["better", "u3", "a3"]
            async with session.regenerate() as turn:
                assert [message.text for message in await session.history()] == ["u1", "a1", "u2", "better", "u3"]
                turn.add("assistant", "best")
    assert await said(manager) == ["u1", "a1", "u2", "better", "u3", "best"]


async def test_what_was_redacted_meanwhile_does_not_come_back(spoken):
    target = (await spoken.history("s"))[2]
    async with spoken.session("s") as session:
        try:
            async with session.regenerate() as turn:
                await spoken.redact("s", target.id)
                turn.add("assistant", "better")
        except VersionConflict:
            pass
    assert "u2" not in await said(spoken)


async def test_a_session_that_began_another_life_is_left_alone(spoken):
    with pytest.raises(NotFound):
        async with spoken.session("s") as session, session.regenerate() as turn:
            turn.add("assistant", "better")
            await spoken.delete("s")
            await spoken.save(Session(id="s"))
            await spoken.append("s", Message(role="user", content="new life"))
    assert await said(spoken) == ["new life"]


async def test_a_handle_of_an_earlier_life_regenerates_nothing(spoken):
    with pytest.raises(NotFound):
        async with spoken.session("s") as session:
            await spoken.delete("s")
            await spoken.save(Session(id="s"))
            await spoken.append("s", Message(role="user", content="new life"))
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
    assert await said(spoken) == ["new life"]


async def test_a_waiting_answer_that_others_have_overtaken_can_be_given_up(manager, adapter):
    async with manager.session("s") as session:
        await talk(session, "u1", "a1")
    behind = PersistenceManager(adapter, autosave="session")
    with pytest.raises(VersionConflict):
        async with behind.session("s") as session:
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
            await manager.append("s", Message(role="user", content="meanwhile"))
            await talk(session, "u2")
    await session.flush(state="theirs")
    assert await said(manager) == ["u1", "a1", "meanwhile", "better", "u2"]
