"""What does not decode is said so, with its place; it is never taken for absence."""

import pytest

from holdfast import CorruptRecord, Session, SessionQuery
from holdfast.clock import to_micros
from holdfast.ids import new_id
from holdfast.toolkit import Ref, Row, StateChange, Write

SECRET = "".join(["hun", "ter", "2"])
BODIES = [
    "",
    "{",
    "[]",
    "null",
    "5",
    '"text"',
    '{"content": 5}',
    '{"unknown": 1}',
    '{"content": [5]}',
    '{"content": NaN}',
    '{"content": "a"} more',
]
BODIES += [
    '{"raw": {"$unknown": 1}}',
    '{"raw": {"$datetime": "x"}}',
    '{"raw": {"$set": [[]]}}',
    '{"content": [{"type": 5}]}',
    '{"content": [{"type": "text"}]}',
    '{"content": {}}',
    '{"metadata": 5}',
    '{"metadata": null}',
    '{"name": 5}',
    '{"route": []}',
    '{"user_id": 5}',
    '{"format": 5}',
]
BODIES += [f'{{"content": "{SECRET}', "[" * 100_000]


@pytest.fixture
def put(adapter, clock):
    """Stores a body that core never wrote, through the seam."""

    async def run(**parts):
        write = Write(ref=Ref("", "s"), turn_id=new_id(), digest=b"", now=to_micros(clock.now), **parts)
        await adapter._runtime.store.flush([write])

    return run


@pytest.fixture(params=BODIES, ids=lambda body: body[:30])
async def message(request, adapter, put, say):
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("a"))
    row = Row(id="bad", turn_id="t", segment=0, role="user", created_at=0, digest=b"d", body=request.param)
    await put(rows=(row,))
    await adapter.messages.append("s", say("c"))


@pytest.mark.usefixtures("message")
async def test_a_message_that_does_not_decode_is_named(adapter):
    for call in (
        lambda: adapter.messages.find("s"),
        lambda: adapter.messages.find("s", last=3),
        lambda: adapter.messages.get("s", "bad"),
    ):
        with pytest.raises(CorruptRecord) as caught:
            await call()
        assert (caught.value.session_id, caught.value.seq) == ("s", 2)
        assert SECRET not in str(caught.value)


@pytest.mark.usefixtures("message")
async def test_it_can_be_reported_beside_what_is_sound(adapter):
    for walk in ({"limit": 10}, {"last": 10}, {"limit": 3, "align": "turn"}):
        page = await adapter.messages.find("s", on_corrupt="report", **walk)
        assert [message.id for message in page] == ["a", "c"]
        assert [(error.session_id, error.seq) for error in page.corrupt] == [("s", 2)]


@pytest.mark.usefixtures("message")
async def test_it_stands_in_nobodys_way(adapter):
    assert (await adapter.sessions.get("s")).message_count == 3
    assert [message.id for message in await adapter.messages.find("s", after=2)] == ["c"]
    assert await adapter.messages.remove("s", after=1, through=2) == 1
    assert len(await adapter.messages.find("s")) == 2


STATES = [
    "",
    "{",
    "[]",
    '{"unknown": 1}',
    '{"route_history": 5}',
    '{"route_history": [5]}',
    '{"route_history": [{}]}',
]
STATES += ['{"data": 5}', '{"data": null}', '{"data_by_route": []}', '{"metadata": "x"}', '{"current_route": 5}']
STATES += ['{"schema_version": "x"}', f'{{"data": {{"a": "{SECRET}"']


@pytest.mark.parametrize("body", STATES)
async def test_a_state_that_does_not_decode_is_named(adapter, put, body):
    await adapter.sessions.save(Session(id="s", data={"a": 1}))
    state = StateChange(
        user_id=None,
        parent_id=None,
        agent=None,
        status="active",
        completed_at=None,
        expires_at=None,
        state_expires_at=None,
        digest=b"d",
        body=body,
    )
    await put(state=state)
    for call in (
        lambda: adapter.sessions.get("s"),
        lambda: adapter.sessions.find(SessionQuery(with_state=True)),
    ):
        with pytest.raises(CorruptRecord) as caught:
            await call()
        assert (caught.value.session_id, caught.value.seq) == ("s", None)
        assert SECRET not in str(caught.value)
    assert [info.id for info in await adapter.sessions.find(SessionQuery())] == ["s"]
    assert await adapter.sessions.delete("s") is True
