"""Bugs that take other processes, and their end, to be seen. Their classes are imported by these processes."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager

from contract_tests.tests.planted.files import File
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import StoreAdapter
from holdfast_sqlite._connections import Connections, Transaction
from holdfast_sqlite._store import SQLiteStore


@planted("A commit is acknowledged first and made durable later.", "death.kill")
class AcknowledgedFirst(File):
    class Connections(Connections):
        async def try_write(self, work, *, begins=False):
            await self._writing.acquire()
            connection = self._open_writer()
            if not begins:
                await connection.execute_fetchall("BEGIN IMMEDIATE")
            result = await work(Transaction(connection))
            self.later = asyncio.ensure_future(self._later(connection))
            return result

        @asynccontextmanager
        async def reading(self):
            yield self._open_writer()

        async def _later(self, connection):
            await asyncio.sleep(0.1)
            await connection.commit()
            self._writing.release()


@planted("Messages and state are stored in two transactions.", "death.kill")
class TwoTransactions(File):
    class Adapter(StoreAdapter):
        async def commit(self, turn):
            if turn.session and turn.session.version:
                await self.messages.append(turn.session_id, turn.messages, turn_id=turn.id)
                await asyncio.sleep(0.01)
                return await super().commit(turn.model_copy(update={"id": f"{turn.id} state"}))
            return await super().commit(turn)


@planted("The version is compared with what this process saw last.", "processes.lost_updates")
class OwnVersion(File):
    class Store(SQLiteStore):
        async def flush(self, writes):
            known = self.__dict__.setdefault("known", {})
            fair = [write._replace(expected=None) if _knows(known, write) else write for write in writes]
            outcomes = await super().flush(fair)
            for write, outcome in zip(writes, outcomes, strict=True):
                if head := getattr(outcome, "head", None):
                    known[write.ref] = head.version
            return outcomes


def _knows(known, write):
    return write.state and not write.create and known.setdefault(write.ref, write.expected) == write.expected


@planted("Heads are cached by each handle.", "processes.sees", "handles.read_each_other", raises=AttributeError)
class HeadsCached(File):
    class Store(SQLiteStore):
        async def heads(self, refs, *, state):
            cache = self.__dict__.setdefault("cache", {})
            heads = await super().heads(refs, state=state)
            return [
                cache.setdefault((ref, state), head) if head else None
                for ref, head in zip(refs, heads, strict=True)
            ]


@planted(
    "Two that open at once both create the schema.",
    "processes.initialize",
    "lifecycle.handles_at_once",
    raises=sqlite3.Error,
)
class CreatedTwice(File):
    class Store(SQLiteStore):
        async def initialize(self, *, create, migrate):
            facts = await super().initialize(create=create, migrate=migrate)
            await self._connections.write(_again)
            return facts


async def _again(transaction):
    there = await transaction.run("SELECT name FROM sqlite_schema WHERE name = 'opened'")
    if there:
        raise sqlite3.OperationalError("table opened already exists")
    await transaction.run("CREATE TABLE opened (at TEXT)")
