"""Nothing that was handed in or out is the stored thing itself."""

import asyncio
import copy

import pytest

from holdfast import Message, Session, SessionQuery, Text, ToolCall, Turn


@pytest.fixture(autouse=True)
async def session(adapter):
    return await adapter.sessions.save(Session(id="s", data={"list": [1], "dict": {"a": 1}}))


def spoil(value):
    """Change everything that can be changed in a value."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            spoil(inner)
        value["spoiled"] = True
    elif isinstance(value, list):
        for inner in list(value):
            spoil(inner)
        value.append("spoiled")
    elif hasattr(value, "__dict__"):
        for inner in list(vars(value).values()):
            spoil(inner)


def rich():
    content = [Text(text="a"), ToolCall(id="1", name="f", args={"a": [1]})]
    return Message(id="m", role="user", content=content, metadata={"m": [1]}, raw={"r": [{"x": 1}]})


async def test_spoiling_what_was_passed_changes_nothing(adapter, everything):
    message, session = (
        rich(),
        Session(id="t", data={"a": [1]}, metadata={"b": {}}, data_by_route={"r": {"c": [1]}}),
    )
    await adapter.sessions.save(session)
    await adapter.messages.append("t", [message])
    before = copy.deepcopy(await everything(adapter))
    spoil(message)
    spoil(session)
    assert await everything(adapter) == before


async def test_spoiling_what_was_returned_changes_nothing(adapter, everything, session):
    session.data["new"] = [1]
    done = await adapter.commit(Turn(session_id="s", session=session, messages=[rich()]))
    before = copy.deepcopy(await everything(adapter))
    replayed = await adapter.messages.append("s", [rich()])
    for answer in (
        *done.messages,
        *replayed,
        done.session,
        await adapter.sessions.get("s"),
        *(await adapter.sessions.find(SessionQuery(with_state=True))),
        *(await adapter.messages.find("s")),
        await adapter.messages.get("s", "m"),
    ):
        spoil(answer)
    assert await everything(adapter) == before


async def test_a_save_leaves_its_argument_alone_and_gives_a_new_value(adapter, session):
    session.data["list"].append(2)
    before = copy.deepcopy(session)
    saved = await adapter.sessions.save(session)
    assert session == before
    assert saved is not session
    spoil(saved)
    assert session == before
    saved = await adapter.sessions.get("s")
    spoil(session)
    assert await adapter.sessions.get("s") == saved


async def test_a_turn_and_its_messages_are_left_alone(adapter, session):
    messages = [rich(), Message(role="user")]
    turn = Turn(session_id="s", session=session, messages=messages)
    before = copy.deepcopy((turn, messages))
    await adapter.commit(turn)
    assert (turn, messages) == before
    assert messages[0].seq is None


async def test_what_changes_while_a_write_is_on_its_way_was_not_said(adapter, session):
    """Encoding is over before the first wait."""
    message, messages = rich(), [Message(id="a", role="user", metadata={"a": 1})]
    session.data["list"] = [1]
    turn = Turn(session_id="s", session=session, messages=[message])
    running = [
        asyncio.ensure_future(adapter.commit(turn)),
        asyncio.ensure_future(adapter.messages.append("s", messages)),
    ]
    await asyncio.sleep(0)
    spoil(message)
    spoil(session)
    messages[0].metadata["a"] = 2
    messages.append(Message(id="late", role="user"))
    done, appended = await asyncio.gather(*running)
    stored = list(await adapter.messages.find("s"))
    assert stored[0].metadata == {"m": [1]}
    assert stored[0].raw == {"r": [{"x": 1}]}
    assert [message.id for message in stored] == ["m", "a"]
    assert stored[1].metadata == {"a": 1}
    assert (await adapter.sessions.get("s")).data == {"list": [1], "dict": {"a": 1}}
    assert [*done.messages, *appended] == stored


async def test_a_turn_whose_list_grows_while_it_is_on_its_way_is_answered(adapter):
    turn = Turn(session_id="s", messages=[Message(id="a", role="user")])
    running = asyncio.ensure_future(adapter.commit(turn))
    await asyncio.sleep(0)
    if isinstance(turn.messages, list):
        turn.messages.append(Message(id="late", role="user"))
    done = await running
    assert [message.id for message in done.messages] == ["a"]
    assert [message.id for message in await adapter.messages.find("s")] == ["a"]


async def test_two_loads_share_nothing(adapter):
    one, two = await asyncio.gather(adapter.sessions.get("s"), adapter.sessions.get("s"))
    spoil(one)
    assert two == await adapter.sessions.get("s")


async def test_a_message_is_a_value():
    message = rich()
    with pytest.raises(Exception, match="frozen"):
        message.content = "other"
    with pytest.raises(Exception, match="frozen"):
        message.content[0].text = "other"
