"""Which life of a session is meant: keys, deletion, re-creation."""

from datetime import timedelta

import pytest

from holdfast import Message, NotFound, Session, Turn

TIMES = ["completed_at", "expires_at", "state_expires_at"]


async def test_a_new_session_gets_a_key_that_stays(adapter, say):
    created = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("a"))
    saved = await adapter.sessions.save(created)
    assert created.key
    assert saved.key == created.key == (await adapter.sessions.get("s")).key


async def test_each_life_has_another_key(adapter):
    keys = set()
    for _ in range(5):
        keys.add((await adapter.sessions.save(Session(id="s"))).key)
        await adapter.sessions.delete("s")
    assert len(keys) == 5


async def test_two_sessions_made_at_once_have_different_keys(adapter):
    one, two = await adapter.sessions.save(Session(id="a")), await adapter.sessions.save(Session(id="b"))
    assert one.key != two.key


async def test_deleting_says_whether_there_was_one(adapter):
    await adapter.sessions.save(Session(id="s"))
    assert await adapter.sessions.delete("s") is True
    assert await adapter.sessions.delete("s") is False
    assert await adapter.sessions.delete("never") is False


async def test_nothing_of_a_deleted_session_can_be_reached(adapter, say):
    session = await adapter.sessions.save(Session(id="s", data={"a": 1}))
    await adapter.messages.append("s", say("a", "b"))
    await adapter.sessions.delete("s")
    assert await adapter.sessions.get("s") is None
    for call in (
        adapter.messages.find("s"),
        adapter.messages.get("s", "a"),
        adapter.messages.append("s", say("c")),
        adapter.messages.append("s", say("a")),
        adapter.messages.append("s", []),
        adapter.messages.remove("s", after=0, through=1),
        adapter.messages.replace("s", say("a")[0]),
        adapter.sessions.save(session),
        adapter.sessions.save(session, expected="any"),
        adapter.commit(Turn(session_id="s", messages=say("d"))),
        adapter.commit(Turn(session_id="s", session=session, messages=say("d"))),
        adapter.commit(Turn(session_id="s")),
    ):
        with pytest.raises(NotFound):
            await call
    assert await adapter.sessions.get("s") is None


async def test_the_next_life_sees_nothing_of_the_last(adapter, say):
    await adapter.sessions.save(Session(id="s", data={"secret": 1}, metadata={"m": 1}, agent="a", user_id="u"))
    await adapter.messages.append("s", say("a", "b", "c"))
    await adapter.sessions.delete("s")
    again = await adapter.sessions.save(Session(id="s"))
    assert (again.version, again.last_seq, again.message_count, again.last_message_at) == (1, 0, 0, None)
    assert (again.data, again.metadata, again.agent, again.user_id) == ({}, {}, None, None)
    assert (await adapter.messages.find("s")).items == ()
    assert await adapter.messages.get("s", "a") is None
    [stored] = await adapter.messages.append("s", [Message(id="a", role="user", content="other words")])
    assert (stored.seq, stored.content) == (1, "other words")


async def test_a_session_loaded_in_one_life_is_not_found_in_the_next(adapter, say, everything):
    old = await adapter.sessions.save(Session(id="s", data={"life": 1}))
    await adapter.sessions.delete("s")
    await adapter.sessions.save(Session(id="s", data={"life": 2}))
    before = await everything(adapter)
    for call in (
        adapter.sessions.save(old),
        adapter.sessions.save(old, expected="any"),
        adapter.sessions.save(old, expected=1),
        adapter.sessions.save(old, expected=0),
        adapter.commit(Turn(session_id="s", key=old.key, messages=say("a"))),
        adapter.commit(Turn(session_id="s", session=old, messages=say("a"))),
        adapter.commit(Turn(session_id="s", key=old.key, remove=(0, 1))),
    ):
        with pytest.raises(NotFound):
            await call
    assert await everything(adapter) == before


async def test_a_turn_with_the_key_of_this_life_is_stored(adapter, say, seqs):
    session = await adapter.sessions.save(Session(id="s"))
    done = await adapter.commit(Turn(session_id="s", key=session.key, messages=say("a")))
    assert done.session.key == session.key
    assert seqs(done.messages) == {"a": 1}


async def test_a_turn_with_a_key_creates_nothing(adapter, everything):
    turn = Turn(session_id="s", key="0" * 32, session=Session(id="s"))
    with pytest.raises(NotFound):
        await adapter.commit(turn)
    assert await everything(adapter) == ((), [])


async def test_what_one_life_remembers_of_turns_the_next_does_not(adapter, say, seqs):
    first = Turn(id="t", session_id="s", session=Session(id="s", data={"a": 1}), messages=say("a"))
    one = await adapter.commit(first)
    await adapter.sessions.delete("s")
    two = await adapter.commit(first)
    assert not two.replayed
    assert two.session.key != one.session.key
    assert (two.session.version, seqs(two.messages)) == (1, {"a": 1})


async def test_user_and_parent_are_fixed_at_creation(adapter, everything):
    await adapter.sessions.save(Session(id="p"))
    await adapter.sessions.save(Session(id="q"))
    session = await adapter.sessions.save(Session(id="s", user_id="u", parent_id="p"))
    before = await everything(adapter)
    for change in ({"user_id": "v"}, {"user_id": None}, {"parent_id": "q"}, {"parent_id": None}):
        with pytest.raises(Exception, match=r"such session|parent_id"):
            await adapter.sessions.save(session.model_copy(update=change))
    assert await everything(adapter) == before


async def test_what_a_save_owns_of_the_envelope_comes_back(adapter, clock):
    for hours in (1, 2):
        times = {
            name: clock.now + timedelta(hours=hours, microseconds=number) for number, name in enumerate(TIMES)
        }
        current = await adapter.sessions.get("s")
        session = current or Session(id="s", user_id="u")
        for name, at in times.items():
            setattr(session, name, at)
        session.agent, session.status = f"agent {hours}", f"status {hours}"
        saved = await adapter.sessions.save(session)
        assert {name: getattr(saved, name) for name in TIMES} == times
        assert (saved.agent, saved.status, saved.version) == (f"agent {hours}", f"status {hours}", hours)
        assert await adapter.sessions.get("s") == saved


async def test_saving_gives_the_envelope_as_it_is_now(adapter, clock, say):
    created = await adapter.sessions.save(Session(id="s", agent="a", status="odd"))
    assert created.created_at == created.updated_at == clock.now
    clock.pass_(minutes=5)
    await adapter.messages.append("s", say("a", "b"))
    clock.pass_(minutes=5)
    saved = await adapter.sessions.save(created)
    assert saved == await adapter.sessions.get("s")
    assert (saved.version, saved.last_seq, saved.message_count) == (2, 2, 2)
    assert saved.created_at == created.created_at
    assert saved.updated_at == clock.now
    assert saved.last_message_at < saved.updated_at
