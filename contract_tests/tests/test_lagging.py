"""A sound adapter whose listings lag behind: every clause holds, or waits until it does."""

from collections import deque
from time import monotonic

from holdfast import Capability, Durability
from holdfast.toolkit import Facts, StoreAdapter
from holdfast_contract_tests import AdapterContract, Probe
from holdfast_memory._store import MemoryStore

LAG = 0.02  # seconds


class Lagging(MemoryStore):
    """Lists what was there a moment ago, as a search engine does; what hangs from a parent is asked for fresh."""

    def __init__(self):
        super().__init__()
        self._past = deque([(0.0, {})])

    async def find(self, query):
        if query.fresh:
            return await super().find(query)
        if self._past[-1][1] != self._heads:
            self._past.append((monotonic(), dict(self._heads)))
        while len(self._past) > 1 and self._past[1][0] < monotonic() - LAG:
            self._past.popleft()
        now, self._heads = self._heads, self._past[0][1]
        try:
            return await super().find(query)
        finally:
            self._heads = now

    async def initialize(self, **asked):
        facts = await super().initialize(**asked)
        exact = {Capability.LISTING_EXACT, Capability.ACTIVITY_EXACT}
        return Facts(facts.capabilities - exact, Durability.MEMORY)


class TestLagging(AdapterContract):
    """Declares neither of the two facts about listings."""

    def make_adapter(self, env):
        return StoreAdapter(Lagging(), translate=lambda error, running: None, options=env.options)

    def probe(self, adapter, env):
        return Probe()
