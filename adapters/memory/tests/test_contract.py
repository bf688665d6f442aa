"""Memory under the contract suite."""

from holdfast_contract_tests import AdapterContract
from holdfast_memory import MemoryAdapter


class TestMemory(AdapterContract):
    """Each adapter has a memory of its own."""

    def make_adapter(self, env):
        return MemoryAdapter(**env.options)
