"""What both drivers share: the file, and reading it through a second connection."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiosqlite

from benchmarks.contender import USER, State, Stored

__all__ = ["Database", "now"]

# Of the layouts that were tried this is the fastest: WITHOUT ROWID, or a rowid packed of session and seq, gave a
# third fewer coalesced appends a second.
_SCHEMA = """
CREATE TABLE session (
  number     INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  user_id    TEXT,
  version    INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX session_activity ON session (user_id, updated_at);
CREATE TABLE message (
  session INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  id      TEXT    NOT NULL,
  body    TEXT    NOT NULL,
  UNIQUE (session, seq),
  UNIQUE (session, id)
);
CREATE TABLE state (session INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""

_CREATE = "INSERT INTO session (id, user_id, version, count, updated_at) VALUES (?, ?, 1, 0, ?)"
_CREATE_STATES = (
    "INSERT INTO state (session, body) SELECT number, '{}' FROM session WHERE true ON CONFLICT DO NOTHING"
)
_LOAD = "SELECT t.body, s.version FROM session AS s JOIN state AS t ON t.session = s.number WHERE s.id = ?"
_NEWEST = """
SELECT m.seq, m.id, m.body FROM session AS s JOIN message AS m ON m.session = s.number
WHERE s.id = ? ORDER BY m.seq DESC LIMIT ?
"""
_PAGE = """
SELECT m.seq, m.id, m.body FROM session AS s JOIN message AS m ON m.session = s.number
WHERE s.id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?
"""
_LISTING = """
SELECT id, user_id, version, count, updated_at FROM session
WHERE user_id = ? ORDER BY updated_at DESC, number DESC LIMIT ?
"""

Row = tuple[int, str, str]


class Database:
    """One file with a connection that writes and one that reads. One statement a read: each sees one snapshot."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        # Only whoever holds this uses the writing connection.
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncGenerator[Self]:
        """Create a file in an empty folder."""
        async with AsyncExitStack() as connections:
            writer, reader = [await connections.enter_async_context(_connect(folder)) for _ in range(2)]
            await writer.executescript(_SCHEMA)
            yield cls(writer, reader)

    async def create(self, session_ids: Sequence[str]) -> None:
        """See ``Contender.create``."""
        at = now()
        rows = [(session_id, USER, at + index) for index, session_id in enumerate(session_ids)]
        await self._writer.executemany(_CREATE, rows)
        await self._writer.execute(_CREATE_STATES)
        await self._writer.commit()

    async def load(self, session_id: str) -> tuple[State, int]:
        """See ``Contender.load``."""
        [(body, version)] = await self._reader.execute_fetchall(_LOAD, (session_id,))
        return json.loads(body), version

    async def newest(self, session_id: str, count: int) -> Sequence[Mapping[str, Any]]:
        """See ``Contender.newest``."""
        rows = list(await self._reader.execute_fetchall(_NEWEST, (session_id, count)))
        rows.reverse()
        return [_message(*row) for row in rows]

    async def page(self, session_id: str, after: int, count: int) -> Sequence[Mapping[str, Any]]:
        """See ``Contender.page``."""
        rows = await self._reader.execute_fetchall(_PAGE, (session_id, after, count))
        return [_message(*row) for row in rows]

    async def listing(self, count: int) -> Sequence[Mapping[str, Any]]:
        """See ``Contender.listing``."""
        names = ("id", "user_id", "version", "count", "updated_at")
        rows = await self._reader.execute_fetchall(_LISTING, (USER, count))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def stored(self, message: Any) -> Stored:
        """See ``Contender.stored``."""
        return Stored(message["seq"], message["content"])

    def session_id(self, session: Any) -> str:
        """See ``Contender.session_id``."""
        return str(session["id"])


def now() -> int:
    """The time in microseconds."""
    return time.time_ns() // 1000


@asynccontextmanager
async def _connect(folder: Path) -> AsyncGenerator[aiosqlite.Connection]:
    # With this isolation level the first INSERT or UPDATE begins the transaction, immediately and without a call
    # of its own: that is a fifth more appends a second, one after the other.
    async with aiosqlite.connect(folder / "driver.db", isolation_level="IMMEDIATE", timeout=30) as connection:
        await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        await connection.execute_fetchall("PRAGMA synchronous = FULL")
        # As ours does: a statement that changes many rows keeps the old pages in memory, not in a file.
        await connection.execute_fetchall("PRAGMA temp_store = MEMORY")
        yield connection


def _message(seq: int, message_id: str, body: str) -> Mapping[str, Any]:
    return {"seq": seq, "id": message_id, **json.loads(body)}
