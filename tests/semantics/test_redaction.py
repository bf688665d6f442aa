"""Redaction: another text in a message's place, and the old one is gone."""

import asyncio

import pytest

from holdfast import Message, NotFound, Session, Turn
from holdfast.parts import Text, ToolCall

SECRET = "".join(["the ", "card ", "number ", "4111"])


@pytest.fixture(autouse=True)
async def stored(adapter, clock, say):
    await adapter.sessions.save(Session(id="s", data={"a": 1}))
    said = [*say("a"), Message(id="b", role="user", content=SECRET, name="n", metadata={"m": SECRET}), *say("c")]
    messages = await adapter.messages.append("s", said, turn_id="t")
    clock.pass_(hours=1)
    return messages


async def test_role_and_content_change_and_the_envelope_stays(adapter, clock, stored):
    new = Message(
        id="b", role="system", content="[redacted]", seq=99, turn_id="x", segment=7, created_at=clock.now
    )
    answer = await adapter.messages.replace("s", new)
    assert (answer.id, answer.role, answer.content) == ("b", "system", "[redacted]")
    assert (answer.name, answer.metadata) == (None, {})
    old = stored[1]
    assert (answer.seq, answer.turn_id, answer.segment) == (old.seq, old.turn_id, old.segment)
    assert answer.created_at == old.created_at
    assert list(await adapter.messages.find("s")) == [stored[0], answer, stored[2]]
    assert await adapter.messages.get("s", "b") == answer


async def test_nothing_of_the_session_changes_but_its_time(adapter, clock):
    before = await adapter.sessions.get("s")
    await adapter.messages.replace("s", Message(id="b", role="user"))
    after = await adapter.sessions.get("s")
    assert after.updated_at == clock.now
    assert after == before.model_copy(update={"updated_at": clock.now})


async def test_any_retry_of_the_old_text_is_answered_with_the_new(adapter, say):
    new = await adapter.messages.replace("s", Message(id="b", role="user", content="[redacted]"))
    for content in (SECRET, "something else", "[redacted]"):
        [a, b] = await adapter.messages.append("s", [*say("a"), Message(id="b", role="user", content=content)])
        assert (a.seq, b) == (1, new)
    same = [*say("a"), Message(id="b", role="user", content=SECRET), *say("c")]
    done = await adapter.commit(Turn(id="t", session_id="s", messages=same))
    assert done.replayed
    assert done.messages[1] == new
    assert (await adapter.messages.find("s")).items == done.messages


async def test_the_last_writer_wins(adapter):
    contents = [f"text {number}" for number in range(6)]
    calls = (adapter.messages.replace("s", Message(id="b", role="user", content=text)) for text in contents)
    await asyncio.gather(*calls)
    assert (await adapter.messages.get("s", "b")).content in contents
    await adapter.messages.replace("s", Message(id="b", role="user", content="last"))
    assert (await adapter.messages.get("s", "b")).content == "last"


async def test_the_new_text_may_be_parts(adapter):
    parts = [Text(text="x"), ToolCall(id="1", name="f", args={"z": 1, "a": (1, 2)})]
    answer = await adapter.messages.replace("s", Message(id="b", role="assistant", content=parts, raw={"k": [1]}))
    assert answer.content == parts
    assert await adapter.messages.get("s", "b") == answer


@pytest.mark.parametrize(("session_id", "message_id"), [("s", "none"), ("none", "a"), ("s", "B")])
async def test_what_is_not_there_cannot_be_redacted(adapter, everything, session_id, message_id):
    before = await everything(adapter)
    with pytest.raises(NotFound):
        await adapter.messages.replace(session_id, Message(id=message_id, role="user", content="x"))
    assert await everything(adapter) == before


async def test_what_was_removed_cannot_be_redacted(adapter):
    await adapter.messages.remove("s", after=1, through=2)
    with pytest.raises(NotFound):
        await adapter.messages.replace("s", Message(id="b", role="user", content="x"))
    assert len(await adapter.messages.find("s")) == 2


async def test_a_redacted_message_can_be_removed_and_its_id_is_free_then(adapter, say):
    await adapter.messages.replace("s", Message(id="b", role="user", content="x"))
    assert await adapter.messages.remove("s", after=1, through=2) == 1
    [again] = await adapter.messages.append("s", [Message(id="b", role="user", content="y")])
    assert (again.seq, again.content) == (4, "y")


async def test_the_old_text_is_in_no_file_any_more(adapter, tmp_path):
    await adapter.messages.replace("s", Message(id="b", role="user", content="[redacted]"))
    held = [path.name for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]
    assert held == []


async def test_a_long_text_is_in_no_file_any_more(adapter, tmp_path):
    [long] = await adapter.messages.append("s", [Message(role="user", content=SECRET * 5000)])
    await adapter.messages.replace("s", Message(id=long.id, role="user", content="[redacted]"))
    await adapter.messages.replace("s", Message(id="b", role="user", content="[redacted]"))
    held = [path.name for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]
    assert held == []
