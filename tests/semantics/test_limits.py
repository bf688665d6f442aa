"""Limits: at the edge it is stored, one over it is refused by name, and nothing is written."""

import pytest

from holdfast import (
    InvalidArgument,
    Limits,
    Message,
    PayloadTooLarge,
    Session,
    SessionQuery,
    ToolCall,
    Turn,
    UnserializableValue,
)


async def over(call, limit, allowed):
    with pytest.raises(PayloadTooLarge) as caught:
        await call
    assert (caught.value.limit, caught.value.allowed) == (limit, allowed)
    assert caught.value.actual > allowed
    assert limit in str(caught.value)


async def edge(open_adapter, make, **limits):
    """The largest text that is accepted, found by trying; everything above it is refused."""
    adapter = await open_adapter(limits=Limits(**limits))
    await adapter.sessions.save(Session(id="s"), turn_id="made once")
    size = 0
    with pytest.raises(PayloadTooLarge):
        while size < 1000:
            await make(adapter, "x" * size)
            size += 1
    [[name, allowed]] = limits.items()
    for larger in (size, size + 1, size * 2, size + 100_000):
        await over(make(adapter, "x" * larger), name, allowed)
    return size - 1


async def test_message_bytes_count_the_encoded_message(open_adapter):
    async def make(adapter, text):
        await adapter.messages.append("s", [Message(role="user", content=text)])

    size = await edge(open_adapter, make, message_bytes=100)
    assert 60 <= size <= 100

    async def wide(adapter, text):
        await adapter.messages.append("s", [Message(role="user", content="é" * len(text))])

    assert await edge(open_adapter, wide, message_bytes=100) == size // 2


async def test_message_bytes_hold_for_a_redaction_and_a_turn_too(open_adapter):
    adapter = await open_adapter(limits=Limits(message_bytes=100))
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(id="m", role="user", content="old")])
    large = Message(id="m", role="user", content="x" * 101)
    await over(adapter.messages.replace("s", large), "message_bytes", 100)
    await over(adapter.commit(Turn(session_id="s", messages=[large])), "message_bytes", 100)
    await over(adapter.messages.append("s", [Message(role="u", raw=b"x" * 90)]), "message_bytes", 100)
    await over(adapter.messages.append("s", [Message(role="u", metadata={"x" * 101: 1})]), "message_bytes", 100)
    assert (await adapter.messages.get("s", "m")).content == "old"


async def test_turn_bytes_count_all_messages_of_a_write(open_adapter):
    async def make(adapter, text):
        await adapter.messages.append("s", [Message(role="user", content=text) for _ in range(4)])

    assert 60 <= await edge(open_adapter, make, turn_bytes=400) <= 100


async def test_state_bytes_count_the_encoded_state(open_adapter):
    async def make(adapter, text):
        await adapter.sessions.save(Session(id="s", data={"v": text}), expected="any")

    assert 150 <= await edge(open_adapter, make, state_bytes=200) <= 200


async def test_turn_messages_is_how_many(open_adapter, say):
    adapter = await open_adapter(limits=Limits(turn_messages=3))
    await adapter.sessions.save(Session(id="s"))
    await over(adapter.messages.append("s", say(*"abcd")), "turn_messages", 3)
    await over(adapter.commit(Turn(session_id="s", messages=say(*"abcd"))), "turn_messages", 3)
    assert (await adapter.sessions.get("s")).last_seq == 0
    assert len(await adapter.messages.append("s", say(*"abc"))) == 3


async def test_a_thousand_messages_are_a_turn_and_one_more_is_not(adapter, say):
    await adapter.sessions.save(Session(id="s"))
    many = say(*(f"m{number}" for number in range(1001)))
    await over(adapter.messages.append("s", many), "turn_messages", 1000)
    stored = await adapter.messages.append("s", many[:1000])
    assert [message.seq for message in stored] == list(range(1, 1001))


async def test_a_hundred_thousand_messages_are_refused(adapter):
    await adapter.sessions.save(Session(id="s"))
    await over(adapter.messages.append("s", [Message(role="user")] * 100_001), "turn_messages", 1000)


async def test_page_is_the_largest_page(open_adapter, say):
    adapter = await open_adapter(limits=Limits(page=3, page_default=2))
    for name in "abcde":
        await adapter.sessions.save(Session(id=name))
    await adapter.messages.append("a", say(*"abcde"))
    assert len(await adapter.messages.find("a")) == 2
    assert len(await adapter.messages.find("a", limit=3)) == 3
    assert len(await adapter.sessions.find(SessionQuery())) == 2
    assert len(await adapter.sessions.find(SessionQuery(limit=3))) == 3
    await over(adapter.messages.find("a", limit=4), "page", 3)
    await over(adapter.messages.find("a", last=4), "page", 3)
    await over(adapter.sessions.find(SessionQuery(limit=4)), "page", 3)
    cursor = (await adapter.messages.find("a", limit=3)).next
    await over(adapter.messages.find("a", cursor=cursor, limit=4), "page", 3)


async def test_a_default_page_is_never_over_the_largest(open_adapter, say):
    adapter = await open_adapter(limits=Limits(page=3))
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say(*"abcde"))
    assert len(await adapter.messages.find("s")) == 3


def nested(depth, wrap):
    value = wrap(0)
    for _ in range(depth - 1):
        value = wrap(value)
    return value


# The depth of what is handed in: for a dictionary, it counts as one.
DEEP = {
    "data": lambda a, v: a.sessions.save(Session(id="t", data=v), turn_id="t"),
    "metadata": lambda a, v: a.sessions.save(Session(id="t", metadata=v), turn_id="t"),
    "data_by_route": lambda a, v: a.sessions.save(Session(id="t", data_by_route=v), turn_id="t"),
    "message.metadata": lambda a, v: a.messages.append("s", [Message(id="m", role="u", metadata=v)]),
    "raw": lambda a, v: a.messages.append("s", [Message(id="m", role="u", raw=v)]),
    "args": lambda a, v: a.messages.append(
        "s", [Message(id="m", role="u", content=[ToolCall(id="", name="", args=v)])]
    ),
}


@pytest.mark.parametrize("place", DEEP)
@pytest.mark.parametrize("depth", [None, 3, 100])
async def test_a_value_nests_up_to_the_depth_and_no_deeper(open_adapter, place, depth):
    adapter = await open_adapter(**({} if depth is None else {"limits": Limits(depth=depth)}))
    await adapter.sessions.save(Session(id="s"))
    depth = depth or 100
    with pytest.raises(UnserializableValue):
        await DEEP[place](adapter, nested(depth + 1, lambda inner: {"k": inner}))
    assert await adapter.sessions.get("t") is None
    assert (await adapter.sessions.get("s")).last_seq == 0
    await DEEP[place](adapter, nested(depth, lambda inner: {"k": inner}))


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "5", None])
@pytest.mark.parametrize("name", ["message_bytes", "turn_messages", "depth", "page", "queue_items"])
def test_a_limit_is_a_positive_integer(name, value):
    with pytest.raises(InvalidArgument):
        Limits(**{name: value})
