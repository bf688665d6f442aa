"""One message redacted."""

import pytest
from tests.manager.histories import answer, call, says, store

from holdfast import (
    InvalidArgument,
    Media,
    Message,
    NotFound,
    Other,
    Reasoning,
    Refusal,
    Session,
    Text,
    ToolCall,
    ToolResult,
)
from holdfast.manager.upkeep.rewinding import prune, redact

# --- one message ---------------------------------------------------------------------------------

CANARY = "canary"


async def redacted(adapter, message: Message, **options) -> Message:
    await store(adapter, [message])
    given = await redact(adapter, "s", message.id, **options)
    stored = await adapter.messages.get("s", message.id)
    assert stored == given
    assert CANARY not in stored.model_dump_json()
    return stored


async def test_a_redacted_message_keeps_who_said_it_where_and_when(adapter):
    await adapter.sessions.save(Session(id="s"))
    message = Message(
        role="user",
        content=CANARY,
        name="Jane",
        route="booking",
        step="seat",
        user_id="u",
        metadata={"said": CANARY},
        raw={"text": CANARY},
        format=CANARY,
    )
    [before] = await adapter.messages.append("s", [message])
    stored = await redacted(adapter, message)
    kept = before.model_copy(update={"content": "[redacted]", "metadata": {}, "raw": None, "format": None})
    assert stored == kept


async def test_other_words_can_be_put_there(adapter):
    assert (await redacted(adapter, says(CANARY), text="")).content == ""
    assert (await redacted(adapter, says(CANARY), text="gone")).content == "gone"


async def test_tool_calls_and_results_keep_their_ids_and_lose_their_words(adapter):
    parts = [
        Reasoning(text=CANARY, provider=CANARY),
        ToolCall(id="c1", name="book", args={"who": CANARY}, note=CANARY),
        Text(text=CANARY),
        ToolCall(id="c2", name="pay", args=CANARY),
        ToolResult(call_id="c0", name="look", content={"found": CANARY}, error=True, note=CANARY),
        Media(mime="image/png", data=CANARY.encode(), name=CANARY),
    ]
    stored = await redacted(adapter, Message(role="assistant", content=parts))
    assert stored.content == [
        Text(text="[redacted]"),
        ToolCall(id="c1", name="book", args={}),
        ToolCall(id="c2", name="pay", args={}),
        ToolResult(call_id="c0", name="look", content="[redacted]", error=True),
    ]


async def test_where_there_are_only_calls_no_words_are_put_beside_them(adapter):
    stored = await redacted(adapter, call("c1"))
    assert stored.content == [ToolCall(id="c1", name="book", args={})]


@pytest.mark.parametrize(
    "parts",
    [
        [Text(text=CANARY), Refusal(text=CANARY)],
        [Media(mime="image/png", uri=CANARY)],
        [Other(type="video", url=CANARY)],
        [Reasoning(text=CANARY)],
        [],
    ],
)
async def test_parts_that_are_no_pairs_become_plain_text(adapter, parts):
    assert (await redacted(adapter, Message(role="user", content=parts))).content == "[redacted]"


async def test_a_redacted_call_still_keeps_its_answer_from_being_an_orphan(adapter):
    asks = call("a")
    await store(adapter, [says()], [asks], [answer("a")])
    await redact(adapter, "s", asks.id)
    assert await prune(adapter, "s", keep=1) == 1


async def test_what_is_not_there_cannot_be_redacted(adapter):
    with pytest.raises(NotFound):
        await redact(adapter, "s", "m")
    await store(adapter, [says()])
    with pytest.raises(NotFound, match="'m'"):
        await redact(adapter, "s", "m")


@pytest.mark.parametrize("text", [None, 5, [Text(text="x")], b"x"])
async def test_text_is_text(adapter, text):
    said, answered = says(), answer("a")
    await store(adapter, [said, answered])
    for message in (said, answered):
        with pytest.raises(InvalidArgument):
            await redact(adapter, "s", message.id, text=text)
