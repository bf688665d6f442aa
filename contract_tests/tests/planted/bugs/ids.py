"""Ids that reach others."""

import unicodedata
from dataclasses import replace

from contract_tests.tests.planted.bases import Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Ref
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions


@planted("Ids are compared without case.", "ids.exact")
class CaseInsensitive(Toy):
    def name(self, ref):
        return Ref(ref.tenant, ref.id.casefold())


@planted("Ids are trimmed.", "ids.exact")
class Trimmed(Toy):
    def name(self, ref):
        return Ref(ref.tenant, ref.id.strip())


@planted("Ids are normalised to NFC.", "ids.exact")
class Normalised(Toy):
    def name(self, ref):
        return Ref(ref.tenant, unicodedata.normalize("NFC", ref.id))


@planted("Ids are cut at 191 bytes, as in an index of MySQL.", "ids.length")
class Cut(Toy):
    def name(self, ref):
        return Ref(ref.tenant, ref.id.encode()[:191].decode(errors="ignore"))


@planted("Tenant and id are joined by a colon.", "ids.tenant_pairs")
class TenantColonId(Toy):
    def name(self, ref):
        return Ref("", f"{ref.tenant}:{ref.id}" if ref.tenant else ref.id)


@planted("The tenant is ignored.", "ids.tenant_pairs", "ids.tenants")
class TenantIgnored(Toy):
    def name(self, ref):
        return Ref("", ref.id)


@planted("A listing ignores the tenant.", "ids.tenants")
class ListingIgnoresTenant(Toy):
    def _fitting(self, query):
        tenants = {head.key.tenant for head in self._heads.values()}
        return (
            head for tenant in tenants for head in super(type(self), self)._fitting(replace(query, tenant=tenant))
        )


@planted("Tenants are compared without case.", "ids.tenants")
class TenantsWithoutCase(Toy):
    def name(self, ref):
        return Ref(ref.tenant.casefold(), ref.id)


@planted("Message ids are compared without case.", "ids.messages")
class MessagesWithoutCase(Toy):
    def judge(self, write, head, known, removable):
        stored = self._rows[head.key.key].by_seq.values() if head else ()
        folded = {row.id.casefold(): row for row in stored}
        known = {row.id: folded[row.id.casefold()] for row in write.rows if row.id.casefold() in folded}
        return super().judge(write, head, known, removable)


@planted("Message ids are unique over all sessions.", "retries.each_session")
class MessageIdsOfAll(Toy):
    def judge(self, write, head, known, removable):
        everybody = {row.id: row for rows in self._rows.values() for row in rows.by_seq.values()}
        known = known or {row.id: everybody[row.id] for row in write.rows if row.id in everybody}
        return super().judge(write, head, known, removable)


@planted("Turn and segment are joined: 't1', 0 and 't', 10 are one.", "ids.turns")
class TurnAndSegmentJoined(Toy):
    def write_in(self, write):
        joined = f"{write.turn_id}{write.segment}"
        return write._replace(turn_id=joined, segment=0)


@planted("A filter by user takes a prefix, as LIKE does.", "ids.filters", "listing.filters_exact")
class UserByPrefix(Toy):
    def _fitting(self, query):
        for head in super()._fitting(replace(query, user_id=None)):
            if query.user_id is None or (head.user_id or "").startswith(query.user_id):
                yield head


@planted("A filter by agent ignores case.", "listing.filters_exact")
class AgentWithoutCase(Toy):
    def _fitting(self, query):
        for head in super()._fitting(replace(query, agent=None)):
            if query.agent is None or (head.agent or "").casefold() == query.agent.casefold():
                yield head


@planted("User and agent are joined in one index entry.", "ids.filter_pairs")
class UserColonAgent(Toy):
    def _fitting(self, query):
        wanted = f"{query.user_id}:{query.agent}"
        both = query.user_id is not None and query.agent is not None
        for head in super()._fitting(replace(query, user_id=None, agent=None) if both else query):
            if not both or f"{head.user_id}:{head.agent}" == wanted:
                yield head


@planted("Deletion goes by prefix.", "identity.delete_alone")
class DeletedByPrefix(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        for ref in [ref for ref in self._heads if write.delete and ref.id.startswith(write.ref.id)]:
            del self._heads[ref]


@planted("A name that is too long is cut: namespaces meet.", "death.restart", "order.dense")
class NamespaceCut(Shared):
    def join(self, world):
        super().join(_everywhere)


_everywhere: dict[str, object] = {}


@planted(
    "Sessions of other users are told apart from missing ones.", "conflicts.other_user", raises=PermissionError
)
class OtherUsersTold(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            head = await self._run.head(Ref(self._tenant, session.id))
            if head and head.user_id != session.user_id:
                raise PermissionError("This session is another user's.")
            return await super().save(session, **how)


@planted("A message is found by a part of its id.", "paging.by_id", "ids.messages")
class FoundByPart(Outer):
    class Messages(StoreMessages):
        async def get(self, session_id, message_id):
            page = await self.find(session_id, limit=1000)
            return next((message for message in page if message_id in message.id), None)
