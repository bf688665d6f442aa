"""Bugs of storage and of clients, over SQLite files and toys with locks or clients."""

import asyncio
import sqlite3
import time

from contract_tests.tests.planted.files import File
from contract_tests.tests.planted.locking import LockedToy, Locking
from contract_tests.tests.planted.on_client import ClientToy, OnClient
from contract_tests.tests.planted.planting import planted

from holdfast.capabilities import Durability
from holdfast.errors import BackendUnavailable, CorruptRecord, SchemaTooNew
from holdfast.toolkit import Facts
from holdfast_sqlite._connections import Connections
from holdfast_sqlite._store import SQLiteStore


@planted("The driver's error comes through.", "errors.translated")
class ErrorLeaked(File):
    translate = staticmethod(lambda error, running: None)


@planted("The driver's error is told in the text of ours.", "errors.translated")
class CauseLost(File):
    class Store(SQLiteStore):
        async def heads(self, refs, *, state):
            try:
                return await super().heads(refs, state=state)
            except sqlite3.Error:
                raise BackendUnavailable("The backend failed.") from None


@planted("A backend that is broken reads as empty.", "errors.translated")
class BrokenIsEmpty(File):
    class Store(SQLiteStore):
        async def heads(self, refs, *, state):
            try:
                return await super().heads(refs, state=state)
            except sqlite3.Error:
                return [None] * len(refs)


@planted("The check of the schema is skipped.", "opening.newer_schema")
class SchemaNotChecked(File):
    class Store(SQLiteStore):
        async def initialize(self, *, create, migrate):
            try:
                return await super().initialize(create=create, migrate=migrate)
            except SchemaTooNew:
                await self._connections.begin()
                return Facts(frozenset({"shared", "survives_process"}), Durability.PROCESS)


@planted("`create=False` creates.", "opening.create_false")
class CreatesAlways(File):
    class Store(SQLiteStore):
        async def initialize(self, *, create, migrate):
            return await super().initialize(create=True, migrate=migrate)


@planted("An old word stays in a free page or in the log.", "redaction.gone")
class NotOverwritten(File):
    class Connections(Connections):
        async def scrub(self):
            """It will go with time."""


@planted("A deleted session's rows stay.", "identity.rows_freed")
class RowsStay(File):
    class Store(SQLiteStore):
        async def free(self, key, *, limit):
            return 0


@planted("A damaged state reads as an empty one.", "corruption.state")
class DamagedIsEmpty(File):
    class Store(SQLiteStore):
        async def heads(self, refs, *, state):
            heads = await super().heads(refs, state=state)
            return [head and head._replace(body=head.body if _sound(head.body) else "{}") for head in heads]


def _sound(body):
    return body is None or (body.startswith("{") and body.endswith("}"))


@planted("A damaged message is left out.", "corruption.message", "corruption.beside")
class DamagedLeftOut(File):
    class Store(SQLiteStore):
        async def rows(self, key, span):
            rows = await super().rows(key, span)
            return rows and [row for row in rows if _sound(row.body)]


@planted("One corrupt session makes the reads of all fail.", "corruption.other_sessions")
class CorruptStopsAll(File):
    class Store(SQLiteStore):
        async def rows(self, key, span):
            for [body] in await self._connections.read("SELECT body FROM holdfast_message", {}):
                if not _sound(body):
                    raise CorruptRecord("A message of some session.")
            return await super().rows(key, span)


@planted("A commit is acknowledged, and rolled back.", "death.restart", "order.dense")
class RolledBack(File):
    class Connections(Connections):
        async def try_write(self, work, *, begins=False):
            result = await super().try_write(work, begins=begins)
            if begins:
                await self._open_writer().execute_fetchall("DELETE FROM holdfast_message")
                await self._open_writer().commit()
            return result


@planted("The database's calls run in the event loop.", "flush.loop_stays_free")
class InTheLoop(File):
    class Store(SQLiteStore):
        async def heads(self, refs, *, state):
            time.sleep(0.002)
            return await super().heads(refs, state=state)


@planted("One locked session delays all others.", "locks.others_go_on", patience=1.0)
class LockedDelaysOthers(Locking):
    class Store(LockedToy):
        async def flush(self, writes):
            for write in writes:
                while self.locked(write.ref):
                    await asyncio.sleep(0.01)
            return await super().flush(writes)


@planted("A locked session is written all the same.", "locks.others_go_on")
class LockIgnored(Locking):
    class Store(LockedToy):
        def locked(self, ref):
            return False


@planted("A client that was handed in is closed.", "opening.client")
class ClientClosed(OnClient):
    class Store(ClientToy):
        async def aclose(self):
            if client := getattr(self, "client", None):
                client.closed = True
            await super().aclose()


@planted("A client that was handed in is set up in another way.", "opening.client")
class ClientSetUp(OnClient):
    class Store(ClientToy):
        async def initialize(self, **how):
            if client := getattr(self, "client", None):
                client.settings["row_factory"] = "ours"
            return await super().initialize(**how)


@planted("A sweep at opening goes beyond the namespace.", "order.dense", "opening.ping")
class BeyondTheNamespace(File):
    def make_adapter(self, env):
        for path in env.path.parent.glob("*/chat.db"):
            if path.parent != env.path and path.stat().st_size:
                with sqlite3.connect(path) as connection:
                    connection.execute("DELETE FROM holdfast_message")
                connection.close()
        return super().make_adapter(env)
