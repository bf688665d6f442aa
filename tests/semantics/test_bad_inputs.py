"""Arguments of the wrong kind: each public method refuses them before anything is sent."""

from datetime import datetime
from functools import partial

import pytest

from holdfast import InvalidArgument, Message, Session, SessionInfo, SessionQuery, Turn

JUNK = [5, -1, 1.5, True, "text", b"bytes", [], (), {}, {"a": 1}, object(), Session, len, ...]


def message(**fields):
    return Message(**{"role": "user", **fields})


# Each entry: a call with a hole, and the kinds of junk that are legal there.
HOLES = {
    "save": (lambda a, x: a.sessions.save(x), []),
    "save expected": (lambda a, x: a.sessions.save(Session(id="s"), expected=x), [5]),
    "find": (lambda a, x: a.sessions.find(x), []),
    "delete expected": (lambda a, x: a.sessions.delete("s", expected=x), [5]),
    "delete last_seq": (lambda a, x: a.sessions.delete("s", last_seq=x), [5]),
    "append": (lambda a, x: a.messages.append("s", x), [[], ()]),
    "append one": (lambda a, x: a.messages.append("s", [message(), x]), []),
    "append last_seq": (lambda a, x: a.messages.append("s", [message()], last_seq=x), [5]),
    "find after": (lambda a, x: a.messages.find("s", after=x), [5]),
    "find before": (lambda a, x: a.messages.find("s", before=x), [5]),
    "find last": (lambda a, x: a.messages.find("s", last=x), [5]),
    "find limit": (lambda a, x: a.messages.find("s", limit=x), [5]),
    "find align": (lambda a, x: a.messages.find("s", align=x), []),
    "find cursor": (lambda a, x: a.messages.find("s", cursor=x), []),
    "find on_corrupt": (lambda a, x: a.messages.find("s", on_corrupt=x), []),
    "remove after": (lambda a, x: a.messages.remove("s", after=x, through=9), [5]),
    "remove through": (lambda a, x: a.messages.remove("s", after=0, through=x), [5]),
    "replace": (lambda a, x: a.messages.replace("s", x), []),
    "commit": (lambda a, x: a.commit(x), []),
    "turn segment": (lambda a, x: a.commit(Turn(session_id="s", segment=x)), [5]),
    "turn key": (lambda a, x: a.commit(Turn(session_id="s", key=x)), ["text"]),
    "turn messages": (lambda a, x: a.commit(Turn(session_id="s", messages=x)), [[], ()]),
    "turn session": (lambda a, x: a.commit(Turn(session_id="s", session=x)), []),
    "turn expected": (lambda a, x: a.commit(Turn(session_id="s", session=Session(id="s"), expected=x)), [5]),
    "turn last_seq": (lambda a, x: a.commit(Turn(session_id="s", last_seq=x)), [5]),
    "turn remove": (lambda a, x: a.commit(Turn(session_id="s", remove=x)), []),
    "turn remove after": (lambda a, x: a.commit(Turn(session_id="s", remove=(x, 9))), [5]),
    "sweep limit": (lambda a, x: a.sweep(limit=x), [5]),
    "message content": (lambda a, x: a.messages.append("s", [message(content=x)]), ["text", []]),
    "message part": (lambda a, x: a.messages.append("s", [message(content=[x])]), []),
    "message name": (lambda a, x: a.messages.append("s", [message(name=x)]), ["text"]),
    "message metadata": (lambda a, x: a.messages.append("s", [message(metadata=x)]), [{}, {"a": 1}]),
    "message created_at": (lambda a, x: a.messages.append("s", [message(created_at=x)]), []),
    "session data": (lambda a, x: a.sessions.save(Session(id="s", data=x)), [{}, {"a": 1}]),
    "session version": (lambda a, x: a.sessions.save(Session(id="s", version=x)), [5]),
    "session expires_at": (lambda a, x: a.sessions.save(Session(id="s", expires_at=x)), []),
    "query nested": (lambda a, x: a.sessions.find(SessionQuery(nested=x)), [True]),
    "query order": (lambda a, x: a.sessions.find(SessionQuery(order=x)), []),
    "query limit": (lambda a, x: a.sessions.find(SessionQuery(limit=x)), [5]),
    "query cursor": (lambda a, x: a.sessions.find(SessionQuery(cursor=x)), []),
    "query updated_before": (lambda a, x: a.sessions.find(SessionQuery(updated_before=x)), []),
}


def listed(value, among):
    return any(type(value) is type(one) and value == one for one in among)


@pytest.mark.parametrize("hole", HOLES)
async def test_junk_is_refused_before_anything_is_sent(adapter, refused_at_once, hole):
    call, legal = HOLES[hole]
    for junk in JUNK:
        if not listed(junk, legal):
            refused_at_once(partial(call, adapter, junk), InvalidArgument)


@pytest.mark.parametrize(
    "value", [-1, -(2**63), 2**63, 2**64, 10**400, 1.0, float("nan"), True, "1"], ids=lambda v: f"{v!r:.20}"
)
@pytest.mark.parametrize("hole", [name for name, (_, legal) in HOLES.items() if legal == [5]])
async def test_a_number_out_of_range_is_refused_before_anything_is_sent(adapter, refused_at_once, hole, value):
    refused_at_once(partial(HOLES[hole][0], adapter, value), InvalidArgument)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message(role="user", unknown=1),
        Message,
        Session,
        lambda: Session(id="s", state={}),
        Turn,
        lambda: Turn(session_id="s", append=[]),
        lambda: Turn(session_id="s", session=Session(id="other")),
        lambda: SessionQuery(offset=5),
        lambda: SessionQuery(user_id={"$gt": ""}),
        lambda: SessionQuery(status=["active"]),
        lambda: SessionQuery(order="id; DROP TABLE x"),
        lambda: Message(role="user", created_at=datetime(2026, 1, 1)),  # noqa: DTZ001 - naive on purpose
        lambda: Message(role="user", content=[{"type": "tool_call", "id": 5}]),
        lambda: Message(role="user", content=[{"text": "no type"}]),
        lambda: Message(role="user", content=[{"type": 5}]),
        lambda: Message(role="user", content="a", tool_calls=5),
        lambda: Message(role="user", content="a", tool_calls=[5]),
        lambda: Message(role="user", content="a", tool_call_id=5),
        lambda: Message(role="user", content=5, tool_calls=[]),
    ],
)
def test_a_model_is_refused_when_it_is_made(make):
    with pytest.raises(InvalidArgument):
        make()


async def test_a_value_that_looks_like_a_model_is_none(adapter):
    class Lookalike(Session):
        pass

    class Saying(Message):
        pass

    for call in (
        adapter.sessions.save(SessionInfo(id="s")),
        adapter.sessions.save(Lookalike(id="s")),
        adapter.messages.append("s", [Saying(role="user")]),
        adapter.messages.replace("s", Saying(role="user")),
    ):
        with pytest.raises(InvalidArgument):
            await call
    assert await adapter.sessions.get("s") is None


@pytest.mark.parametrize(
    "made", [Message, Session, Turn, SessionQuery, SessionInfo], ids=lambda model: model.__name__
)
async def test_a_model_that_dodged_its_rules_is_refused_all_the_same(adapter, made):
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(id="m", role="user", content="old")])
    wrong = made.model_construct(id="m", role="user", session_id="s", content=5, messages=5, limit="x", data=5)
    calls = {
        Message: lambda: adapter.messages.append("s", [wrong]),
        Session: lambda: adapter.sessions.save(wrong),
        SessionInfo: lambda: adapter.sessions.save(wrong),
        Turn: lambda: adapter.commit(wrong),
        SessionQuery: lambda: adapter.sessions.find(wrong),
    }
    with pytest.raises(InvalidArgument):
        await calls[made]()
    assert (await adapter.messages.get("s", "m")).content == "old"


async def test_positions_are_where_the_protocol_puts_them(adapter):
    with pytest.raises(TypeError):
        await adapter.messages.remove("s", 0, 1)
    with pytest.raises(TypeError):
        await adapter.sessions.delete("s", 1)
    with pytest.raises(TypeError):
        await adapter.messages.find("s", 5)
