"""Pages of messages, and their cursors."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import NotFound
from holdfast.models import Page
from holdfast.toolkit import Span
from holdfast.toolkit.messages import StoreMessages


@planted("No more than 1,000 messages can be reached.", "paging.over_a_thousand")
class CapAtAThousand(Toy):
    async def rows(self, key, span):
        rows = await super().rows(key, span)
        return rows and [row for row in rows if row.seq <= 1000]


@planted("A page is cut at 100, whatever is asked.", "paging.largest")
class PagesOfAHundred(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, limit=None, **how):
            return await super().find(session_id, limit=limit and min(limit, 100), **how)


class _Offsets(StoreMessages):
    async def find(self, session_id, *, limit=None, cursor=None, last=None, **how):
        if last is not None or how.get("before") is not None:
            return await super().find(session_id, limit=limit, cursor=cursor, last=last, **how)
        begin, size = int(cursor or 0), limit or 100
        items = (await super().find(session_id, limit=1000, **how)).items
        more = len(items) > begin + size
        return Page(items[begin : begin + size], str(begin + size) if more else None)


@planted("Pages go by offset.", "paging.while_removing", "paging.stable")
class PagedByOffset(Outer):
    Messages = _Offsets


@planted("A cursor includes the message that it names.", "paging.to_newer", "cursors.goes_on")
class InclusiveCursor(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, cursor=None, **how):
            page = await super().find(session_id, cursor=cursor, **how)
            if cursor is None or how.get("last") or not page.items or page.items[0].seq == 1:
                return page
            before = await super().get(session_id, f"m{page.items[0].seq - 1}") or page.items[0]
            return Page((before, *page.items), page.next)


@planted("The last page has a cursor to an empty one that has a cursor.", "paging.ends")
class EndlessCursor(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            page = await super().find(session_id, **how)
            return Page(page.items, page.next or "the end")


@planted("`last` gives the newest first.", "paging.last", "paging.to_older")
class NewestFirst(Toy):
    async def rows(self, key, span):
        rows = await super().rows(key, span)
        return rows[::-1] if rows and span.last else rows


@planted("`before` includes the message that it names.", "paging.bounds")
class BeforeIncluded(Toy):
    async def rows(self, key, span):
        return await super().rows(key, span if span.before is None else replace(span, before=span.before + 1))


@planted("`after` includes the message that it names.", "paging.bounds")
class AfterIncluded(Toy):
    async def rows(self, key, span):
        return await super().rows(key, replace(span, after=max(span.after - 1, 0)))


@planted("`after` counts messages, not positions.", "paging.holes")
class AfterCounts(Toy):
    async def rows(self, key, span):
        seqs = self._rows[key.key].seqs
        after = seqs[min(span.after, len(seqs)) - 1] if span.after and seqs else 0
        return await super().rows(key, span if span.last else replace(span, after=after))


@planted("A walk to older messages forgets its lower bound.", "paging.bounds")
class LowerBoundForgotten(Toy):
    async def rows(self, key, span):
        return await super().rows(key, replace(span, after=0) if span.last else span)


@planted("`align` is ignored.", "paging.align", "paging.align_long", "paging.align_walk")
class AlignIgnored(Outer):
    class Messages(StoreMessages):
        async def _aligned(self, head, rows, after):
            return rows


@planted("`align` grows by one step alone.", "paging.align_long")
class AlignOneStep(Outer):
    class Messages(StoreMessages):
        async def _aligned(self, head, rows, after):
            span = Span(after=after, before=rows[0].seq, last=True, limit=self._run.limits.page_default)
            same = [row for row in await self._rows(head, span) if row.turn_id == rows[0].turn_id]
            return [*same, *rows]


@planted("`align` grows below the lower bound.", "paging.align_bounded")
class AlignUnbounded(Outer):
    class Messages(StoreMessages):
        async def _aligned(self, head, rows, after):
            return await super()._aligned(head, rows, 0)


@planted("`align` grows by one turn too many.", "paging.align")
class AlignTooFar(Outer):
    class Messages(StoreMessages):
        async def _aligned(self, head, rows, after):
            rows = await super()._aligned(head, rows, after)
            earlier = await self._rows(head, Span(after=after, before=rows[0].seq, last=True, limit=1))
            return await super()._aligned(head, [*earlier, *rows], after) if earlier else rows


@planted("A session that is not there has an empty page.", "paging.missing", "identity.deleted")
class MissingIsEmpty(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, **how):
            try:
                return await super().find(session_id, **how)
            except NotFound:
                return Page()


@planted("A page of no messages is asked for: it means all.", "paging.bad_arguments", "inputs.page_sizes")
class ZeroMeansAll(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, limit=None, **how):
            return await super().find(session_id, limit=1000 if limit == 0 else limit, **how)


@planted("A default page is the largest.", "paging.default_size")
class DefaultIsLargest(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, limit=None, last=None, cursor=None, **how):
            if limit is last is cursor is None:
                limit = self._run.limits.page
            return await super().find(session_id, limit=limit, last=last, cursor=cursor, **how)


@planted("`align` is ignored in a tenant.", "paging.align_tenant")
class AlignIgnoredInTenant(Outer):
    class Messages(StoreMessages):
        async def _aligned(self, head, rows, after):
            return rows if self._tenant else await super()._aligned(head, rows, after)
