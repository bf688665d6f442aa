"""A session described for people: its shape, none of its content."""

from datetime import UTC, datetime

import pytest

from holdfast import (
    InvalidArgument,
    Limits,
    Media,
    Message,
    NotFound,
    Other,
    Reasoning,
    Session,
    Text,
    ToolCall,
    ToolResult,
)
from holdfast.codec import encode_message, encode_state
from holdfast.manager.upkeep.describing import describe
from holdfast_memory import MemoryAdapter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def fact(adapter, name: str) -> str:
    """What is said behind a name."""
    lines = (await describe(adapter, "s")).splitlines()
    [found] = [line[18:] for line in lines if line[2:18].strip() == name]
    return found


async def test_the_shape_of_a_session(adapter):
    session = Session(
        id="s",
        user_id="u",
        agent="a",
        data={"name": "Jane", "seats": [1, 2], "when": NOON},
        data_by_route={"booking": {"row": 5}, "pay": {}},
        metadata={"lang": "en"},
        schema_version=0,
        expires_at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    session.enter_route("booking", at=NOON)
    session.complete_route(at=NOON)
    session.enter_route("pay", "card", at=NOON)
    await adapter.sessions.save(session)
    await adapter.messages.append("s", [Message(role="user", content="twelve chars")], turn_id="t1")
    content = [Text(text="words"), ToolCall(id="c1", name="f"), ToolCall(id="c2", name="f")]
    answer = Message(role="assistant", content=content)
    await adapter.messages.append("s", [answer], turn_id="a-long-turn-id")
    size = encode_message(answer, Limits()).size
    text = await describe(adapter, "s")
    assert [" ".join(one.split()) for one in text.splitlines()] == [
        "Session s",
        "user u",
        "agent a",
        "parent -",
        "status active",
        "version 1",
        "created 2026-01-01 00:00:00+00:00",
        "updated 2026-01-01 00:00:00+00:00",
        "completed -",
        "expires 2030-01-01 00:00:00+00:00",
        "state expires -",
        "messages 2 stored, last position 2",
        "last message 2026-01-01 00:00:00+00:00",
        f"state {encode_state(session, Limits()).size} bytes",
        "schema version 0",
        "data name (str), seats (list), when (datetime)",
        "data by route booking [row (int)], pay [-]",
        "metadata lang (str)",
        "route pay, step card",
        "routes so far pay (there), booking (completed)",
        "Newest messages",
        "#1 user, turn t1, 2026-01-01 00:00:00+00:00: text; 12 characters, 26 bytes",
        f"#2 assistant, turn …-turn-id, 2026-01-01 00:00:00+00:00: text, tool_call x2; 5 characters, {size} bytes",
    ]


async def test_an_empty_session(adapter):
    await adapter.sessions.save(Session(id="s"))
    text = await describe(adapter, "s")
    assert "Newest" not in text
    assert await fact(adapter, "data") == "-"
    assert await fact(adapter, "state") == "2 bytes"


async def test_no_content_is_shown(adapter):
    canary = "canary"
    session = Session(
        id="s",
        data={"key": canary, "deep": {canary: [canary]}},
        data_by_route={"booking": {"key": canary}},
        metadata={"key": canary, "deep": [{canary: canary}]},
    )
    await adapter.sessions.save(session)
    parts = [
        Text(text=canary),
        ToolCall(id="c", name="book", args={canary: canary}),
        ToolResult(call_id="c", content=canary),
        Reasoning(text=canary, provider={"x": canary}),
        Media(mime="image/png", uri=canary, data=canary.encode(), name=canary),
        Other(type="video", url=canary),
    ]
    extra = {"metadata": {canary: canary}, "raw": canary, "format": canary}
    await adapter.messages.append(
        "s", [Message(role="user", content=canary, **extra), Message(role="assistant", content=parts, **extra)]
    )
    text = await describe(adapter, "s")
    assert canary not in text
    assert "text, tool_call, tool_result, reasoning, media, video" in text


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "a\nb", "\u202egnp", "a\u200bb", "\x9b31m", "\x00", "\u2028", "\\n", "\xa0"]
)
async def test_names_cannot_deceive_a_terminal(adapter, evil):
    # Ids cannot hold most of these; what is no id can.
    session = Session(id="s", data={evil: 1}, data_by_route={evil: {evil: 1}}, metadata={evil: 1})
    session.enter_route(evil, evil, at=NOON)
    await adapter.sessions.save(session)
    await adapter.messages.append("s", [Message(role="user", content=[Other(type=evil)])])
    text = await describe(adapter, "s")
    assert evil.encode("unicode_escape").decode() in text
    assert all(char.isprintable() or char == "\n" for char in text)
    assert len(text.splitlines()) == 22
    if evil != "\\n":
        assert evil not in text


async def test_names_that_are_ids_cannot_deceive_either(adapter):
    hidden = "a\u200bb"
    await adapter.sessions.save(Session(id=hidden, user_id=hidden, agent=hidden, status=hidden))
    await adapter.messages.append(hidden, [Message(role=hidden)], turn_id=hidden)
    text = await describe(adapter, hidden)
    assert text.count("a\\u200bb") == 6
    assert "\u200b" not in text


async def test_long_names_and_long_lists_are_cut(adapter):
    await adapter.sessions.save(Session(id="s", data={"k" * 1000: 1} | {str(n): n for n in range(99)}))
    shown = await fact(adapter, "data")
    assert "k" * 64 + "… (int)" in shown
    assert shown.endswith("48 (int), and 50 more")


async def test_only_the_newest_messages_are_shown(adapter):
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(role="user") for _ in range(20)])
    shown = [one.split()[0] for one in (await describe(adapter, "s")).splitlines() if "#" in one]
    assert shown == [f"#{seq}" for seq in range(11, 21)]
    assert (await describe(adapter, "s", last=3)).count("#") == 3


@pytest.mark.parametrize("last", [0, -1, True, "3", 10**9])
async def test_a_wrong_last_is_refused(adapter, last):
    await adapter.sessions.save(Session(id="s"))
    with pytest.raises(InvalidArgument):
        await describe(adapter, "s", last=last)


async def test_what_is_not_there_is_not_found(adapter):
    with pytest.raises(NotFound):
        await describe(adapter, "s")


async def test_what_is_over_limits_that_were_lowered_since_is_described_too(make_adapter, tmp_path):
    async with make_adapter("sqlite", tmp_path) as adapter:
        await adapter.sessions.save(Session(id="s", data={"deep": [[[["x" * 100]]]]}))
        await adapter.messages.append("s", [Message(role="user", content="x" * 100)])
    async with make_adapter("sqlite", tmp_path, limits=Limits(state_bytes=9, message_bytes=9, depth=1)) as adapter:
        assert "100 characters" in await describe(adapter, "s")


async def test_a_message_that_cannot_be_read_does_not_keep_the_rest_from_being_described():
    async with MemoryAdapter() as adapter:
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append("s", [Message(role="user"), Message(role="user")])
        [rows] = adapter._memory._rows.values()
        rows.by_seq[1] = rows.by_seq[1]._replace(body="{")
        text = await describe(adapter, "s")
    assert "#1 cannot be read" in text
    assert "#2 user" in text
