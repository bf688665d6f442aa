"""Filters of listings."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Found


def _without(*names):
    def _fitting(self, query):
        return Toy._fitting(self, replace(query, **dict.fromkeys(names)))

    return _fitting


@planted("The filter by status is ignored.", "listing.filters", "ids.filters")
class StatusIgnored(Toy):
    _fitting = _without("status")


@planted("The filter by agent is ignored.", "listing.filters")
class AgentIgnored(Toy):
    _fitting = _without("agent")


@planted("The filter by user is ignored on the pages after the first.", "listing.filters_combined")
class UserIgnoredLater(Toy):
    def _fitting(self, query):
        return super()._fitting(replace(query, user_id=None) if query.begin else query)


@planted("Of two filters the second is ignored.", "listing.filters", "ids.filter_pairs")
class OneFilterOnly(Toy):
    def _fitting(self, query):
        return super()._fitting(replace(query, agent=None, status=None) if query.user_id else query)


@planted("Filters are applied to a page after it was cut.", "listing.filters_combined")
class FilteredAfterwards(Toy):
    async def find(self, query):
        found = await super().find(replace(query, user_id=None, agent=None, status=None))
        wanted = [(n, getattr(query, n)) for n in ("user_id", "agent", "status") if getattr(query, n) is not None]
        heads = [head for head in found.heads if all(getattr(head, name) == value for name, value in wanted)]
        return Found(heads, found.next if heads else None)


@planted("An index keeps the status that a session had first.", "listing.filters_follow")
class IndexOfTheFirst(Toy):
    def _fitting(self, query):
        first = self.__dict__.setdefault("first", {})
        for head in super()._fitting(replace(query, status=None)):
            if query.status in (None, first.setdefault(head.key.key, head.status)):
                yield head

    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        self.__dict__.setdefault("first", {}).setdefault(plan.done.head.key.key, plan.done.head.status)


@planted("`updated_before` includes its own moment.", "listing.updated_before")
class BeforeIncluded(Toy):
    def _fitting(self, query):
        before = query.updated_before
        return super()._fitting(replace(query, updated_before=None if before is None else before + 1))


@planted("`updated_before` looks at the creation.", "listing.updated_before")
class BeforeOfCreation(Toy):
    def _fitting(self, query):
        for head in super()._fitting(replace(query, updated_before=None)):
            if query.updated_before is None or head.created_at < query.updated_before:
                yield head


@planted("`updated_before` is rounded to seconds.", "listing.updated_before")
class BeforeInSeconds(Toy):
    def _fitting(self, query):
        before = query.updated_before
        return super()._fitting(replace(query, updated_before=None if before is None else before // 10**6 * 10**6))
