"""What was redacted or deleted is in no file any more."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from holdfast import Message, OutcomeUnknown, Session
from holdfast_sqlite import SQLiteAdapter

CANARY = "canary-5f0c9d"


def files_holding(path, text: str) -> list[str]:
    return [file.name for file in path.parent.iterdir() if text.encode() in file.read_bytes()]


@pytest.mark.parametrize("size", [1, 1000])
async def test_a_replaced_text_is_gone_from_every_file_before_the_acknowledgement(path, size):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append(
            "s", [Message(id=str(n), role="user", content=CANARY * size) for n in range(3)]
        )
        assert files_holding(path, CANARY)
        for number in range(3):
            await adapter.messages.replace("s", Message(id=str(number), role="user", content="[redacted]"))
        assert files_holding(path, CANARY) == []
        assert [message.content for message in await adapter.messages.find("s")] == ["[redacted]"] * 3


async def test_a_long_reader_of_the_old_text_makes_the_outcome_unknown_and_a_retry_settles_it(path):
    async with SQLiteAdapter(path, timeout=0.6) as adapter:
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append("s", [Message(id="m", role="user", content=CANARY)])
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM holdfast_message").fetchall()
        replacement = Message(id="m", role="user", content="[redacted]")
        with pytest.raises(OutcomeUnknown):
            await adapter.messages.replace("s", replacement)
        reader.close()
        await adapter.messages.replace("s", replacement)
        assert files_holding(path, CANARY) == []


async def test_others_write_on_while_a_redaction_waits_for_a_long_reader(path):
    async with SQLiteAdapter(path, timeout=5) as adapter:
        for name in "st":
            await adapter.sessions.save(Session(id=name))
        await adapter.messages.append("s", [Message(id="m", role="user", content=CANARY)])
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM holdfast_message").fetchall()
        redaction = asyncio.create_task(
            adapter.messages.replace("s", Message(id="m", role="user", content="[redacted]"))
        )
        for number in range(10):
            await adapter.messages.append("t", [Message(role="user", content=str(number))])
            await adapter.messages.append("s", [Message(role="user", content=str(number))])
        assert not redaction.done()
        reader.close()
        await redaction
        assert files_holding(path, CANARY) == []


async def test_a_deleted_session_is_in_no_file_once_the_adapter_is_closed(path):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s", data={"secret": CANARY * 500}))
        await adapter.messages.append("s", [Message(role="user", content=CANARY) for n in range(50)])
        assert await adapter.sessions.delete("s")
        with closing(sqlite3.connect(path)) as probe:
            for table in ("head", "state", "message", "dead"):
                assert probe.execute(f"SELECT * FROM holdfast_{table}").fetchall() == []
    assert files_holding(path, CANARY) == []


async def test_a_log_that_cannot_be_emptied_makes_the_outcome_unknown_not_unwritten(path, monkeypatch):
    async def full(connections):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append("s", [Message(id="m", role="user", content=CANARY)])
        replacement = Message(id="m", role="user", content="[redacted]")
        with monkeypatch.context() as patch:
            patch.setattr("holdfast_sqlite._connections.Connections._try_to_scrub", full)
            with pytest.raises(OutcomeUnknown) as caught:
                await adapter.messages.replace("s", replacement)
        assert caught.value.turn_id
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        await adapter.messages.replace("s", replacement)
        assert files_holding(path, CANARY) == []
