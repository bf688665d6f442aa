"""Retries of turns that carry state or a removal, and the window in which they are remembered."""

import asyncio

import pytest

from holdfast import DuplicateIdConflict, Message, Session, Turn, VersionConflict

WINDOW = 16


@pytest.fixture(autouse=True)
async def session(adapter):
    return await adapter.sessions.save(Session(id="s"))


async def other_saves(adapter, count):
    for _ in range(count):
        await adapter.sessions.save(await adapter.sessions.get("s"))


async def test_a_retried_turn_gets_the_answer_of_the_first_try(adapter, clock, say, session):
    session.data["a"] = 1
    turn = Turn(session_id="s", session=session, messages=say("a", "b"))
    first = await adapter.commit(turn)
    clock.pass_(hours=1)
    await adapter.messages.append("s", say("c"))
    await other_saves(adapter, 3)
    again = await adapter.commit(turn)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.messages == first.messages
    assert (again.session.version, again.session.last_seq) == (2, 2)
    now = await adapter.sessions.get("s")
    assert (now.version, now.last_seq, now.data) == (5, 3, {"a": 1})


async def test_a_retried_save_is_stored_once(adapter, session):
    session.data["n"] = 1
    first = await adapter.sessions.save(session, turn_id="t")
    again = await adapter.sessions.save(session, turn_id="t")
    assert (first.version, again.version) == (2, 2)
    newer = await adapter.sessions.get("s")
    newer.data["n"] = 2
    await adapter.sessions.save(newer)
    late = await adapter.sessions.save(session, turn_id="t")
    assert late.version == 2
    stored = await adapter.sessions.get("s")
    assert (stored.version, stored.data) == (3, {"n": 2})


async def test_a_save_over_any_version_is_stored_once_per_turn(adapter, session):
    for _ in range(3):
        assert (await adapter.sessions.save(session, expected="any", turn_id="t")).version == 2
    assert (await adapter.sessions.get("s")).version == 2


async def test_without_a_turn_id_a_second_save_is_another_one(adapter, session):
    await adapter.sessions.save(session)
    with pytest.raises(VersionConflict):
        await adapter.sessions.save(session)


async def test_a_retried_creation_makes_one_session(adapter, say):
    turn = Turn(session_id="new", session=Session(id="new", data={"a": 1}), messages=say("a"))
    first, again = await adapter.commit(turn), await adapter.commit(turn)
    assert again.session.key == first.session.key
    assert (again.session.version, again.session.last_seq, again.messages) == (1, 1, first.messages)
    assert again.replayed
    made = Session(id="made")
    one, two = [await adapter.sessions.save(made, turn_id="t") for _ in range(2)]
    assert one == two


async def test_a_retried_removal_tells_the_first_count(adapter, say, everything):
    await adapter.messages.append("s", say(*"abcde"))
    assert await adapter.messages.remove("s", after=1, through=4, turn_id="t") == 3
    await adapter.messages.append("s", say("b"))
    before = await everything(adapter)
    assert await adapter.messages.remove("s", after=1, through=4, turn_id="t") == 3
    assert await everything(adapter) == before


async def test_a_turn_id_with_another_content_is_a_conflict(adapter, say, session, everything):
    session.data["a"] = 1
    turn = Turn(id="t", session_id="s", session=session, messages=say("a"), remove=None)
    await adapter.commit(turn)
    before = await everything(adapter)
    other = session.model_copy(update={"data": {"a": 2}})
    ended = session.model_copy(update={"status": "completed"})
    for change in (
        {"session": other},
        {"session": ended},
        {"session": None},
        {"messages": say("b")},
        {"messages": ()},
        {"messages": say("a", "b")},
        {"messages": [Message(id="a", role="user", content="other")]},
        {"remove": (0, 1)},
    ):
        with pytest.raises(DuplicateIdConflict) as caught:
            await adapter.commit(turn.model_copy(update=change))
        assert "t" in caught.value.ids
    with pytest.raises(DuplicateIdConflict):
        await adapter.messages.remove("s", after=0, through=1, turn_id="t")
    assert await everything(adapter) == before


async def test_sixteen_writes_with_state_or_removal_are_remembered(adapter, session):
    session.data["a"] = 1
    await adapter.sessions.save(session, turn_id="t")
    await other_saves(adapter, WINDOW - 1)
    assert (await adapter.sessions.save(session, turn_id="t")).version == 2
    assert (await adapter.sessions.get("s")).version == WINDOW + 1


async def test_past_the_window_a_retried_save_is_refused_and_nothing_is_written(adapter, session, everything):
    session.data["a"] = 1
    await adapter.sessions.save(session, turn_id="t")
    await other_saves(adapter, WINDOW)
    before = await everything(adapter)
    with pytest.raises(VersionConflict):
        await adapter.sessions.save(session, turn_id="t")
    assert await everything(adapter) == before


async def test_past_the_window_a_turns_messages_tell_that_its_state_is_in(adapter, say, session, everything):
    session.data["a"] = 1
    turn = Turn(session_id="s", session=session, messages=say("a", "b"))
    first = await adapter.commit(turn)
    await adapter.messages.append("s", say("c"))
    await other_saves(adapter, WINDOW + 1)
    before = await everything(adapter)
    again = await adapter.commit(turn)
    assert again.replayed
    assert again.messages == first.messages
    assert (again.session.version, again.session.last_seq) == (2, 2)
    assert await everything(adapter) == before


async def test_pure_appends_and_redactions_take_no_place_in_the_window(adapter, say, session):
    session.data["a"] = 1
    await adapter.sessions.save(session, turn_id="t")
    await adapter.messages.append("s", say("a"))
    for number in range(WINDOW * 2):
        await adapter.messages.append("s", say(f"m{number}"))
        await adapter.messages.replace("s", Message(id="a", role="user", content=f"{number}"))
    assert (await adapter.sessions.save(session, turn_id="t")).version == 2


async def test_removals_take_a_place_in_the_window(adapter, say, session):
    session.data["a"] = 1
    await adapter.messages.append("s", say("a"))
    await adapter.sessions.save(session, turn_id="t")
    for _ in range(WINDOW):
        await adapter.messages.remove("s", after=0, through=1)
    with pytest.raises(VersionConflict):
        await adapter.sessions.save(session.model_copy(update={"version": 0, "key": None}), turn_id="t")


async def test_a_replay_leaves_out_messages_that_were_removed_since(adapter, say, session):
    turn = Turn(session_id="s", session=session, messages=say("a", "b", "c"))
    first = await adapter.commit(turn)
    await adapter.messages.remove("s", after=1, through=2)
    again = await adapter.commit(turn)
    assert again.replayed
    assert again.messages == (first.messages[0], first.messages[2])
    assert (again.session.version, again.session.last_seq) == (2, 3)


async def test_the_same_turn_by_many_at_once_is_stored_once(adapter, say, session):
    session.data["a"] = 1
    turn = Turn(session_id="s", session=session, messages=say("a", "b"))
    answers = await asyncio.gather(*(adapter.commit(turn) for _ in range(8)))
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({(answer.messages[0].seq, answer.session.version) for answer in answers}) == 1
    stored = await adapter.sessions.get("s")
    assert (stored.version, stored.message_count) == (2, 2)


async def test_a_replaced_tail_can_be_retried(adapter, say, everything):
    await adapter.messages.append("s", say("a", "b", "c"))
    turn = Turn(session_id="s", remove=(1, 3), messages=say("b", "d"), last_seq=3)
    first = await adapter.commit(turn)
    before = await everything(adapter)
    again = await adapter.commit(turn)
    assert (first.removed, again.removed, again.replayed) == (2, 2, True)
    assert again.messages == first.messages
    assert await everything(adapter) == before
