"""A toy with a lock on each session, as a database with row locks has."""

import asyncio
from contextlib import asynccontextmanager

from contract_tests.tests.planted.bases import Contract, Outer, Shared, ToyProbe

from holdfast.toolkit import Busy, Ref

__all__ = ["LockedToy", "Locking"]


class LockedToy(Shared):
    """Says ``Busy`` of a session that somebody else holds."""

    def join(self, world):
        super().join(world)
        self.locks = world.setdefault("locks", {})

    def locked(self, ref):
        """Whether somebody else holds this session."""
        return ref in self.locks and self.locks[ref].locked()

    async def flush(self, writes):
        return [Busy() if self.locked(write.ref) else self._write(write) for write in writes]


class _LockProbe(ToyProbe):
    @asynccontextmanager
    async def lock(self, session_id):
        async with self._store.locks.setdefault(Ref("", session_id), asyncio.Lock()):
            yield


class Locking(Contract):
    """Makes adapters over it, and a probe that locks."""

    Store = LockedToy

    def __init__(self):
        self._worlds = {}

    def make_adapter(self, env):
        adapter = Outer(self.Store(), **env.options)
        adapter.toy.join(self._worlds.setdefault(env.namespace, {}))
        return adapter

    def probe(self, adapter, env):
        return _LockProbe(adapter.toy)
