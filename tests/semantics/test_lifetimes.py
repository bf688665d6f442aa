"""Lifetimes: computed by each write, stored when they move by a tenth."""

from datetime import timedelta

import pytest

from holdfast import Message, NotFound, Session, SessionExpired, Turn

HOUR = timedelta(hours=1)


async def expiry(adapter, session_id="s"):
    session = await adapter.sessions.get(session_id)
    return session.expires_at, session.state_expires_at


async def test_without_options_only_a_save_moves_them(adapter, clock, say):
    at, state_at = clock.now + HOUR, clock.now + HOUR / 2
    await adapter.sessions.save(Session(id="s", expires_at=at, state_expires_at=state_at))
    clock.pass_(minutes=10)
    await adapter.messages.append("s", say("a"))
    await adapter.messages.remove("s", after=0, through=1)
    assert await expiry(adapter) == (at, state_at)
    session = await adapter.sessions.get("s")
    session.expires_at, session.state_expires_at = None, clock.now + HOUR
    await adapter.sessions.save(session)
    assert await expiry(adapter) == (None, clock.now + HOUR)


async def test_a_creation_sets_both(open_adapter, clock):
    adapter = await open_adapter(message_ttl=HOUR, session_ttl=600)
    saved = await adapter.sessions.save(Session(id="s"))
    assert (saved.expires_at, saved.state_expires_at) == (clock.now + HOUR, clock.now + timedelta(minutes=10))
    assert await adapter.sessions.get("s") == saved


@pytest.mark.parametrize("write", ["append", "save", "remove", "replace", "turn"])
async def test_every_write_moves_them(open_adapter, clock, say, write):
    adapter = await open_adapter(message_ttl=HOUR, session_ttl=HOUR / 2)
    session = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("a", "b"))
    clock.pass_(minutes=20)
    calls = {
        "append": lambda: adapter.messages.append("s", say("c")),
        "save": lambda: adapter.sessions.save(session),
        "remove": lambda: adapter.messages.remove("s", after=0, through=1),
        "replace": lambda: adapter.messages.replace("s", Message(id="b", role="user")),
        "turn": lambda: adapter.commit(Turn(session_id="s", session=session, messages=say("c"))),
    }
    await calls[write]()
    assert await expiry(adapter) == (clock.now + HOUR, clock.now + HOUR / 2)


@pytest.mark.parametrize("read", ["get", "find"])
@pytest.mark.parametrize("refresh", [True, False])
async def test_reading_moves_them_only_if_asked_to(open_adapter, clock, say, read, refresh):
    adapter = await open_adapter(message_ttl=HOUR, session_ttl=HOUR / 2, refresh_ttl_on_read=refresh)
    created = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("a"))
    clock.pass_(minutes=20)
    await (adapter.sessions.get("s") if read == "get" else adapter.messages.find("s"))
    clock.pass_(minutes=45)
    session = await adapter.sessions.get("s")
    assert (session is not None) == refresh
    if refresh:
        assert (session.version, session.updated_at) == (created.version, created.updated_at)
        assert session.expires_at == clock.now - timedelta(minutes=45) + HOUR


async def test_a_move_of_less_than_a_tenth_is_not_stored(open_adapter, clock, say):
    adapter = await open_adapter(message_ttl=HOUR)
    start = clock.now
    await adapter.sessions.save(Session(id="s"))
    clock.pass_(minutes=6, microseconds=-1)
    await adapter.messages.append("s", say("a"))
    assert await expiry(adapter) == (start + HOUR, None)
    clock.pass_(microseconds=1)
    await adapter.messages.append("s", say("b"))
    assert await expiry(adapter) == (clock.now + HOUR, None)


async def test_a_state_does_not_outlive_its_session(open_adapter, clock):
    adapter = await open_adapter(message_ttl=HOUR, session_ttl=timedelta(days=1))
    await adapter.sessions.save(Session(id="s"))
    assert await expiry(adapter) == (clock.now + HOUR, clock.now + HOUR)


async def test_each_status_may_have_its_own(open_adapter, clock):
    adapter = await open_adapter(
        message_ttl=HOUR,
        message_ttl_by_status={"completed": 60},
        session_ttl_by_status={"completed": 30, "odd": HOUR * 100},
    )
    session = await adapter.sessions.save(Session(id="s"))
    assert await expiry(adapter) == (clock.now + HOUR, None)
    session.status = "completed"
    session = await adapter.sessions.save(session)
    assert await expiry(adapter) == (clock.now + timedelta(minutes=1), clock.now + timedelta(seconds=30))
    session.status = "active"
    session = await adapter.sessions.save(session)
    assert session.expires_at == clock.now + HOUR
    session.status = "odd"
    await adapter.sessions.save(session)
    assert await expiry(adapter) == (clock.now + HOUR, clock.now + HOUR)


async def test_a_status_alone_may_have_one(open_adapter, clock):
    adapter = await open_adapter(message_ttl_by_status={"completed": HOUR})
    await adapter.sessions.save(Session(id="a"))
    await adapter.sessions.save(Session(id="b", status="completed"))
    assert await expiry(adapter, "a") == (None, None)
    assert await expiry(adapter, "b") == (clock.now + HOUR, None)


async def test_an_append_counts_by_the_status_that_is_stored(open_adapter, clock, say):
    adapter = await open_adapter(message_ttl=HOUR, message_ttl_by_status={"completed": HOUR / 4})
    await adapter.sessions.save(Session(id="s", status="completed"))
    clock.pass_(minutes=10)
    await adapter.messages.append("s", say("a"))
    assert await expiry(adapter) == (clock.now + HOUR / 4, None)


async def test_writing_in_time_keeps_a_session_alive_and_silence_ends_it(open_adapter, clock, say):
    adapter = await open_adapter(message_ttl=HOUR)
    await adapter.sessions.save(Session(id="s"))
    for number in range(5):
        clock.pass_(minutes=50)
        await adapter.messages.append("s", say(f"m{number}"))
    clock.pass_(hours=1)
    assert await adapter.sessions.get("s") is None
    with pytest.raises(SessionExpired):
        await adapter.messages.append("s", say("late"))


async def test_a_refused_write_prolongs_nothing(open_adapter, clock, say):
    adapter = await open_adapter(message_ttl=HOUR)
    session = await adapter.sessions.save(Session(id="s"))
    before = await expiry(adapter)
    clock.pass_(minutes=30)
    for call in (
        adapter.sessions.save(session.model_copy(update={"user_id": "v"})),
        adapter.messages.replace("s", Message(id="none", role="user")),
    ):
        with pytest.raises(NotFound):
            await call
    assert await expiry(adapter) == before
