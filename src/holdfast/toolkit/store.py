"""The store: what the author of an adapter writes.

A store keeps rows that core has already checked, bounded and encoded. It parses no body, compares no text and
makes no decision about time: it is given ``now``. It raises its driver's own errors; the adapter translates
them. What must happen in its one atomic step is written once, in ``holdfast.toolkit.judge``: call that, or say
the same in the backend's own language.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

from holdfast.capabilities import Durability, Finding
from holdfast.errors import HoldfastError

__all__ = [
    "Busy",
    "Done",
    "Facts",
    "Found",
    "Head",
    "HeadQuery",
    "Lifetime",
    "Outcome",
    "Position",
    "Recent",
    "Ref",
    "Refused",
    "Removal",
    "Row",
    "SessionKey",
    "Span",
    "StateChange",
    "Store",
    "Write",
]


class Ref(NamedTuple):
    """The name of a session: its tenant, and its id."""

    tenant: str
    id: str


class SessionKey(NamedTuple):
    """One life of a session. Messages hang from the key; the name helps to find where they are."""

    tenant: str
    id: str
    key: str

    @property
    def ref(self) -> Ref:
        """The name alone."""
        return Ref(self.tenant, self.id)


class Recent(NamedTuple):
    """A write that a head remembers, so that a retry gets the answer of the first try."""

    turn_id: str
    segment: int
    digest: bytes
    version: int
    last_seq: int
    removed: int


class Head(NamedTuple):
    """A session's one small row, and its state where that was asked for. Times are microseconds of UTC."""

    key: SessionKey
    parent_key: str | None = None
    parent_id: str | None = None
    user_id: str | None = None
    agent: str | None = None
    status: str = "active"
    version: int = 0
    next_seq: int = 1
    message_count: int = 0
    last_message_at: int | None = None
    created_at: int = 0
    updated_at: int = 0
    completed_at: int | None = None
    expires_at: int | None = None
    state_expires_at: int | None = None
    fence: str | None = None
    recent_turns: tuple[Recent, ...] = ()
    digest: bytes = b""
    body: str | None = None

    def dead(self, now: int) -> bool:
        """Whether its lifetime is over. A fence holds it alive."""
        return self.expires_at is not None and self.expires_at <= now and self.fence is None

    def forgotten(self, now: int) -> bool:
        """Whether its state's lifetime is over, so that it reads as empty."""
        return self.state_expires_at is not None and self.state_expires_at <= now


class Row(NamedTuple):
    """One message. ``seq`` is 0 until the store gives it one."""

    id: str
    turn_id: str
    segment: int
    role: str
    created_at: int
    digest: bytes
    body: str
    seq: int = 0

    def at(self, seq: int) -> "Row":
        """The same row at this position."""
        return Row(*self[:-1], seq)


class Removal(NamedTuple):
    """Remove the messages with ``after < seq <= through``."""

    after: int
    through: int

    def holds(self, seq: int) -> bool:
        """Whether this position is removed."""
        return self.after < seq <= self.through


class StateChange(NamedTuple):
    """What a save changes: the state, and those columns of the head that it owns."""

    user_id: str | None
    parent_id: str | None
    agent: str | None
    status: str
    completed_at: int | None
    expires_at: int | None
    state_expires_at: int | None
    digest: bytes
    body: str


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session and its state live after each write, in microseconds; None is for ever."""

    session: int | None = None
    state: int | None = None


_NO_LIFETIMES: Mapping[str, Lifetime] = MappingProxyType({})


class Write(NamedTuple):
    """One write to one session. Guards are all checked before anything is written.

    Attributes:
        ref: The session.
        turn_id: Its identity over retries, with ``segment``.
        digest: Of what the whole write says; guards are no part of it.
        now: The time of this write.
        size: About how many bytes it carries.
        key: The life that is meant; None means the one that is there.
        create: The key for a new life, if there is none; with it ``expected`` is 0.
        parent_key: The parent's life, for a creation.
        expected: The version that must be there.
        last_seq: The highest position that must have been given.
        remove: What to remove, before anything is appended.
        state: The new state.
        rows: The new messages.
        replace: A message to put in the place of the one with its id.
        delete: End this life.
        touch: Move the lifetimes, and nothing else.
        fence: A fence to set; the empty string lifts it.
        lifetimes: By status, with ``""`` for any other: how long it lives after this write.
    """

    ref: Ref
    turn_id: str
    digest: bytes
    now: int
    segment: int = 0
    size: int = 0
    key: str | None = None
    create: str | None = None
    parent_key: str | None = None
    expected: int | None = None
    last_seq: int | None = None
    remove: Removal | None = None
    state: StateChange | None = None
    rows: tuple[Row, ...] = ()
    replace: Row | None = None
    delete: bool = False
    touch: bool = False
    fence: str | None = None
    lifetimes: Mapping[str, Lifetime] = _NO_LIFETIMES

    @property
    def only_appends(self) -> bool:
        """Whether it brings new messages, and nothing else: no state, no removal, and no condition."""
        return bool(self.rows) and not (
            self.state
            or self.remove
            or self.replace
            or self.delete
            or self.touch
            or self.create is not None
            or self.fence is not None
            or self.expected is not None
            or self.last_seq is not None
        )


class Done(NamedTuple):
    """The write is durable.

    Attributes:
        head: The head afterwards, without its body; what it remembers of recent turns may be left out.
        seqs: The positions of the write's rows; None for one that was removed since (on a replay).
        removed: How many rows were removed.
        appended: How many rows were appended; the others were there before.
        replayed: Whether an earlier try had stored it.
        finish: What else must be done before the caller is told, if anything; others write on meanwhile.
    """

    head: Head
    seqs: tuple[int | None, ...] = ()
    removed: int = 0
    appended: int = 0
    replayed: bool = False
    finish: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The write broke a rule; nothing of it was stored."""

    error: HoldfastError


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else holds this session; nothing of the write was stored yet."""


Outcome = Done | Refused | Busy


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which rows: ``after < seq < before``, the oldest ``limit`` of them, or the newest if ``last``; or by id."""

    after: int = 0
    before: int | None = None
    last: bool = False
    limit: int = 100
    ids: tuple[str, ...] | None = None


class Position(NamedTuple):
    """A place in a listing: the time that orders it, and the id."""

    at: int
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadQuery:
    """Which heads, in which order; the fields are those of ``SessionQuery``.

    Attributes:
        tenant: Of this tenant.
        parent_key: The children of this life, instead of the top level.
        now: Expired heads are left out by this time, unless ``include_expired``.
        fresh: Where listings lag, do not.
        begin: Behind this place.
    """

    tenant: str
    user_id: str | None = None
    agent: str | None = None
    status: str | None = None
    parent_key: str | None = None
    nested: bool = False
    updated_before: int | None = None
    by_activity: bool = True
    include_expired: bool = False
    with_state: bool = False
    now: int
    fresh: bool = False
    limit: int = 100
    begin: Position | None = None


class Found(NamedTuple):
    """Heads, and the place to go on from; None if there are no more."""

    heads: Sequence[Head]
    next: Position | None


class Facts(NamedTuple):
    """What a store knows of itself once it is open.

    Attributes:
        capabilities: What it offers.
        durability: What an acknowledgement survives.
        findings: What it learned about the backend.
        schema: The number of the stored schema; None where nothing has one.
    """

    capabilities: frozenset[str]
    durability: Durability
    findings: Sequence[Finding] = ()
    schema: int | None = None


class Store(Protocol):
    """What a backend must do."""

    async def flush(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """Make writes durable in one step, and give each its own outcome, in their order.

        Of one session they are either plain appends (``Write.only_appends``) that have no id in common, in the
        order in which their positions are to be given; or one write of any other kind.

        A write that cannot be stored is ``Refused``, and takes nothing from the others. A session that somebody
        else holds is ``Busy``, with all its writes: they come again later. An error that is raised concerns all,
        and none is stored, or it is not known whether (what ``translate`` makes of it says which): where it may
        be the fault of one write, they come again in two halves. It is cancelled when its deadline has passed,
        and must leave no connection half-read behind.
        """
        ...

    async def heads(self, refs: Sequence[Ref], *, state: bool) -> Sequence[Head | None]:
        """The heads of these names, expired ones too; with their bodies if ``state``."""
        ...

    async def rows(self, key: SessionKey, span: Span) -> Sequence[Row] | None:
        """Rows of one life, oldest first, in one snapshot with its head; None if that life is not there."""
        ...

    async def find(self, query: HeadQuery) -> Found:
        """One page of heads."""
        ...

    async def free(self, key: SessionKey, *, limit: int) -> int:
        """Delete rows of a dead life, and in the end its mark; fewer than ``limit`` means that none is left."""
        ...

    async def sweep(self, *, tenant: str | None, limit: int, now: int) -> int:
        """End expired lives and the children of dead ones, free their rows; at most about ``limit`` rows.

        For one tenant, or for all of them with None. Fenced lives are passed by.
        """
        ...

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:
        """Connect, create or check the schema, and say what was found."""
        ...

    async def ping(self) -> None:
        """Ask the backend for a sign of life."""
        ...

    async def aclose(self) -> None:
        """Close what was opened here."""
        ...
