"""Regenerating: another answer to what the user has said, in one step."""

import pytest
from tests.manager.answers import said, talk

from holdfast import InvalidArgument, Message, NotFound


async def test_the_answer_is_replaced_and_the_users_words_stay(spoken):
    before = await spoken.history("s")
    async with spoken.session("s") as session, session.regenerate() as turn:
        assert [message.text for message in turn.replaced] == ["u2", "a2"]
        assert [message.text for message in await session.history()] == ["u1", "a1", "u2"]
        assert [message.text for message in await session.history(last=2)] == ["a1", "u2"]
        assert [message.text for message in await session.history(last=1)] == ["u2"]
        turn.add("assistant", "better")
        assert await said(spoken) == ["u1", "a1", "u2", "a2"]  # nothing has gone yet
    after = await spoken.history("s")
    assert [message.text for message in after] == ["u1", "a1", "u2", "better"]
    old, new = before[2], after[2]
    assert (new.id, new.created_at, new.content, new.role) == (old.id, old.created_at, old.content, old.role)
    assert {message.turn_id for message in after[2:]} == {turn.id}
    assert (await spoken.load("s")).data == {"n": 1}


async def test_it_can_be_done_again_and_again(spoken):
    async with spoken.session("s") as session:
        for number in range(3):
            async with session.regenerate() as turn:
                turn.add("assistant", f"a{number}")
        await talk(session, "u3", "a3")
        async with session.regenerate() as turn:
            turn.add("assistant", "last")
    assert await said(spoken) == ["u1", "a1", "u2", "a2", "u3", "last"]
    session = await spoken.load("s")
    assert session.message_count == 6
    assert (await spoken.remove_last_turn("s"))[0].text == "u3"
    assert [message.text for message in await spoken.remove_last_turn("s")] == ["u2", "a2"]


async def test_the_new_turn_is_whole_for_those_that_prune_and_remove(spoken):
    async with spoken.session("s") as session, session.regenerate() as turn:
        turn.add("assistant", "better")
    assert await spoken.prune("s", keep=1) == 2
    assert await said(spoken) == ["u2", "better"]
    assert [message.text for message in await spoken.remove_last_turn("s")] == ["u2", "better"]
    assert await said(spoken) == []


async def test_a_state_that_changes_with_the_new_answer(spoken):
    async with spoken.session("s") as session:
        async with session.regenerate() as turn:
            turn.add("assistant", "better")
            session.data["n"] = 2
        assert session.data == {"n": 2}
    assert (await spoken.load("s")).data == {"n": 2}


@pytest.mark.parametrize(
    ("turn", "kept"),
    [
        (("u2", "u3", "a2"), ["u2", "u3"]),
        (("u2", "a2", "t1", "a3"), ["u2"]),
        (("u2", "a2", "u3", "a3"), ["u2"]),
        (("u2", "u3"), ["u2", "u3"]),
        (("a2",), []),
    ],
)
async def test_it_begins_with_what_the_user_has_said(manager, turn, kept):
    async with manager.session("s") as session:
        await talk(session, "u1", "a1")
        await talk(session, *turn)
        async with session.regenerate() as again:
            assert [message.text for message in again.replaced] == list(turn)
            assert [message.text for message in again.messages] == kept
            assert [message.text for message in await session.history()] == ["u1", "a1", *kept]
            again.add("assistant", "better")
    assert await said(manager) == ["u1", "a1", *kept, "better"]


async def test_what_the_user_has_said_behind_a_system_message_is_not_lost(manager):
    async with manager.session("s") as session:
        await talk(session, "s1", "u1", "a1")
        async with session.regenerate() as turn:
            turn.add("assistant", "better")
    assert "u1" in await said(manager)


async def test_tool_calls_go_with_their_results(manager):
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "u1")
            turn.add("assistant", tool_calls=[{"id": "c", "name": "book", "args": {"n": 1}}])
            turn.add("tool", "booked", tool_call_id="c")
            turn.add("assistant", "a1")
        async with session.regenerate() as turn:
            turn.add("assistant", tool_calls=[{"id": "c", "name": "book", "args": {"n": 2}}])
            turn.add("tool", "again", tool_call_id="c")
            turn.add("assistant", "a2")
    messages = await manager.history("s")
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert messages[1].tool_calls[0].args == {"n": 2}


async def test_all_that_a_user_message_holds_is_kept(manager):
    whole = Message(
        id="mine",
        role="user",
        content=[{"type": "text", "text": "look"}, {"type": "tool_result", "call_id": "c", "content": "x"}],
        name="Jane",
        route="r",
        step="s",
        user_id="u",
        metadata={"a": [1]},
        raw={"b": 2},
        format="f/1",
    )
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add_message(whole)
            turn.add("assistant", "a1")
        before = (await manager.history("s"))[0]
        async with session.regenerate() as turn:
            turn.add("assistant", "a2")
    after = (await manager.history("s"))[0]
    moved = {"seq", "turn_id", "segment"}
    assert after.model_dump(exclude=moved) == before.model_dump(exclude=moved)


async def test_where_there_is_no_turn_there_is_nothing_to_regenerate(manager):
    async with manager.session("s") as session:
        with pytest.raises((InvalidArgument, NotFound)):
            async with session.regenerate():
                pytest.fail("it has begun")
        await session.flush()
        with pytest.raises(InvalidArgument):
            async with session.regenerate():
                pytest.fail("it has begun")
        await talk(session, "u1", "a1")  # the handle is as it was
    assert await said(manager) == ["u1", "a1"]


async def test_after_pruning(spoken):
    await spoken.prune("s", keep=1)
    async with spoken.session("s") as session, session.regenerate() as turn:
        assert [message.text for message in await session.history()] == ["u2"]
        turn.add("assistant", "better")
    assert await said(spoken) == ["u2", "better"]


async def test_after_the_last_turn_was_removed(spoken):
    await spoken.remove_last_turn("s")
    async with spoken.session("s") as session:
        async with session.regenerate() as turn:
            assert [message.text for message in turn.replaced] == ["u1", "a1"]
            turn.add("assistant", "better")
        await spoken.remove_last_turn("s")
        with pytest.raises(InvalidArgument):
            async with session.regenerate():
                pytest.fail("it has begun")
    assert await said(spoken) == []


async def test_a_checkpoint_inside(spoken):
    async with spoken.session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.regenerate() as turn:
                turn.add("assistant", "thinking")
                await turn.checkpoint()
                assert await said(spoken) == ["u1", "a1", "u2", "thinking"]
                assert [message.text for message in await session.history()] == await said(spoken)
                turn.add("assistant", "lost")
                raise ZeroDivisionError
        async with session.regenerate() as turn:
            assert [message.text for message in turn.replaced] == ["u2", "thinking"]
            await turn.checkpoint()
            turn.add("assistant", "one")
            await turn.checkpoint()
            turn.add("assistant", "two")
    messages = await spoken.history("s")
    assert [message.text for message in messages] == ["u1", "a1", "u2", "one", "two"]
    assert {message.turn_id for message in messages[2:]} == {turn.id}


async def test_a_turn_of_several_segments_is_replaced_whole(manager):
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "u1")
            await turn.checkpoint()
            turn.add("assistant", "a1")
        async with session.regenerate() as turn:
            assert [message.text for message in turn.replaced] == ["u1", "a1"]
            turn.add("assistant", "a2")
    assert await said(manager) == ["u1", "a2"]


async def test_a_turn_with_an_id_of_its_own_can_be_regenerated(manager):
    async with manager.session("s") as session:
        await talk(session, "u1", "a1", turn_id="request-1")
        async with session.regenerate() as turn:
            turn.add("assistant", "a2")
            assert turn.id != "request-1"
    assert await said(manager) == ["u1", "a2"]


async def test_an_empty_block_takes_the_answer_away(spoken):
    async with spoken.session("s") as session, session.regenerate():
        pass
    assert await said(spoken) == ["u1", "a1", "u2"]


async def test_in_a_users_view(manager):
    view = manager.for_user("u")
    async with view.session("s") as session:
        await talk(session, "u1", "a1")
        async with session.regenerate() as turn:
            turn.add("assistant", "a2")
    assert await said(manager) == ["u1", "a2"]


async def test_a_session_that_is_not_stored_yet_has_no_turn_to_regenerate(manager):
    with pytest.raises(InvalidArgument):
        async with manager.session("s") as session, session.regenerate():
            pass
