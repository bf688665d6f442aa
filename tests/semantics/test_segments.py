"""A turn that is committed in segments: each is stored once, and each is another write."""

import pytest

from holdfast import DuplicateIdConflict, Message, Session, Turn


@pytest.fixture(autouse=True)
async def session(adapter):
    return await adapter.sessions.save(Session(id="s"))


async def test_a_turn_may_come_in_segments_each_stored_once(adapter, say, session):
    session.data["a"] = 1
    one = Turn(id="t", session_id="s", session=session, messages=say("a"))
    first = await adapter.commit(one)
    state = session.model_copy(update={"data": {"a": 2}})
    guards = {"expected": first.session.version, "last_seq": first.session.last_seq}
    two = Turn(id="t", segment=1, session_id="s", session=state, messages=say("b", "c"), **guards)
    second = await adapter.commit(two)
    assert [(m.seq, m.turn_id, m.segment) for m in await adapter.messages.find("s")] == [
        (1, "t", 0),
        (2, "t", 1),
        (3, "t", 1),
    ]
    for turn, answer in ((one, first), (two, second)):
        again = await adapter.commit(turn)
        assert again.replayed
        assert again.messages == answer.messages
        assert (again.session.version, again.session.last_seq) == (answer.session.version, answer.session.last_seq)
    stored = await adapter.sessions.get("s")
    assert (stored.version, stored.data, stored.last_seq) == (3, {"a": 2}, 3)


async def test_a_segment_that_says_again_what_another_said_still_brings_its_state(adapter, say, session):
    await adapter.commit(Turn(id="t", session_id="s", messages=say("a", "b")))
    session.data["a"] = 1
    done = await adapter.commit(Turn(id="t", segment=1, session_id="s", session=session, messages=say("a", "b")))
    assert not done.replayed
    assert [(message.seq, message.segment) for message in done.messages] == [(1, 0), (2, 0)]
    stored = await adapter.sessions.get("s")
    assert (stored.version, stored.data, stored.last_seq) == (2, {"a": 1}, 2)


async def test_a_turn_that_goes_on_keeps_what_is_there_and_adds_the_rest(adapter, say):
    await adapter.messages.append("s", say("a"), turn_id="t")
    answer = await adapter.messages.append("s", say("a", "b"), turn_id="t")
    assert [(message.id, message.seq) for message in answer] == [("a", 1), ("b", 2)]
    assert len(await adapter.messages.find("s")) == 2


async def test_one_turn_does_not_say_two_things_under_one_id(adapter, say, everything):
    await adapter.messages.append("s", say("a"), turn_id="t")
    before = await everything(adapter)
    with pytest.raises(DuplicateIdConflict) as caught:
        await adapter.messages.append("s", [Message(id="a", role="user", content="other")], turn_id="t")
    assert caught.value.ids == ("a",)
    assert await everything(adapter) == before
