"""Listings that forget a part of what was asked: on later pages, or beside another part; and times cut short."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Found, Position

ANY, FAMILIES = "listing.any_query", "listing.any_query_of_families"


def _asked(when, **other):
    """Another query where a query is so."""

    async def find(self, query):
        return await Toy.find(self, replace(query, **other) if when(query) else query)

    return find


@planted("The pages after the first list the expired.", FAMILIES)
class ExpiredLater(Toy):
    find = _asked(lambda query: query.begin, include_expired=True)


@planted("The pages after the first leave out the expired.", FAMILIES)
class NotExpiredLater(Toy):
    find = _asked(lambda query: query.begin, include_expired=False)


@planted("The pages after the first list children on the top level.", FAMILIES)
class NestedLater(Toy):
    find = _asked(lambda query: query.begin and not query.parent_key, nested=True)


@planted("The children of one parent come without state.", FAMILIES)
class ChildrenWithoutState(Toy):
    find = _asked(lambda query: query.parent_key, with_state=False)


@planted("`updated_before` is forgotten where children are listed.", "listing.levels")
class BeforeForgottenBelow(Toy):
    find = _asked(lambda query: query.parent_key, updated_before=None)


@planted("`with_state` is forgotten where a user's are listed by creation.", ANY, FAMILIES)
class StateForgotten(Toy):
    find = _asked(lambda query: query.user_id and not query.by_activity, with_state=False)


@planted("`with_state` is forgotten on the pages after the first.", ANY)
class StateForgottenLater(Toy):
    find = _asked(lambda query: query.begin, with_state=False)


@planted("Of three filters the third is ignored on the pages after the first.", ANY)
class ThirdIgnoredLater(Toy):
    find = _asked(lambda query: query.begin and query.user_id and query.agent, status=None)


@planted("A listing of all levels that names a user tells of no parents.", FAMILIES)
class ParentsForgotten(Toy):
    async def find(self, query):
        found = await super().find(query)
        if not (query.nested and query.user_id):
            return found
        return Found([head._replace(parent_id=None) for head in found.heads], found.next)


@planted("A listing with a filter tells another number of messages on later pages.", ANY)
class CountForgotten(Toy):
    async def find(self, query):
        found = await super().find(query)
        if not (query.begin and query.status):
            return found
        return Found([head._replace(message_count=0) for head in found.heads], found.next)


@planted("A listing tells times in milliseconds.", "listing.tells_all", "listing.with_state", ANY)
class TimesInMilliseconds(Toy):
    async def find(self, query):
        found = await super().find(query)
        names = ("created_at", "updated_at", "completed_at", "last_message_at")
        return Found([head._replace(**_cut(head, names)) for head in found.heads], found.next)


def _cut(head, names):
    return {name: at and at // 1000 * 1000 for name in names for at in [getattr(head, name)]}


@planted(
    "`updated_before` is rounded up to milliseconds.", "listing.updated_before", "listing.filters_combined", ANY
)
class BeforeInMilliseconds(Toy):
    def _fitting(self, query):
        before = query.updated_before
        return super()._fitting(replace(query, updated_before=before and -(-before // 1000) * 1000))


@planted("A listing is in the order of milliseconds.", "listing.orders", ANY)
class OrderInMilliseconds(Toy):
    async def find(self, query):
        found = await super().find(replace(query, limit=100_000, begin=None))

        def place(head):
            at = head.updated_at if query.by_activity else head.created_at
            return Position(at // 1000 * 1000, head.key.id)

        heads = sorted(found.heads, key=place, reverse=query.by_activity)
        if query.begin:
            heads = [h for h in heads if (place(h) < query.begin if query.by_activity else place(h) > query.begin)]
        more = len(heads) > query.limit
        return Found(heads[: query.limit], place(heads[query.limit - 1]) if more else None)
