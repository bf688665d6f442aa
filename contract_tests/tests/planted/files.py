"""SQLite files, as a base of bugs of storage."""

import sqlite3
from contextlib import closing
from pathlib import Path

from contract_tests.tests.planted.bases import Contract

from holdfast.toolkit import StoreAdapter
from holdfast_contract_tests import Probe
from holdfast_sqlite._connections import Connections
from holdfast_sqlite._errors import translate
from holdfast_sqlite._store import SQLiteStore

__all__ = ["File"]


class FileProbe(Probe):
    """Reads and damages the file by the driver alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _run(self, statement, *values):
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    async def set_message_body(self, session_id, message_id, body):
        where = "id = ? AND session = (SELECT number FROM holdfast_head WHERE id = ?)"
        self._run(f"UPDATE holdfast_message SET body = ? WHERE {where}", body, message_id, session_id)

    async def set_state_body(self, session_id, body):
        where = "number = (SELECT number FROM holdfast_head WHERE id = ?)"
        self._run(f"UPDATE holdfast_state SET body = ? WHERE {where}", body, session_id)

    async def set_schema(self, *, schema, min_reader, min_writer):
        statement = "UPDATE holdfast_meta SET schema = ?, min_reader = ?, min_writer = ?"
        self._run(statement, schema, min_reader, min_writer)

    async def raw(self):
        return b"".join(file.read_bytes() for file in sorted(self._path.parent.glob(f"{self._path.name}*")))

    async def rows(self):
        tables = ("head", "state", "message", "dead")
        return sum(self._run(f"SELECT count(*) FROM holdfast_{table}")[0][0] for table in tables)

    async def destroy(self):
        for table in ("message", "state", "head", "dead", "meta"):
            self._run(f"DROP TABLE holdfast_{table}")


class File(Contract):
    """The SQLite store over one file; a bug puts another store, other connections or no translation there."""

    Store = SQLiteStore
    Connections = Connections
    translate = staticmethod(translate)
    Adapter = StoreAdapter

    def make_adapter(self, env):
        path = str(env.path / "chat.db")
        connections = self.Connections(path, synchronous="NORMAL", readers=1, busy_timeout=5.0)
        return self.Adapter(self.Store(connections), translate=self.translate, options=env.options)

    def probe(self, adapter, env):
        return FileProbe(env.path / "chat.db")
