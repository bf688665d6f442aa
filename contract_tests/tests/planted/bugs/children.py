"""Parents and their children."""

import asyncio
from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.models import Session, SessionQuery
from holdfast.toolkit import Found
from holdfast.toolkit.sessions import StoreSessions


@planted("Children outlive their parent.", "children.end_with_parent", "children.next_life")
class ChildrenOrphaned(Toy):
    async def find(self, query):
        return Found((), None) if query.fresh else await super().find(query)


@planted("Only a hundred children end with their parent.", "children.over_a_thousand")
class HundredChildren(Toy):
    async def find(self, query):
        found = await super().find(query)
        return found._replace(next=None) if query.fresh else found


@planted("Children end with their parent, what is below them does not.", "children.end_with_parent")
class GrandchildrenOrphaned(Toy):
    async def find(self, query):
        living = {head.key.key for head in self._heads.values()}
        found = await super().find(query)
        nested = query.fresh and query.parent_key not in self.__dict__.setdefault("first", {query.parent_key})
        return Found((), None) if nested and query.parent_key not in living else found


@planted("Expired children outlive their parent.", "children.expired_end_too")
class ExpiredChildrenLeft(Toy):
    async def find(self, query):
        return await super().find(replace(query, include_expired=False) if query.fresh else query)


@planted("Children hang from the id of their parent: its next life has them.", "children.next_life")
class ChildrenOfTheId(Toy):
    def _fitting(self, query):
        ids = {key.key: key.id for key in self._dead.values()}
        ids |= {head.key.key: head.key.id for head in self._heads.values()}
        for head in super()._fitting(replace(query, parent_key=None, nested=True)):
            wanted = query.nested or head.parent_key is None
            if query.fresh:
                wanted = False
            elif query.parent_key is not None:
                wanted = head.parent_id == ids.get(query.parent_key)
            if wanted:
                yield head


@planted("Nobody looks whether a child's parent is there.", "children.missing_parent", "turns.refused_child")
class ParentNotLookedAt(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            if session.parent_id and not session.version:
                await _ensure(self._run.adapter, session.parent_id)
            return await super().save(session, **how)

    async def commit(self, turn):
        if turn.session and turn.session.parent_id:
            await _ensure(self, turn.session.parent_id)
        return await super().commit(turn)

    def _bind(self, tenant):
        super()._bind(tenant)
        self._runtime.adapter = self


async def _ensure(adapter, parent_id):
    if await adapter.sessions.get(parent_id) is None:
        await adapter.sessions.save(Session(id=parent_id))


class _SlowCreations(Shared):
    async def flush(self, writes):
        for _ in range(30 if any(write.parent_key for write in writes) else 0):
            await asyncio.sleep(0)
        return await super().flush(writes)


@planted("A child that is made while its parent is deleted outlives it.", "races.orphans")
class NoSecondLook(_SlowCreations):
    async def heads(self, refs, *, state):
        heads = await super().heads(refs, state=state)
        seen = self.__dict__.setdefault("seen", {})
        seen |= {ref: head for ref, head in zip(refs, heads, strict=True) if head}
        return heads if state else [seen.get(ref) for ref in refs]


@planted("A refused deletion has ended the children.", "children.refused_deletion")
class ChildrenFirst(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            for child in await self.find(SessionQuery(parent=session_id)):
                await self.delete(child.id)
            return await super().delete(session_id, **how)
