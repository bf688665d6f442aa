"""Capabilities and limits that are declared and not kept, or kept and not declared."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.capabilities import Limits
from holdfast.errors import UnsupportedCapability
from holdfast.toolkit.messages import StoreMessages


@planted("REMOVE is declared, and raises.", "removal.between", "turns.with_removal")
class RemoveRaises(Toy):
    def judge(self, write, head, known, removable):
        if write.remove:
            raise UnsupportedCapability("remove", "Ask adapter.capabilities before.")
        return super().judge(write, head, known, removable)


@planted("REPLACE is declared, and raises.", "redaction.place", raises=NotImplementedError)
class ReplaceRaises(Outer):
    class Messages(StoreMessages):
        async def replace(self, session_id, message):
            raise NotImplementedError


@planted("REPLACE is declared, and does nothing.", "redaction.place")
class ReplaceDoesNothing(Outer):
    class Messages(StoreMessages):
        async def replace(self, session_id, message):
            return message


class _Silent(Outer):
    """Offers less than it says, and says nothing of it when it is asked."""

    lacks = ""

    def __init__(self, **options):
        super().__init__(**options)
        self.toy.capabilities = self.toy.capabilities - {self.lacks}
        self._runtime.require = lambda capability: None


@planted("REMOVE is not declared, and works.", "removal.between", "turns.with_removal")
class UndeclaredRemove(_Silent):
    lacks = "remove"


@planted("REPLACE is not declared, and works.", "redaction.place")
class UndeclaredReplace(_Silent):
    lacks = "replace"


@planted("PARENTS is not declared, and a parent is silently dropped.", "children.named")
class UndeclaredParents(_Silent):
    lacks = "parents"


@planted("EXPIRY is not declared, and an expiry is silently dropped.", "expiry.dead")
class UndeclaredExpiry(_Silent):
    lacks = "expiry"


@planted("TENANTS is not declared, and a view of a tenant is given.", "tenants.isolated")
class UndeclaredTenants(_Silent):
    lacks = "tenants"


@planted("REMOVE is not declared, and refused after it was done.", "removal.between")
class RefusedAfterwards(_Silent):
    lacks = "remove"

    class Messages(StoreMessages):
        async def remove(self, session_id, **how):
            await super().remove(session_id, **how)
            raise UnsupportedCapability("remove", "Ask adapter.capabilities before.")


@planted("What is not declared is refused without a name.", "removal.between")
class RefusedWithoutName(Outer):
    def __init__(self, **options):
        super().__init__(**options)
        self.toy.capabilities = self.toy.capabilities - {"remove"}
        self._runtime.require = self._refuse

    def _refuse(self, capability):
        if capability not in self.toy.capabilities:
            raise UnsupportedCapability("something", "Ask another adapter.")


@planted("LISTING_EXACT is declared, and a listing lags.", "listing.tells_all", "listing.filters_follow")
class ListingLags(Toy):
    shown: tuple = ()

    async def find(self, query):
        before, self.shown = self.shown, tuple(self._heads.values())
        self._heads, heads = type(self._heads)(self.name), self._heads
        for head in before:
            self._heads[head.key.ref] = head
        try:
            return await super().find(query)
        finally:
            self._heads = heads


@planted("The limits that were asked for are not declared.", "limits.declared", "opening.passes_options")
class LimitsNotPassedOn(Outer):
    def __init__(self, **options):
        super().__init__(**{name: value for name, value in options.items() if name != "limits"})


@planted("Limits are counted in characters, not in bytes.", "limits.message_bytes")
class LimitsInCharacters(Outer):
    def __init__(self, **options):
        limits = options.pop("limits", Limits())
        super().__init__(**options, limits=replace(limits, message_bytes=limits.message_bytes * 2))
        self.asked = limits

    @property
    def limits(self):
        return self.asked


@planted("The limit on messages of a turn is one too high.", "limits.turn_messages")
class OneMoreMessage(Outer):
    def __init__(self, **options):
        limits = options.pop("limits", Limits())
        super().__init__(**options, limits=replace(limits, turn_messages=limits.turn_messages + 1))


@planted("The largest page is refused.", "limits.page")
class LargestPageRefused(Outer):
    def __init__(self, **options):
        limits = options.pop("limits", Limits())
        super().__init__(**options, limits=replace(limits, page=max(limits.page - 1, 1)))
        self.asked = limits

    @property
    def limits(self):
        return self.asked


@planted("More durability is claimed than is required, and less is let in.", "opening.durability")
class DurabilityNotRequired(Outer):
    def _require(self, facts):
        """Whatever it is."""


@planted("Capabilities are known before it is open.", "lifecycle.facts")
class KnownBefore(Outer):
    @property
    def capabilities(self):
        return self.toy.capabilities


@planted("A port that is not there is None.", "opening.ports")
class NoPort(Outer):
    def port(self, kind):
        return None


@planted("An ability is declared that nobody knows.", "opening.capabilities")
class UnknownDeclared(Toy):
    capabilities = Toy.capabilities | {"records"}


@planted("A known ability is declared in capitals beside its own name.", "opening.capabilities")
class CapitalsDeclared(Toy):
    capabilities = Toy.capabilities | {"REMOVE"}
