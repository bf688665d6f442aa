"""Memory under the contract suite."""

from holdfast.toolkit import Ref
from holdfast_contract_tests import AdapterContract, Probe
from holdfast_memory import MemoryAdapter


class MemoryProbe(Probe):
    """Reaches into the adapter's dictionaries: there is nowhere else to look."""

    def __init__(self, adapter: MemoryAdapter) -> None:
        self._store = adapter._memory

    async def set_message_body(self, session_id, message_id, body):
        rows = self._store._rows[self._store._heads[Ref("", session_id)].key.key]
        seq = rows.by_id[message_id]
        rows.by_seq[seq] = rows.by_seq[seq]._replace(body=body)

    async def set_state_body(self, session_id, body):
        ref = Ref("", session_id)
        self._store._heads[ref] = self._store._heads[ref]._replace(body=body)

    async def raw(self):
        return self._store.snapshot()

    async def rows(self):
        store = self._store
        return len(store._heads) + len(store._dead) + sum(len(rows.seqs) for rows in store._rows.values())


class TestMemory(AdapterContract):
    """Each adapter has a memory of its own."""

    def make_adapter(self, env):
        return MemoryAdapter(**env.options)

    def probe(self, adapter, env):
        return MemoryProbe(adapter)
