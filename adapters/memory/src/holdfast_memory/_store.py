"""The reference store: the shortest correct one.

Between two ``await`` everything is atomic in one event loop, and nothing here awaits: that is the whole secret.
Bodies are encoded text, so that no object of a caller's can be shared.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.capabilities import Capability, Durability
from holdfast.toolkit import (
    Done,
    Facts,
    Found,
    Head,
    HeadQuery,
    Outcome,
    Plan,
    Position,
    Ref,
    Row,
    SessionKey,
    Span,
    Write,
    judge,
)

__all__ = ["MemoryStore"]

_CAPABILITIES = frozenset(
    {
        Capability.LISTING_EXACT,
        Capability.ACTIVITY_EXACT,
        Capability.TENANTS,
        Capability.PARENTS,
        Capability.EXPIRY,
        Capability.REMOVE,
        Capability.REPLACE,
    }
)


@dataclass(slots=True)
class _Rows:
    """The messages of one life, by position and by id."""

    seqs: list[int] = field(default_factory=list[int])
    by_seq: dict[int, Row] = field(default_factory=dict[int, Row])
    by_id: dict[str, int] = field(default_factory=dict[str, int])

    def put(self, row: Row) -> None:
        if row.seq not in self.by_seq:
            insort(self.seqs, row.seq)
        self.by_seq[row.seq] = row
        self.by_id[row.id] = row.seq

    def drop(self, after: int, through: int) -> int:
        low, high = bisect_right(self.seqs, after), bisect_right(self.seqs, through)
        for seq in self.seqs[low:high]:
            del self.by_id[self.by_seq.pop(seq).id]
        del self.seqs[low:high]
        return high - low

    def count(self, after: int, through: int) -> int:
        return bisect_right(self.seqs, through) - bisect_right(self.seqs, after)

    def named(self, ids: Iterable[str]) -> list[Row]:
        seqs = sorted(self.by_id[id_] for id_ in ids if id_ in self.by_id)
        return [self.by_seq[seq] for seq in seqs]

    def span(self, span: Span) -> list[Row]:
        if span.ids is not None:
            return self.named(span.ids)
        low = bisect_right(self.seqs, span.after)
        high = len(self.seqs) if span.before is None else bisect_left(self.seqs, span.before)
        if span.last:
            low = max(low, high - span.limit)
        else:
            high = min(high, low + span.limit)
        return [self.by_seq[seq] for seq in self.seqs[low:high]]


class MemoryStore:
    """``Store`` over a few dictionaries."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._heads: dict[Ref, Head] = {}
        self._rows: dict[str, _Rows] = {}
        self._dead: dict[str, SessionKey] = {}

    def snapshot(self) -> bytes:
        """All that is stored, in one order."""
        heads = [self._heads[ref] for ref in sorted(self._heads)]
        rows = [self._rows[head.key.key].span(Span(limit=2**63)) for head in heads]
        return repr((heads, rows, sorted(self._dead))).encode()

    async def flush(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """See ``Store.flush``."""
        return [self._write(write) for write in writes]

    def _write(self, write: Write) -> Outcome:
        head = self._heads.get(write.ref)
        rows = self._rows[head.key.key] if head else _Rows()
        ids = [row.id for row in write.rows] + ([write.replace.id] if write.replace else [])
        known = {row.id: row for row in rows.named(ids)}
        removable = rows.count(*write.remove) if write.remove else 0
        verdict = judge(write, head, known, removable)
        if isinstance(verdict, Plan):
            self._carry_out(write, verdict, head)
            return verdict.done
        if isinstance(verdict, Done):
            return verdict._replace(head=verdict.head._replace(body=None))
        return verdict

    def _carry_out(self, write: Write, plan: Plan, head: Head | None) -> None:
        if plan.bury:
            self._bury(plan.bury)
        if plan.bury and not plan.create:
            return
        new = plan.done.head
        old_body = head.body if head and not plan.create else None
        self._heads[write.ref] = new._replace(body=old_body if plan.body is None else plan.body)
        rows = self._rows.setdefault(new.key.key, _Rows())
        if write.remove:
            rows.drop(*write.remove)
        for row in plan.append:
            rows.put(row)
        if plan.replace:
            rows.put(plan.replace)

    def _bury(self, key: SessionKey) -> None:
        self._dead[key.key] = key
        del self._heads[key.ref]

    async def heads(self, refs: Sequence[Ref], *, state: bool) -> Sequence[Head | None]:
        """See ``Store.heads``."""
        heads = (self._heads.get(ref) for ref in refs)
        return [head if head is None or state else head._replace(body=None) for head in heads]

    async def rows(self, key: SessionKey, span: Span) -> Sequence[Row] | None:
        """See ``Store.rows``."""
        head = self._heads.get(key.ref)
        return self._rows[key.key].span(span) if head and head.key == key else None

    async def find(self, query: HeadQuery) -> Found:
        """See ``Store.find``."""
        heads = sorted(self._fitting(query), key=lambda head: _place(head, query))
        if query.by_activity:
            heads.reverse()
        page = [head if query.with_state else head._replace(body=None) for head in heads[: query.limit]]
        more = len(heads) > query.limit
        return Found(page, _place(page[-1], query) if more else None)

    def _fitting(self, query: HeadQuery) -> Iterator[Head]:
        wanted = {"user_id": query.user_id, "agent": query.agent, "status": query.status}
        equal = [(name, value) for name, value in wanted.items() if value is not None]
        for head in self._heads.values():
            if (
                head.key.tenant == query.tenant
                and all(getattr(head, name) == value for name, value in equal)
                and _level(head, query)
                and (query.updated_before is None or head.updated_at < query.updated_before)
                and (query.include_expired or not head.dead(query.now))
                and _behind(head, query)
            ):
                yield head

    async def free(self, key: SessionKey, *, limit: int) -> int:
        """See ``Store.free``."""
        rows = self._rows.get(key.key)
        if key.key not in self._dead or rows is None:
            return 0
        freed = rows.drop(0, rows.seqs[min(limit, len(rows.seqs)) - 1]) if rows.seqs else 0
        # A child that lives on (it is fenced) keeps its parent's mark, so that sweep finds it later.
        if freed == limit or any(head.parent_key == key.key for head in self._heads.values()):
            return freed
        del self._rows[key.key], self._dead[key.key]
        return freed + 1

    async def sweep(self, *, tenant: str | None, limit: int, now: int) -> int:
        """See ``Store.sweep``."""
        freed = 0
        for head in self._doomed(tenant, now):
            if freed >= limit:
                return freed
            self._bury(head.key)
            freed += 1
        for key in [key for key in self._dead.values() if tenant in (None, key.tenant)]:
            if freed < limit:
                freed += await self.free(key, limit=limit - freed)
        return freed

    def _doomed(self, tenant: str | None, now: int) -> list[Head]:
        """Expired heads, and what hangs below them and below the dead; never a fenced one."""
        mine = [head for head in self._heads.values() if tenant in (None, head.key.tenant) and head.fence is None]
        dead = set(self._dead) | {head.key.key for head in mine if head.dead(now)}
        doomed = [head for head in mine if head.dead(now)]
        while below := [head for head in mine if head.parent_key in dead and head.key.key not in dead]:
            dead.update(head.key.key for head in below)
            doomed += below
        return doomed

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:  # noqa: ARG002
        """See ``Store.initialize``."""
        return Facts(_CAPABILITIES, Durability.MEMORY)

    async def ping(self) -> None:
        """See ``Store.ping``."""

    async def aclose(self) -> None:
        """See ``Store.aclose``."""
        self.clear()


def _place(head: Head, query: HeadQuery) -> Position:
    return Position(head.updated_at if query.by_activity else head.created_at, head.key.id)


def _behind(head: Head, query: HeadQuery) -> bool:
    if query.begin is None:
        return True
    place = _place(head, query)
    return place < query.begin if query.by_activity else place > query.begin


def _level(head: Head, query: HeadQuery) -> bool:
    if query.parent_key is not None:
        return head.parent_key == query.parent_key
    return query.nested or head.parent_key is None
