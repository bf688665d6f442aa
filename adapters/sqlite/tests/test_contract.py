"""SQLite under the contract suite."""

from holdfast_contract_tests import AdapterContract
from holdfast_sqlite import SQLiteAdapter


class TestSQLite(AdapterContract):
    """One file in WAL mode, fully synchronous."""

    def make_adapter(self, env):
        return SQLiteAdapter(env.path / "chat.db", **env.options)
