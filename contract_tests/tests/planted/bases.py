"""The sound adapters that bugs are planted in: each bug overrides a hook or two of one of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from holdfast.capabilities import Durability
from holdfast.errors import ConfigurationError
from holdfast.toolkit import (
    Done,
    Facts,
    GroupCommit,
    Head,
    Outcome,
    Plan,
    Ref,
    Row,
    SessionKey,
    Span,
    StoreAdapter,
    Write,
    judge,
)
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions
from holdfast_contract_tests import AdapterContract, Probe
from holdfast_memory._store import _CAPABILITIES, MemoryStore, _Rows

__all__ = ["Contract", "OtherQueue", "Outer", "Shared", "Toy", "contract_of", "with_head"]

Contract = AdapterContract


class _Names(dict[Ref, Head]):
    """Heads by name, as the store spells names."""

    def __init__(self, spelled: Callable[[Ref], Ref]) -> None:
        super().__init__()
        self._spelled = spelled

    def get(self, ref: Ref, default: Any = None) -> Any:
        return super().get(self._spelled(ref), default)

    def __getitem__(self, ref: Ref) -> Head:
        return super().__getitem__(self._spelled(ref))

    def __setitem__(self, ref: Ref, head: Head) -> None:
        super().__setitem__(self._spelled(ref), head)

    def __delitem__(self, ref: Ref) -> None:
        super().__delitem__(self._spelled(ref))


class Toy(MemoryStore):
    """The memory store, with hooks. This one breaks nothing."""

    capabilities: frozenset[str] = _CAPABILITIES
    durability = Durability.MEMORY

    def name(self, ref: Ref) -> Ref:
        """How the name of a session is spelled in the store."""
        return ref

    def write_in(self, write: Write) -> Write:
        """What is stored of a write."""
        bodies = [row._replace(body=self.body_in(row.body)) for row in write.rows]
        redacted = write.replace and write.replace._replace(body=self.body_in(write.replace.body))
        state = write.state and write.state._replace(body=self.body_in(write.state.body))
        return write._replace(rows=tuple(bodies), replace=redacted, state=state)

    def body_in(self, body: str) -> str:
        """What is stored of a body."""
        return body

    def head_out(self, head: Head) -> Head:
        """What is read of a head."""
        return head

    def row_out(self, row: Row) -> Row:
        """What is read of a row."""
        return row

    def judge(self, write: Write, head: Head | None, known: Mapping[str, Row], removable: int) -> Any:
        """The rules."""
        return judge(write, head, known, removable)

    def clear(self) -> None:
        super().clear()
        self._heads = _Names(self.name)

    def _write(self, write: Write) -> Outcome:
        write = self.write_in(write)
        head = self._heads.get(write.ref)
        rows = self._rows.get(head.key.key) or _Rows() if head else _Rows()
        ids = [row.id for row in write.rows] + ([write.replace.id] if write.replace else [])
        known = {row.id: row for row in rows.named(ids)}
        verdict = self.judge(write, head, known, rows.count(*write.remove) if write.remove else 0)
        if isinstance(verdict, Plan):
            self._carry_out(write, verdict, head)
            return verdict.done
        return verdict._replace(head=verdict.head._replace(body=None)) if isinstance(verdict, Done) else verdict

    async def heads(self, refs: Sequence[Ref], *, state: bool) -> Sequence[Head | None]:
        return [head and self.head_out(head) for head in await super().heads(refs, state=state)]

    async def rows(self, key: SessionKey, span: Span) -> Sequence[Row] | None:
        rows = await super().rows(key, span)
        return None if rows is None else [self.row_out(row) for row in rows]

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:
        return Facts(self.capabilities, self.durability)


class Shared(Toy):
    """A toy that several handles share, and that outlives them."""

    capabilities = _CAPABILITIES | {"shared", "survives_process"}
    durability = Durability.PROCESS

    def join(self, world: dict[str, Any]) -> None:
        """Share what others have."""
        self.world: dict[str, Any] = world
        self._heads, self._rows, self._dead = world.setdefault("all", (self._heads, self._rows, self._dead))

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:
        if not create and not self.world.get("created"):
            raise ConfigurationError("There is no schema.")
        self.world["created"] = True
        return await super().initialize(create=create, migrate=migrate)

    async def aclose(self) -> None:
        """What is stored stays."""


class ToyProbe(Probe):
    """Looks into a toy's dictionaries."""

    def __init__(self, store: Toy) -> None:
        self._store = store

    async def raw(self) -> bytes:
        return self._store.snapshot()

    async def rows(self) -> int:
        store = self._store
        return len(store._heads) + len(store._dead) + sum(len(rows.seqs) for rows in store._rows.values())


class Outer(StoreAdapter):
    """An adapter over a toy; a bug in its public side overrides the repositories. This one breaks nothing."""

    Sessions: type[StoreSessions] = StoreSessions
    Messages: type[StoreMessages] = StoreMessages
    Store: type[Toy] = Toy

    def __init__(self, store: Toy | None = None, **options: Any) -> None:
        self.toy = store or self.Store()
        super().__init__(self.toy, translate=lambda error, running: None, options=options)  # type: ignore[arg-type]

    def _bind(self, tenant: str) -> None:
        super()._bind(tenant)
        self._sessions = self.Sessions(self._runtime, tenant)
        self._messages = self.Messages(self._runtime, tenant)


class OtherQueue(Outer):
    """An adapter over a toy with another queue before it."""

    Queue: type = GroupCommit

    def __init__(self, **options):
        super().__init__(**options)
        run = self._runtime
        run.commits = self.Queue(
            run.store.flush, run.limits, translate=run.translate, observer=options.get("observer")
        )
        run.commits.observer, run.commits.store = options.get("observer"), run.store


class _ToyContract(Contract):
    """Makes adapters of a store class, or of an adapter class."""

    def __init__(self, kind: type[Any]) -> None:
        self._kind = kind
        self._worlds: dict[str, dict[str, Any]] = {}

    def make_adapter(self, env):
        if issubclass(self._kind, StoreAdapter):
            adapter = self._kind(**env.options)
        else:
            adapter = Outer(self._kind(), **env.options)
        if isinstance(adapter.toy, Shared):
            adapter.toy.join(self._worlds.setdefault(env.namespace, {}))
        return adapter

    def probe(self, adapter, env):
        return ToyProbe(adapter.toy)


def contract_of(kind: type[Any]) -> Contract:
    """The contract of a store class, an adapter class, or a contract class."""
    return kind() if issubclass(kind, AdapterContract) else _ToyContract(kind)


def with_head(plan: Any, **changes: Any) -> Any:
    """A plan whose new head has these columns; any other verdict as it is."""
    if not isinstance(plan, Plan):
        return plan
    return replace(plan, done=plan.done._replace(head=plan.done.head._replace(**changes)))
