"""A fenced session is read, and replays are answered; every other write waits."""

import asyncio
from datetime import timedelta

import pytest

from holdfast import Message, NotFound, Session, SessionFenced, SessionQuery, Turn
from holdfast.clock import to_micros
from holdfast.errors import SessionExpired
from holdfast.ids import new_id
from holdfast.toolkit import Done, Ref, Refused, Write


@pytest.fixture
def fence(adapter, clock):
    """Sets a fence (or lifts it, with an empty one) through the seam."""

    async def run(name, session_id="s"):
        ref, now = Ref("", session_id), to_micros(clock.now)
        write = Write(ref=ref, turn_id=new_id(), digest=b"", now=now, fence=name)
        [outcome] = await adapter._runtime.store.flush([write])
        return outcome

    return run


@pytest.fixture
async def turn(say):
    return Turn(id="t", session_id="s", session=Session(id="s", data={"a": 1}), messages=say("a", "b"))


@pytest.fixture
async def first(adapter, turn, fence):
    first = await adapter.commit(turn)
    await adapter.messages.append("s", [Message(id="c", role="user")], turn_id="pure")
    await adapter.messages.remove("s", after=1, through=2, turn_id="r")
    assert isinstance(await fence("moving"), Done)
    return first


async def test_reads_are_answered(adapter, first):
    assert (await adapter.sessions.get("s")).data == {"a": 1}
    assert [message.id for message in await adapter.messages.find("s")] == ["a", "c"]
    assert (await adapter.messages.get("s", "a")).seq == 1
    assert [info.id for info in await adapter.sessions.find(SessionQuery())] == ["s"]


async def test_replays_are_answered(adapter, turn, first):
    again = await adapter.commit(turn)
    assert again.replayed
    assert (again.session.version, again.session.last_seq) == (1, 2)
    [again] = await adapter.messages.append("s", [Message(id="c", role="user")], turn_id="pure")
    assert again.seq == 3
    assert await adapter.messages.remove("s", after=1, through=2, turn_id="r") == 1


async def test_every_other_write_is_refused(adapter, first, say, everything):
    session = await adapter.sessions.get("s")
    before = await everything(adapter)
    for call in (
        adapter.messages.append("s", say("d")),
        adapter.messages.append("s", [Message(id="a", role="user", content="other")]),
        adapter.messages.remove("s", after=0, through=1),
        adapter.messages.replace("s", Message(id="a", role="user")),
        adapter.messages.replace("s", Message(id="none", role="user")),
        adapter.sessions.save(session),
        adapter.sessions.save(session, expected="any"),
        adapter.sessions.save(Session(id="s"), expected=0),
        adapter.sessions.delete("s"),
        adapter.commit(Turn(session_id="s", session=session, messages=say("d"))),
        adapter.commit(Turn(session_id="s", messages=say("d"), last_seq=0)),
    ):
        with pytest.raises(SessionFenced) as caught:
            await call
        assert caught.value.retryable
    assert await everything(adapter) == before


async def test_the_wrong_life_and_the_wrong_user_are_told_before_the_fence(adapter, first, say):
    with pytest.raises(NotFound):
        await adapter.commit(Turn(session_id="s", key="0" * 32, messages=say("d")))
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="s", user_id="v", version=1))


async def test_once_lifted_all_is_as_before(adapter, first, fence, say):
    assert isinstance(await fence(""), Done)
    [stored] = await adapter.messages.append("s", say("d"))
    session = await adapter.sessions.get("s")
    assert (stored.seq, session.version, session.last_seq, session.message_count) == (4, 1, 4, 3)
    await adapter.sessions.save(session)
    assert await adapter.sessions.delete("s") is True


async def test_other_sessions_are_not_fenced(adapter, first, say):
    await adapter.sessions.save(Session(id="other"))
    assert len(await adapter.messages.append("other", say("a"))) == 1


async def test_a_session_that_is_not_there_cannot_be_fenced(adapter, fence, clock):
    await adapter.sessions.save(Session(id="gone", expires_at=clock.now))
    for session_id, kind in (("none", NotFound), ("gone", SessionExpired)):
        outcome = await fence("moving", session_id)
        assert isinstance(outcome, Refused)
        assert type(outcome.error) is kind


async def test_expiry_and_sweep_pass_by(adapter, fence, clock, say):
    await adapter.sessions.save(Session(id="s", expires_at=clock.now + timedelta(hours=1)))
    await adapter.sessions.save(Session(id="other", expires_at=clock.now + timedelta(hours=1)))
    await adapter.messages.append("s", say("a"))
    await fence("moving")
    clock.pass_(hours=2)
    assert await adapter.sweep() > 0
    assert await adapter.sweep() == 0
    assert await adapter.sessions.get("s") is not None
    assert len(await adapter.messages.find("s")) == 1
    assert [info.id for info in await adapter.sessions.find(SessionQuery())] == ["s"]
    with pytest.raises(SessionFenced):
        await adapter.sessions.delete("s")
    with pytest.raises(SessionFenced):
        await adapter.sessions.save(Session(id="s"))
    await fence("")
    assert await adapter.sessions.get("s") is None
    assert await adapter.sweep() > 0
    assert await adapter.sweep() == 0


async def test_a_fenced_child_outlives_its_deleted_parent_until_it_is_swept(adapter, fence, say):
    await adapter.sessions.save(Session(id="p"))
    for child in ("c", "s", "x"):
        await adapter.sessions.save(Session(id=child, parent_id="p"))
    await adapter.messages.append("s", say("a"))
    await fence("moving")
    assert await adapter.sessions.delete("p") is True
    assert [await adapter.sessions.get(name) for name in "pcx"] == [None, None, None]
    assert (await adapter.sessions.get("s")).last_seq == 1
    assert await adapter.sweep() == 0
    assert await adapter.sessions.get("s") is not None
    await fence("")
    while await adapter.sweep():
        pass
    assert await adapter.sessions.get("s") is None


async def test_the_mark_of_a_fenced_childs_parent_stands_in_no_sweeps_way(adapter, fence, clock, say):
    await adapter.sessions.save(Session(id="p"))
    await adapter.sessions.save(Session(id="s", parent_id="p"))
    await fence("moving")
    await adapter.sessions.delete("p")
    await adapter.sessions.save(Session(id="old", expires_at=clock.now + timedelta(hours=1)))
    await adapter.messages.append("old", say("a", "b", "c"))
    clock.pass_(hours=1)
    while await adapter.sweep(limit=1):
        pass
    assert await adapter.sweep(limit=1000) == 0
    assert await adapter.sessions.get("s") is not None


async def test_a_read_that_would_prolong_a_fenced_session_is_answered(open_adapter, clock):
    adapter = await open_adapter(message_ttl=3600, refresh_ttl_on_read=True)
    await adapter.sessions.save(Session(id="s"))
    write = Write(ref=Ref("", "s"), turn_id=new_id(), digest=b"", now=to_micros(clock.now), fence="x")
    await adapter._runtime.store.flush([write])
    clock.pass_(minutes=30)
    found = await asyncio.gather(adapter.sessions.get("s"), adapter.messages.find("s"))
    assert found[0].id == "s"
