"""Two handles on one session."""

import pytest

from holdfast import NotFound, Session, VersionConflict


async def test_appends_of_two_handles_are_both_kept(manager):
    async with manager.session("s") as one, manager.session("s") as two:
        async with one.turn() as turn:
            turn.add("user", "one")
        async with two.turn() as turn:
            turn.add("user", "two")
        async with one.turn() as turn:
            turn.add("user", "three")
    assert [message.content for message in await manager.history("s")] == ["one", "two", "three"]


async def test_a_stale_state_raises_and_the_turn_still_holds_everything(manager):
    async with manager.session("s") as session:
        await session.flush()
    with pytest.raises(VersionConflict) as caught:
        async with manager.session("s") as stale:
            await manager.update_data("s", {"by": "other"})
            async with stale.turn() as turn:
                turn.add("user", "paid for")
                stale.data["by"] = "me"
    conflict = caught.value
    assert (conflict.expected, conflict.actual, conflict.guard) == (1, 2, "version")
    assert conflict.turn is turn
    assert [message.content for message in turn.messages] == ["paid for"]
    assert stale.data == {}
    assert (await manager.load("s")).data == {"by": "other"}
    assert await manager.history("s") == []


async def test_a_conflict_is_never_settled_by_trying_the_same_turn_again(manager):
    async with manager.session("s") as session:
        await session.flush()
        await manager.update_data("s", {"by": "other"})
        with pytest.raises(VersionConflict):
            async with session.turn() as turn:
                session.data["by"] = "me"
        with pytest.raises(VersionConflict):
            await turn.commit()
    assert (await manager.load("s")).data == {"by": "other"}


async def test_a_handle_that_only_appended_does_not_overwrite_the_state_of_others_later(manager):
    async with manager.session("s") as session:
        await session.flush()
        await manager.update_data("s", {"by": "other"})
        async with session.turn() as turn:
            turn.add("user", "just words")  # commits: appends commute
        with pytest.raises(VersionConflict):
            async with session.turn():
                session.data["by"] = "me"
    assert (await manager.load("s")).data == {"by": "other"}


async def test_a_segment_is_guarded_by_what_the_one_before_returned(manager, adapter):
    with pytest.raises(VersionConflict) as caught:
        async with manager.session("s") as session, session.turn() as turn:
            turn.add("user", "one")
            await turn.checkpoint()
            async with manager.session("s") as other, other.turn() as theirs:
                theirs.add("user", "in between")
            turn.add("assistant", "two")
    assert caught.value.guard == "last_seq"
    assert [message.content for message in await manager.history("s")] == ["one", "in between"]


async def test_a_creation_that_loses_and_has_no_state_joins_the_winner(manager):
    async with manager.session("s", user_id="u") as late:
        async with manager.session("s", user_id="u") as early, early.turn() as turn:
            turn.add("user", "first")
            early.data["by"] = "early"
        async with late.turn() as turn:
            turn.add("user", "second")
        assert late.data == {"by": "early"}
        assert late.state.version == 1
        late.data["also"] = "late"
    assert [message.content for message in await manager.history("s")] == ["first", "second"]
    assert (await manager.load("s")).data == {"by": "early", "also": "late"}


async def test_a_creation_that_loses_with_a_state_of_its_own_raises(manager):
    async with manager.session("s") as late:
        async with manager.session("s") as early:
            early.data["by"] = "early"
        with pytest.raises(VersionConflict):
            async with late.turn() as turn:
                turn.add("user", "mine")
                late.data["by"] = "late"
    assert (await manager.load("s")).data == {"by": "early"}
    assert await manager.history("s") == []


async def test_a_creation_that_loses_to_another_user_finds_nothing(manager):
    with pytest.raises(NotFound):
        async with manager.session("s", user_id="me") as mine:
            await manager.save(Session(id="s", user_id="somebody else"))
            async with mine.turn() as turn:
                turn.add("user", "whose?")
    assert await manager.history("s") == []


async def test_another_users_session_is_not_found(manager):
    await manager.save(Session(id="s", user_id="u"))
    with pytest.raises(NotFound) as theirs:
        async with manager.session("s", user_id="other"):
            pass
    with pytest.raises(NotFound) as missing:
        await manager.history("s2")
    assert str(theirs.value).replace("'s'", "'s2'") == str(missing.value)
    with pytest.raises(NotFound):
        await manager.load_or_create("s", user_id="other")


async def test_a_session_deleted_meanwhile_is_not_found_even_when_its_id_lives_again(manager):
    with pytest.raises(NotFound):
        async with manager.session("s") as session:
            await session.flush()
            await manager.delete("s")
            await manager.save(Session(id="s"))
            async with session.turn() as turn:
                turn.add("user", "to the dead")
    assert await manager.history("s") == []
