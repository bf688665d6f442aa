"""Listings of sessions."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.errors import InvalidArgument
from holdfast.models import Page
from holdfast.toolkit import Found, Position
from holdfast.toolkit.sessions import StoreSessions


@planted("A listing stops at 1,000 sessions.", "listing.over_a_thousand")
class CapAtAThousand(Toy):
    seen = 0

    async def find(self, query):
        self.seen = 0 if query.begin is None else self.seen
        found = await super().find(query)
        self.seen += len(found.heads)
        return Found(found.heads, None) if self.seen >= 1000 else found


@planted(
    "A walk by creation walks by activity.", "listing.complete", "listing.orders", "listing.written_meanwhile"
)
class CreatedByActivity(Toy):
    async def find(self, query):
        return await super().find(replace(query, by_activity=True))


@planted("Activity is listed oldest first.", "listing.orders")
class OldestFirst(Toy):
    async def find(self, query):
        found = await super().find(query)
        return Found(found.heads[::-1], found.next) if query.by_activity else found


@planted("Ties at the edge of a page are lost.", "listing.over_a_thousand", "ids.walk")
class TiesLost(Toy):
    def _fitting(self, query):
        begin = query.begin and Position(query.begin.at, "" if query.by_activity else "\U0010ffff" * 300)
        return super()._fitting(replace(query, begin=begin))


@planted("Ties at the edge of a page are repeated.", "listing.over_a_thousand")
class TiesRepeated(Toy):
    def _fitting(self, query):
        begin = query.begin and Position(query.begin.at, "\U0010ffff" * 300 if query.by_activity else "")
        return super()._fitting(replace(query, begin=begin))


@planted("Ties are in the order of a language, not of bytes.", "listing.ties")
class TiesByLanguage(Toy):
    async def find(self, query):
        found = await super().find(query)
        by_language = sorted(found.heads, key=lambda head: head.key.id.casefold(), reverse=query.by_activity)
        return Found(by_language, found.next)


@planted("A walk by creation goes by offset.", "listing.deleted_meanwhile", "listing.complete")
class PagedByOffset(Outer):
    class Sessions(StoreSessions):
        async def find(self, query):
            begin, size = int(query.cursor or 0), query.limit or 100
            whole = query.model_copy(update={"cursor": None, "limit": 1000})
            items = (await super().find(whole)).items
            more = len(items) > begin + size
            return Page(items[begin : begin + size], str(begin + size) if more else None)


@planted("Children are listed on the top level.", "listing.levels")
class ChildrenOnTop(Toy):
    def _fitting(self, query):
        return super()._fitting(replace(query, nested=True))


@planted("`nested` is ignored.", "listing.levels")
class NestedIgnored(Toy):
    def _fitting(self, query):
        return super()._fitting(replace(query, nested=False))


@planted("Children are listed with those below them.", "listing.levels")
class ChildrenOfChildren(Toy):
    def _fitting(self, query):
        if query.parent_key is None:
            yield from super()._fitting(query)
            return
        family = {query.parent_key}
        for head in sorted(self._heads.values(), key=lambda head: head.created_at):
            if head.parent_key in family:
                family.add(head.key.key)
                yield head


@planted("Items come without their state.", "listing.with_state")
class StateLeftOut(Toy):
    async def find(self, query):
        return await super().find(replace(query, with_state=False))


@planted("Expired sessions are listed.", "listing.expired", "expiry.listed")
class ExpiredListed(Toy):
    def _fitting(self, query):
        return super()._fitting(replace(query, include_expired=True))


@planted("`include_expired` is ignored.", "listing.expired", "expiry.listed")
class IncludeExpiredIgnored(Toy):
    def _fitting(self, query):
        return super()._fitting(replace(query, include_expired=False))


@planted("`include_expired` leaves out what expires later.", "expiry.listed")
class ExpiredAlone(Toy):
    def _fitting(self, query):
        return (head for head in super()._fitting(query) if _fits(head, query))


def _fits(head, query):
    return not query.include_expired or head.expires_at is None or head.dead(query.now)


@planted("An append is no activity.", "listing.activity")
class AppendIsNoActivity(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, updated_at=head.updated_at) if write.only_appends and head else plan


@planted("Reading is activity.", "listing.activity")
class ReadingIsActivity(Toy):
    async def heads(self, refs, *, state):
        for ref in refs:
            if state and (head := self._heads.get(ref)):
                self._heads[ref] = head._replace(updated_at=head.updated_at + 1)
        return await super().heads(refs, state=state)


@planted("A deleted session stays listed.", "listing.deleted", "identity.deleted")
class DeletedListed(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        if write.delete and head:
            self.ghosts = [*getattr(self, "ghosts", []), head]

    def _fitting(self, query):
        yield from super()._fitting(query)
        yield from getattr(self, "ghosts", []) if query.parent_key is None else ()


@planted("A strange cursor begins anew.", "listing.cursor_of_its_query", "listing.cursor_of_its_tenant")
class StrangeBeginsAnew(Outer):
    class Sessions(StoreSessions):
        async def find(self, query):
            try:
                return await super().find(query)
            except InvalidArgument:
                return await super().find(query.model_copy(update={"cursor": None}))


@planted("What a listing tells lags behind by one write.", "listing.tells_all")
class ListingLags(Toy):
    async def find(self, query):
        found = await super().find(query)
        older = [head._replace(message_count=max(head.message_count - 1, 0)) for head in found.heads]
        return Found(older, found.next)
