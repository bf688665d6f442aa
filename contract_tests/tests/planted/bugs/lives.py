"""Lives of sessions: creation, deletion, children, tenants."""

import asyncio
from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.models import Session
from holdfast.toolkit import Done, Found
from holdfast.toolkit.sessions import StoreSessions


@planted("Deletion leaves the session, and takes its messages only.", "identity.deleted", "identity.next_life")
class HeadLeft(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        if write.delete and head:
            self._rows[head.key.key].drop(0, 2**62)
            self._heads[write.ref] = head


@planted("Deletion leaves the state: the next life reads it.", "identity.next_life")
class StateLeft(Toy):
    def _carry_out(self, write, plan, head):
        left = self.__dict__.setdefault("left", {})
        super()._carry_out(write, plan, head)
        if write.delete and head:
            left[write.ref] = head.body
        if plan.create and plan.body == "{}":
            self._heads[write.ref] = self._heads[write.ref]._replace(body=left.get(write.ref, "{}"))


@planted("Rows hang from the id: the next life sees them.", "identity.next_life", "identity.each_life")
class RowsOfTheId(Toy):
    def write_in(self, write):
        return write._replace(create=write.create and f"key of {write.ref.id}")

    async def free(self, key, *, limit):
        return 0


@planted("No row is freed.", "identity.rows_freed", "sweeping.no_row_stays")
class NothingFreed(Toy):
    async def free(self, key, *, limit):
        return 0


@planted("One step of rows is freed.", "identity.rows_freed")
class OneStepFreed(Toy):
    async def free(self, key, *, limit):
        return min(await super().free(key, limit=limit), limit - 1)


@planted("A dead life's turns are remembered by the next.", "identity.turns_of_one_life")
class TurnsOfAllLives(Toy):
    def _carry_out(self, write, plan, head):
        turns = self.__dict__.setdefault("turns", {})
        super()._carry_out(write, plan, head)
        if write.delete and head:
            turns[write.ref] = head.recent_turns
        if plan.create and write.ref in self._heads:
            new = self._heads[write.ref]
            self._heads[write.ref] = new._replace(recent_turns=turns.pop(write.ref, ()) + new.recent_turns)


@planted("Deleting says nothing of whether there was one.", "identity.delete_tells")
class AlwaysTrue(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            return await super().delete(session_id, **how) or True


@planted("An append to a deleted session makes it again.", "identity.deleted")
class AppendCreates(Toy):
    def write_in(self, write):
        if write.only_appends and write.ref not in self._heads and write.key is None:
            return write._replace(create=f"made for {write.turn_id}")
        return write


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
            from holdfast.models import SessionQuery

            for child in await self.find(SessionQuery(parent=session_id)):
                await self.delete(child.id)
            return await super().delete(session_id, **how)


@planted("A retried deletion ends the next life.", "cancel.deletion")
class DeletionByName(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            told = await super().delete(session_id, **how)
            asyncio.get_running_loop().call_later(0, self._again, session_id)
            return told

        def _again(self, session_id):
            self._run.store._heads.pop((self._tenant, session_id), None)


@planted("An append that races with a deletion lands in the next life.", "races.deletion")
class AppendLandsLater(Shared):
    async def flush(self, writes):
        if any(write.only_appends for write in writes):
            for _ in range(10):
                await asyncio.sleep(0)
        outcomes = [self._write(write) for write in writes]
        told = zip(writes, outcomes, strict=True)
        return [
            out if isinstance(out, Done) or not write.only_appends else self._late(write) for write, out in told
        ]

    def _late(self, write):
        self.world.setdefault("late", []).append(write)
        return Done(self._heads.get(write.ref) or _gone(write), (1,) * len(write.rows), appended=len(write.rows))


def _gone(write):
    from holdfast.toolkit import Head, SessionKey

    return Head(SessionKey(*write.ref, "gone"), next_seq=2)


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
                    from holdfast.errors import NotFound

                    raise NotFound(f"Session {session_id!r} of tenant {ref.tenant!r}.")
            return await super().find(session_id, **how)
