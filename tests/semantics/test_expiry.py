"""Expiry: past it a session is dead for every operation; past the state's, the state reads as empty."""

from datetime import timedelta

import pytest

from holdfast import Message, NotFound, Session, SessionExpired, SessionQuery, Turn

HOUR = timedelta(hours=1)


@pytest.fixture
async def expired(adapter, clock, say):
    session = await adapter.sessions.save(Session(id="s", data={"a": 1}, expires_at=clock.now + HOUR))
    await adapter.messages.append("s", say("a", "b"))
    clock.pass_(hours=1)
    return session


async def test_a_session_lives_up_to_its_time_and_not_beyond(adapter, clock):
    await adapter.sessions.save(Session(id="s", expires_at=clock.now + HOUR))
    clock.pass_(hours=1, microseconds=-1)
    assert await adapter.sessions.get("s") is not None
    clock.pass_(microseconds=1)
    assert await adapter.sessions.get("s") is None


async def test_every_operation_finds_an_expired_session_dead(adapter, expired, say):
    assert await adapter.sessions.get("s") is None
    for call in (
        adapter.sessions.save(expired),
        adapter.sessions.save(expired, expected="any"),
        adapter.sessions.save(Session(id="s"), expected="any"),
        adapter.messages.append("s", say("c")),
        adapter.messages.append("s", say("a")),
        adapter.messages.find("s"),
        adapter.messages.get("s", "a"),
        adapter.messages.remove("s", after=0, through=1),
        adapter.messages.replace("s", Message(id="a", role="user")),
        adapter.commit(Turn(session_id="s", messages=say("c"))),
        adapter.commit(Turn(session_id="s", session=expired)),
    ):
        with pytest.raises(SessionExpired):
            await call
    assert issubclass(SessionExpired, NotFound)


async def test_deleting_an_expired_session_finds_none(adapter, expired):
    assert await adapter.sessions.delete("s") is False
    assert (await adapter.sessions.find(SessionQuery(include_expired=True))).items == ()


async def test_guards_do_not_hold_an_expired_session_back(adapter, expired):
    assert await adapter.sessions.delete("s", expected=99, last_seq=99) is False
    assert (await adapter.sessions.find(SessionQuery(include_expired=True))).items == ()


async def test_creating_the_same_id_begins_another_life(adapter, expired, say, seqs):
    again = await adapter.sessions.save(Session(id="s", user_id="other"))
    assert again.key != expired.key
    assert (again.version, again.last_seq, again.data, again.expires_at) == (1, 0, {}, None)
    assert await adapter.messages.get("s", "a") is None
    assert seqs(await adapter.messages.append("s", say("a"))) == {"a": 1}
    with pytest.raises(NotFound):
        await adapter.sessions.save(expired)
    await adapter.sweep()
    assert (await adapter.sessions.get("s")).key == again.key
    assert len(await adapter.messages.find("s")) == 1


async def test_a_session_of_an_earlier_life_is_not_found_rather_than_expired(adapter, clock):
    first = await adapter.sessions.save(Session(id="s"))
    await adapter.sessions.delete("s")
    second = await adapter.sessions.save(Session(id="s", expires_at=clock.now))
    for session, kind in ((first, NotFound), (second, SessionExpired)):
        for call in (adapter.sessions.save(session), adapter.commit(Turn(session_id="s", key=session.key))):
            with pytest.raises(kind) as caught:
                await call
            assert type(caught.value) is kind


async def test_a_save_can_end_a_life_at_once(adapter, clock):
    session = await adapter.sessions.save(Session(id="s"))
    session.expires_at = clock.now
    await adapter.sessions.save(session)
    assert await adapter.sessions.get("s") is None


async def test_an_expired_state_reads_as_empty_and_the_rest_stays(adapter, clock, say):
    session = Session(id="s", user_id="u", agent="a", status="odd", state_expires_at=clock.now + HOUR)
    session.data, session.metadata, session.data_by_route = {"a": 1}, {"m": 1}, {"r": {"x": 1}}
    session.enter_route("r", "step")
    session.schema_version = 3
    saved = await adapter.sessions.save(session)
    await adapter.messages.append("s", say("a"))
    clock.pass_(hours=1)
    found = await adapter.sessions.get("s")
    assert (found.data, found.metadata, found.data_by_route, found.route_history) == ({}, {}, {}, [])
    assert (found.current_route, found.current_step, found.schema_version) == (None, None, None)
    assert (found.key, found.version, found.user_id, found.agent, found.status) == (saved.key, 1, "u", "a", "odd")
    assert (found.last_seq, found.message_count) == (1, 1)
    assert [message.id for message in await adapter.messages.find("s")] == ["a"]


async def test_an_append_does_not_bring_an_expired_state_back(open_adapter, clock, say):
    adapter = await open_adapter(session_ttl=HOUR, refresh_ttl_on_read=True)
    await adapter.sessions.save(Session(id="s", data={"secret": 1}))
    clock.pass_(hours=1)
    await adapter.messages.append("s", say("a"))
    await adapter.messages.find("s")
    await adapter.messages.remove("s", after=0, through=1)
    await adapter.commit(Turn(session_id="s", messages=say("b")))
    await adapter.sessions.get("s")
    assert (await adapter.sessions.get("s")).data == {}


async def test_a_save_begins_a_new_state(open_adapter, clock):
    adapter = await open_adapter(session_ttl=HOUR)
    await adapter.sessions.save(Session(id="s", data={"old": 1}))
    clock.pass_(hours=1)
    session = await adapter.sessions.get("s")
    session.data["new"] = 1
    saved = await adapter.sessions.save(session)
    assert (saved.version, saved.data, saved.state_expires_at) == (2, {"new": 1}, clock.now + HOUR)
    assert await adapter.sessions.get("s") == saved


async def test_a_clock_that_goes_back_brings_nothing_to_life(adapter, clock, expired, say):
    await adapter.sessions.save(Session(id="state", data={"a": 1}, state_expires_at=clock.now))
    assert await adapter.sessions.get("s") is None
    assert (await adapter.sessions.get("state")).data == {}
    clock.pass_(hours=-2)
    assert await adapter.sessions.get("s") is None
    assert (await adapter.sessions.get("state")).data == {}
    with pytest.raises(SessionExpired):
        await adapter.messages.append("s", say("c"))
    with pytest.raises(SessionExpired):
        await adapter.messages.find("s")
    assert [info.id for info in await adapter.sessions.find(SessionQuery())] == ["state"]


async def test_a_clock_that_goes_back_keeps_activity_in_order(adapter, clock, say):
    await adapter.sessions.save(Session(id="a"))
    await adapter.sessions.save(Session(id="b"))
    before = (await adapter.sessions.get("a")).updated_at
    clock.pass_(hours=-5)
    await adapter.messages.append("a", say("m"))
    assert (await adapter.sessions.get("a")).updated_at >= before


async def test_views_share_one_clock_that_does_not_go_back(adapter, clock):
    view = adapter.for_tenant("t")
    await view.sessions.save(Session(id="s", expires_at=clock.now + HOUR))
    clock.pass_(hours=1)
    await adapter.ping()
    assert await adapter.sessions.get("other") is None
    clock.pass_(hours=-1)
    assert await view.sessions.get("s") is None


async def test_children_of_an_expired_session_go_with_it_when_it_is_swept(adapter, clock):
    await adapter.sessions.save(Session(id="p", expires_at=clock.now + HOUR))
    await adapter.sessions.save(Session(id="c", parent_id="p"))
    await adapter.sessions.save(Session(id="g", parent_id="c"))
    clock.pass_(hours=1)
    while await adapter.sweep():
        pass
    assert [await adapter.sessions.get(name) for name in "pcg"] == [None, None, None]
