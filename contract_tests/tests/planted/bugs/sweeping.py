"""Sweeps that free too much, too little, or for whom they should not."""

from contract_tests.tests.planted.bases import Toy
from contract_tests.tests.planted.planting import planted


@planted("A sweep frees what lives.", "sweeping.alive")
class SweepFreesTheLiving(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=tenant, limit=limit, now=now + 1)


@planted("A sweep ignores its limit.", "sweeping.step")
class SweepWithoutLimit(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=tenant, limit=10**9, now=now)


@planted("A sweep ignores the tenant.", "sweeping.tenants")
class SweepOfAllTenants(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=None, limit=limit, now=now)


@planted("A sweep of the adapter is of the default tenant.", "sweeping.tenants")
class SweepOfDefaultTenant(Toy):
    async def sweep(self, *, tenant, limit, now):
        return await super().sweep(tenant=tenant or "", limit=limit, now=now)


@planted("A sweep ends sessions, and leaves their rows.", "sweeping.no_row_stays")
class SweepLeavesRows(Toy):
    async def free(self, key, *, limit):
        self._dead.pop(key.key, None)
        return 0


@planted("A sweep takes parents with their children.", "sweeping.parents_of_the_expired")
class SweepTakesParents(Toy):
    def _doomed(self, tenant, now):
        doomed = super()._doomed(tenant, now)
        keys = {head.parent_key for head in doomed}
        return doomed + [head for head in self._heads.values() if head.key.key in keys and head not in doomed]


@planted("A sweep leaves the children of what expired.", "sweeping.families")
class SweepLeavesChildren(Toy):
    def _doomed(self, tenant, now):
        return [head for head in super()._doomed(tenant, now) if head.dead(now)]


@planted("A sweep always says that something was freed.", "sweeping.nothing_dead")
class SweepNeverDone(Toy):
    async def sweep(self, *, tenant, limit, now):
        return max(1, await super().sweep(tenant=tenant, limit=limit, now=now))
