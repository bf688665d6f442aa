"""A turn is stored as a whole or not at all."""

import pytest

from holdfast import (
    DuplicateIdConflict,
    InvalidArgument,
    Limits,
    Message,
    NotFound,
    PayloadTooLarge,
    Session,
    SessionInfo,
    Turn,
    UnserializableValue,
    VersionConflict,
)


@pytest.fixture
async def session(adapter, say):
    await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 1}))
    await adapter.messages.append("s", say(*"abcde"))
    session = await adapter.sessions.get("s")
    session.data["n"] = 2
    session.status = "completed"
    return session


@pytest.mark.parametrize(
    "refused",
    [
        ({"expected": 7}, VersionConflict),
        ({"expected": 0}, VersionConflict),
        ({"last_seq": 4}, VersionConflict),
        ({"key": "0" * 32}, NotFound),
        ({"remove": (0, 6)}, InvalidArgument),
        ({"messages": [Message(id="new", role="user"), Message(id="a", role="user")]}, DuplicateIdConflict),
        ({"messages": [Message(id="new", role="user"), Message(id="new", role="user")]}, DuplicateIdConflict),
        ({"messages": [Message(id="new", role="user"), Message(role="user", raw=object())]}, UnserializableValue),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_refused_turn_leaves_nothing(adapter, session, say, everything, refused):
    change, error = refused
    before = await everything(adapter)
    turn = Turn(session_id="s", session=session, messages=say("x", "y"), remove=(2, 4))
    with pytest.raises(error):
        await adapter.commit(turn.model_copy(update=change))
    assert await everything(adapter) == before


async def test_a_refused_turn_can_be_mended_under_its_own_id(adapter, session, say):
    turn = Turn(session_id="s", session=session, messages=say("x"), remove=(2, 4), last_seq=3)
    with pytest.raises(VersionConflict):
        await adapter.commit(turn)
    done = await adapter.commit(turn.model_copy(update={"last_seq": 5, "messages": say("x", "y")}))
    assert (done.replayed, done.removed, done.session.last_seq) == (False, 2, 7)


async def test_a_turn_that_stores_all_stores_all(adapter, session, say):
    done = await adapter.commit(Turn(session_id="s", session=session, messages=say("x", "y"), remove=(2, 4)))
    assert (done.removed, done.replayed) == (2, False)
    assert (done.session.version, done.session.last_seq, done.session.message_count) == (2, 7, 5)
    assert done.session.status == "completed"
    assert [m.seq for m in await adapter.messages.find("s")] == [1, 2, 5, 6, 7]
    stored = await adapter.sessions.get("s")
    assert (stored.data, stored.version, stored.status) == ({"n": 2}, 2, "completed")
    assert done.session == SessionInfo(**{name: getattr(stored, name) for name in SessionInfo.model_fields})


async def test_a_tail_is_replaced_in_one_step(adapter, session):
    again = [Message(id=word, role="user", content="again") for word in "de"]
    done = await adapter.commit(Turn(session_id="s", remove=(3, 5), messages=again, last_seq=5))
    page = await adapter.messages.find("s")
    assert [(message.id, message.seq) for message in page] == [("a", 1), ("b", 2), ("c", 3), ("d", 6), ("e", 7)]
    assert page.items[3].content == "again"
    assert done.session.version == 1


async def test_an_id_outside_of_the_turns_removal_is_still_taken(adapter, session, everything):
    before = await everything(adapter)
    again = [Message(id=word, role="user", content="again") for word in "cd"]
    with pytest.raises(DuplicateIdConflict) as caught:
        await adapter.commit(Turn(session_id="s", remove=(3, 5), messages=again))
    assert caught.value.ids == ("c",)
    assert await everything(adapter) == before


async def test_the_same_words_in_the_turns_own_removal_are_appended_anew(adapter, session, say):
    done = await adapter.commit(Turn(session_id="s", remove=(0, 5), messages=say("b", "a")))
    assert [(message.id, message.seq) for message in done.messages] == [("b", 6), ("a", 7)]
    assert [message.id for message in await adapter.messages.find("s")] == ["b", "a"]


async def test_a_refused_creation_leaves_no_session(adapter, say):
    for turn in (
        Turn(session_id="new", session=Session(id="new"), messages=say("a"), last_seq=1),
        Turn(session_id="new", session=Session(id="new"), messages=say("a"), remove=(0, 1)),
        Turn(session_id="new", session=Session(id="new", parent_id="none"), messages=say("a")),
        Turn(session_id="new", session=Session(id="new", version=1), messages=say("a")),
        Turn(session_id="new", session=Session(id="new", key="0" * 32), messages=say("a")),
    ):
        with pytest.raises((VersionConflict, InvalidArgument, NotFound)):
            await adapter.commit(turn)
        assert await adapter.sessions.get("new") is None


async def test_a_turn_that_is_too_large_leaves_nothing(open_adapter, say, everything):
    adapter = await open_adapter(limits=Limits(turn_bytes=200))
    session = await adapter.sessions.save(Session(id="s"))
    before = await everything(adapter)
    with pytest.raises(PayloadTooLarge):
        await adapter.commit(Turn(session_id="s", session=session, messages=say("a" * 90, "b" * 90, "c" * 90)))
    assert await everything(adapter) == before
