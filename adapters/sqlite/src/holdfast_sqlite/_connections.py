"""The connections to one file: one that writes, and some that read beside it.

aiosqlite runs each call in its connection's own thread, one after the other, and cancelling a caller stops none of
them. So whoever is cancelled sends a rollback after his calls: what comes next finds no transaction open.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiosqlite

from holdfast.errors import AdapterClosed, ConfigurationError, OutcomeUnknown
from holdfast_sqlite._errors import is_busy
from holdfast_sqlite._forgotten import watch

__all__ = ["Connections", "Transaction"]

T = TypeVar("T")
Values = Mapping[str, Any] | Sequence[Any]

_WAL_PAUSE = 0.02  # seconds; switching to WAL can fail "locked" in spite of the busy timeout

_SCRUB_PAUSE = 0.1  # seconds between two tries to empty the log

# Seconds between two tries to write beside another program.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1


class Transaction:
    """The writing connection, for whoever has it to himself."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def run(self, statement: str, values: Values = ()) -> list[Any]:
        """Run one statement and give its rows."""
        return list(await self._connection.execute_fetchall(statement, values))


class Connections:
    """One file, opened."""

    def __init__(self, path: str, *, synchronous: str, readers: int, busy_timeout: float) -> None:
        self.private = path == ":memory:"
        self.synchronous = synchronous
        self._path = path
        self._readers = 0 if self.private else readers
        self._busy_timeout = busy_timeout
        self._writing = asyncio.Lock()
        self._writer: aiosqlite.Connection | None = None
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._all: list[asyncio.Task[aiosqlite.Connection]] = []

    async def open(self, *, create: bool) -> None:
        """Open the writing connection, and make the file ready for readers beside it.

        Raises:
            ConfigurationError: The folder is not there, or the file system cannot do WAL.
            sqlite3.Error: SQLite refuses the file.
        """
        if sqlite3.sqlite_version_info < (3, 37):
            raise ConfigurationError(f"SQLite 3.37 or newer is needed; this is {sqlite3.sqlite_version}.")
        if not self.private:
            self._check_path()
        self._writer = await self._connect(create=create)
        if not self.private:
            await self._switch_to_wal(self._writer)

    async def begin(self) -> None:
        """Open the reading connections, once the schema is there.

        From now on the writing one never waits for other programs: a thread that waits cannot be cancelled,
        and nobody would know whether something was sent. Whoever writes tries again.
        """
        await self._open_writer().execute_fetchall("PRAGMA busy_timeout = 0")
        for _ in range(self._readers):
            reader = await self._connect(create=False)
            await reader.execute_fetchall("PRAGMA query_only = ON")
            self._idle.put_nowait(reader)

    def _check_path(self) -> None:
        path = Path(self._path)
        try:
            if not path.parent.is_dir():
                raise ConfigurationError(f"The folder {str(path.parent)!r} does not exist.")
            if path.is_dir():
                raise ConfigurationError(f"{self._path!r} is a folder, not a file.")
        except OSError as error:
            raise ConfigurationError(f"The folder {str(path.parent)!r} cannot be entered.") from error

    async def _connect(self, *, create: bool) -> aiosqlite.Connection:
        mode = "memory" if self.private else "rwc" if create else "rw"
        uri = f"file:{quote(self._path)}?mode={mode}"
        connecting = asyncio.ensure_future(_connected(uri, self._busy_timeout))
        self._all.append(connecting)
        # Its thread connects even if we go away, and then somebody must close what it has opened.
        connection = await asyncio.shield(connecting)
        await connection.execute_fetchall(f"PRAGMA synchronous = {self.synchronous}")
        # A statement that changes many rows keeps the old pages until its end: in memory, not in a file.
        await connection.execute_fetchall("PRAGMA temp_store = MEMORY")
        # What was redacted or deleted is overwritten, not only unlinked.
        await connection.execute_fetchall("PRAGMA secure_delete = ON")
        return connection

    async def _switch_to_wal(self, connection: aiosqlite.Connection) -> None:
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                [[mode]] = await connection.execute_fetchall("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_WAL_PAUSE)
                continue
            if mode != "wal":
                raise ConfigurationError(f"The file cannot be put in WAL mode (it is in {mode!r}).")
            return

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[aiosqlite.Connection]:
        """A connection to read with, one statement at a time: each sees one snapshot."""
        if self.private:
            async with self._writing:
                yield self._open_writer()
            return
        connection = await self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put_nowait(connection)

    async def read(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        """Run one statement that changes nothing, and give its rows."""
        async with self.reading() as connection:
            return list(await connection.execute_fetchall(statement, values))

    async def look(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run work that changes nothing on the writing connection, without a lock on the file."""
        async with self._writing:
            return await work(Transaction(self._open_writer()))

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do as ``try_write``, again and again while another program holds the file."""
        deadline = time.monotonic() + self._busy_timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self.try_write(work)
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def try_write(self, work: Callable[[Transaction], Awaitable[T]], *, begins: bool = False) -> T:
        """Run work in a transaction of its own, and give its result once it is durable.

        The transaction is immediate: a deferred one that reads and then writes fails under other writers.

        Args:
            work: What to do.
            begins: Its first statement writes, and so begins the transaction: a call less.

        Raises:
            sqlite3.OperationalError: SQLITE_BUSY, at once, where another program writes; nothing was done.
        """
        async with self._writing:
            connection = self._open_writer()
            try:
                if not begins:
                    await connection.execute_fetchall("BEGIN IMMEDIATE")
                result = await work(Transaction(connection))
                await connection.commit()
            except BaseException:
                # Without asking whether a transaction is open: the thread may be about to open it.
                await connection.rollback()
                raise
            return result

    async def scrub(self) -> None:
        """Empty the write-ahead log, so that no file holds what was overwritten.

        A reader of an old snapshot stands in the way.

        Raises:
            OutcomeUnknown: It stood in the way until the end, or the log could not be emptied.
        """
        deadline = time.monotonic() + self._busy_timeout
        while not await self._scrubbed():
            if time.monotonic() > deadline:
                raise OutcomeUnknown("It is done, but a long reader keeps the old text in the write-ahead log.")
            await asyncio.sleep(_SCRUB_PAUSE)

    async def _scrubbed(self) -> bool:
        try:
            return await self._try_to_scrub()
        except sqlite3.Error as error:
            # Not what this error means elsewhere: what was written is durable already.
            raise OutcomeUnknown("It is done, but the write-ahead log could not be emptied.") from error

    async def _try_to_scrub(self) -> bool:
        async with self._writing:
            [[busy, _, _]] = await self._open_writer().execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        return not busy

    def _open_writer(self) -> aiosqlite.Connection:
        if self._writer is None:
            raise AdapterClosed("The file was closed.")
        return self._writer

    async def aclose(self) -> None:
        """Close all of them; readers first, so that the last one can tidy up the log."""
        async with self._writing:
            self._writer = None
            self._idle = asyncio.Queue()
            while self._all:
                [opened] = await asyncio.gather(asyncio.shield(self._all.pop()), return_exceptions=True)
                if isinstance(opened, aiosqlite.Connection):  # else it never was open, and whoever asked was told
                    await opened.close()


async def _connected(uri: str, busy_timeout: float) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(uri, uri=True, isolation_level="IMMEDIATE", timeout=busy_timeout)
    watch(connection)
    return connection
