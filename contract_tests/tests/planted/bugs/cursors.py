"""Cursors of messages."""

from contract_tests.tests.planted.bases import Outer
from contract_tests.tests.planted.planting import planted

from holdfast.errors import CursorLost, InvalidArgument
from holdfast.models import Page
from holdfast.toolkit.messages import StoreMessages


@planted("A cursor that is lost begins anew.", "cursors.other_life")
class LostBeginsAnew(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, cursor=None, **how):
            try:
                return await super().find(session_id, cursor=cursor, **how)
            except CursorLost:
                return await super().find(session_id, **how)


@planted("A cursor of another session begins anew.", "cursors.other_session", "cursors.no_cursor")
class StrangeBeginsAnew(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, cursor=None, **how):
            try:
                return await super().find(session_id, cursor=cursor, **how)
            except InvalidArgument:
                return await super().find(session_id, **how)


class _Unbound(StoreMessages):
    """Cursors of a position alone, bound to nothing."""

    async def find(self, session_id, *, cursor=None, limit=None, last=None, **how):
        if cursor is not None:
            direction, size, seq = cursor.split(".")
            how |= {"before" if direction == "old" else "after": int(seq)}
            limit = limit or last or int(size)
            last = None
        page = await super().find(session_id, limit=limit, last=last, **how)
        older = last is not None or how.get("before") is not None
        edge = page.items[0 if older else -1].seq if page.items else 0
        size = limit or last or 100
        return Page(page.items, f"{'old' if older else 'new'}.{size}.{edge}" if page.next else None)


@planted("A cursor is a position, bound to nothing.", "cursors.other_session", "cursors.other_life")
class CursorOfAPosition(Outer):
    Messages = _Unbound


@planted("A cursor of another tenant is taken.", "cursors.other_tenant")
class CursorOfAnotherTenant(Outer):
    Messages = _Unbound


@planted("A cursor lives in the handle that gave it.", "cursors.again", "cursors.goes_on")
class CursorOnce(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, cursor=None, **how):
            used = self._run.__dict__.setdefault("used", set())
            if cursor in used:
                raise InvalidArgument("This cursor was used.")
            used |= {cursor} - {None}
            return await super().find(session_id, cursor=cursor, **how)


@planted("A cursor whose message was removed is lost.", "cursors.removed", "paging.while_removing")
class RemovedIsLost(Outer):
    class Messages(StoreMessages):
        async def find(self, session_id, *, cursor=None, **how):
            known = self._run.__dict__.setdefault("anchors", {})
            if cursor in known and await self.get(session_id, known[cursor]) is None:
                raise CursorLost
            page = await super().find(session_id, cursor=cursor, **how)
            if page.next:
                backwards = how.get("last") is not None or how.get("before") is not None
                known[page.next] = page.items[0 if backwards else -1].id
            return page
