"""SQLite under the contract suite, in its two modes."""

import sqlite3
from contextlib import closing
from pathlib import Path

from holdfast_contract_tests import AdapterContract, Probe
from holdfast_sqlite import SQLiteAdapter


class FileProbe(Probe):
    """Reads and damages the file by the driver alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _run(self, statement, *values):
        with closing(sqlite3.connect(self._path, timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    async def set_message_body(self, session_id, message_id, body):
        self._run(
            "UPDATE holdfast_message SET body = ? WHERE id = ? "
            "AND session = (SELECT number FROM holdfast_head WHERE tenant = '' AND id = ?)",
            *(body, message_id, session_id),
        )

    async def set_state_body(self, session_id, body):
        self._run(
            "UPDATE holdfast_state SET body = ? "
            "WHERE number = (SELECT number FROM holdfast_head WHERE tenant = '' AND id = ?)",
            *(body, session_id),
        )

    async def set_schema(self, *, schema, min_reader, min_writer):
        self._run(
            "UPDATE holdfast_meta SET schema = ?, min_reader = ?, min_writer = ?",
            *(schema, min_reader, min_writer),
        )

    async def raw(self):
        return b"".join(file.read_bytes() for file in sorted(self._path.parent.glob(f"{self._path.name}*")))

    async def rows(self):
        tables = ("head", "state", "message", "dead")
        return sum(self._run(f"SELECT count(*) FROM holdfast_{table}")[0][0] for table in tables)

    async def destroy(self):
        for table in ("message", "state", "head", "dead", "meta"):
            self._run(f"DROP TABLE holdfast_{table}")


class TestSQLite(AdapterContract):
    """One file, fully synchronous."""

    def make_adapter(self, env):
        return SQLiteAdapter(env.path / "chat.db", **env.options)

    def about(self, adapter):
        return {"sqlite": sqlite3.sqlite_version}

    def probe(self, adapter, env):
        return FileProbe(env.path / "chat.db")


class TestSQLiteInMemory(AdapterContract):
    """A private database of each adapter: nobody else can look into it, a probe neither."""

    def make_adapter(self, env):
        return SQLiteAdapter(":memory:", **env.options)

    def probe(self, adapter, env):
        return Probe()
