"""A sound adapter that offers as little as it may: every clause holds, or its absence was seen to be refused."""

from holdfast import Capability, Durability
from holdfast.toolkit import Facts, StoreAdapter
from holdfast_contract_tests import AdapterContract, Probe
from holdfast_memory._store import MemoryStore


class Bare(MemoryStore):
    """Declares none of its abilities."""

    async def initialize(self, **asked):
        return Facts(frozenset({Capability.LISTING_EXACT, Capability.ACTIVITY_EXACT}), Durability.MEMORY)


class TestBare(AdapterContract):
    """Core must refuse what this store does not declare."""

    def make_adapter(self, env):
        return StoreAdapter(Bare(), translate=lambda error, running: None, options=env.options)

    def probe(self, adapter, env):
        return Probe()
