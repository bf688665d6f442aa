"""Tenants and their views."""

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import NotFound


@planted("A tenant's view of a view is nested.", "tenants.views_replace")
class ViewsNest(Outer):
    def for_tenant(self, tenant):
        return super().for_tenant(f"{self._tenant}/{tenant}" if self._tenant else tenant)


@planted("The default tenant is the tenant 'default'.", "tenants.default")
class DefaultHasAName(Toy):
    def name(self, ref):
        return ref._replace(tenant=ref.tenant or "default")


@planted("Closing a view closes the adapter.", "tenants.view_closes_nothing", "lifecycle.views")
class ViewCloses(Outer):
    async def aclose(self):
        self._tenant = ""
        await super().aclose()


@planted("The error of another tenant's session says so.", "tenants.same_errors")
class OtherTenantTold(Outer):
    class Messages(Outer.Messages):
        async def find(self, session_id, **how):
            for ref in self._run.store._heads:
                if ref.id == session_id and ref.tenant != self._tenant:
                    raise NotFound(f"Session {session_id!r} of tenant {ref.tenant!r}.")
            return await super().find(session_id, **how)
