"""From a store to an adapter: the one concrete class behind every backend."""

import copy
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Self, TypedDict, TypeVar

from holdfast.capabilities import Capability, Durability, Finding, Limits
from holdfast.clock import Clock, utc_now
from holdfast.codec import Codec, Plain
from holdfast.errors import (
    AdapterClosed,
    ConfigurationError,
    InvalidArgument,
    UnsupportedCapability,
)
from holdfast.ids import check_id
from holdfast.models import Committed, Turn
from holdfast.repositories import MessageRepository, SessionRepository
from holdfast.toolkit.checks import check_int, check_timeout
from holdfast.toolkit.committing import commit
from holdfast.toolkit.group_commit import GroupCommit
from holdfast.toolkit.lifecycle import Lifecycle
from holdfast.toolkit.lifetimes import Lifetimes
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.operation import Observer, Phase, Slot, Translate, operation
from holdfast.toolkit.results import committed
from holdfast.toolkit.runtime import Runtime, check_offer
from holdfast.toolkit.sessions import StoreSessions
from holdfast.toolkit.store import Facts, Store
from holdfast.toolkit.urls import Parse, flag, seconds

__all__ = ["COMMON_OPTIONS", "COMMON_URL_OPTIONS", "CommonOptions", "StoreAdapter"]

P = TypeVar("P")

_LAST_MOMENT = 1.0  # seconds for a write that outlived its caller, when the adapter is closed


class CommonOptions(TypedDict, total=False):
    """The options of every adapter.

    Attributes:
        timeout: The deadline of each operation, in seconds; 30 if not given.
        limits: What it takes at most.
        clock: Tells the time.
        codec: What stands between bodies and the store.
        observer: Is told of each operation, and of each flush of writes.
        slot: Called for each write in its caller's task, for the observer of the flush.
        require_durability: Refuse to open where an acknowledgement would survive less than this.
        message_ttl: How long a session lives after a write: a ``timedelta``, or seconds.
        session_ttl: How long its state does.
        message_ttl_by_status: ``message_ttl`` for sessions of a status.
        session_ttl_by_status: ``session_ttl`` likewise.
        refresh_ttl_on_read: Whether reading counts as a write here.
    """

    timeout: float
    limits: Limits
    clock: Clock
    codec: Codec
    observer: Observer
    slot: Slot
    require_durability: Durability
    message_ttl: timedelta | float
    session_ttl: timedelta | float
    message_ttl_by_status: Mapping[str, timedelta | float]
    session_ttl_by_status: Mapping[str, timedelta | float]
    refresh_ttl_on_read: bool


def _durability(text: str) -> Durability:
    try:
        return Durability[text.upper()]
    except KeyError:
        raise ValueError(text) from None


COMMON_URL_OPTIONS: Mapping[str, Parse] = {
    "timeout": seconds,
    "require_durability": _durability,
    "message_ttl": seconds,
    "session_ttl": seconds,
    "refresh_ttl_on_read": flag,
}
"""The common options that a URL may hold."""

COMMON_OPTIONS = frozenset(CommonOptions.__annotations__)
"""The names of all common options."""

_LIFETIMES = frozenset(Lifetimes.__dataclass_fields__)


class StoreAdapter:
    """``Adapter`` over a ``Store``; the contract is the protocol's."""

    def __init__(self, store: Store, *, translate: Translate, options: CommonOptions) -> None:
        """Make an adapter; nothing is sent.

        Args:
            store: The backend.
            translate: What its driver's errors mean.
            options: The common options.

        Raises:
            ConfigurationError: An option is unknown.
            InvalidArgument: An option has no legal value.
        """
        unknown = options.keys() - COMMON_OPTIONS
        if unknown:
            raise ConfigurationError(f"Unknown options: {', '.join(sorted(unknown))}.")
        _check_kinds(options)
        lifetimes = Lifetimes(**{name: options[name] for name in _LIFETIMES & options.keys()})  # type: ignore[literal-required]
        limits = options.get("limits") or Limits()
        timeout = check_timeout(options.get("timeout", 30.0))
        self._runtime = Runtime(
            store=store,
            commits=GroupCommit(
                store.flush,
                limits,
                translate=translate,
                timeout=timeout,
                observer=options.get("observer"),
                slot=options.get("slot"),
            ),
            lifecycle=Lifecycle(),
            translate=translate,
            clock=options.get("clock") or utc_now,
            codec=options.get("codec") or Plain(),
            limits=limits,
            lifetimes=lifetimes.by_status(),
            refresh_on_read=lifetimes.refresh_ttl_on_read,
            timeout=timeout,
            observer=options.get("observer"),
        )
        self._required = options.get("require_durability")
        self._bind("")

    def _bind(self, tenant: str) -> None:
        self._tenant = tenant
        self._sessions = StoreSessions(self._runtime, tenant)
        self._messages = StoreMessages(self._runtime, tenant)

    @property
    def sessions(self) -> SessionRepository:
        """The sessions."""
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        """Their messages."""
        return self._messages

    @property
    def limits(self) -> Limits:
        """What it takes at most."""
        return self._runtime.limits

    @property
    def capabilities(self) -> frozenset[str]:
        """What it offers."""
        return self._learned().capabilities

    @property
    def durability(self) -> Durability:
        """What an acknowledgement survives."""
        return self._learned().durability

    @property
    def findings(self) -> Sequence[Finding]:
        """What opening learned about the backend."""
        return self._learned().findings

    @property
    def schema(self) -> int | None:
        """The number of the stored schema; None where nothing has one."""
        return self._learned().schema

    def _learned(self) -> Facts:
        if self._runtime.facts is None:
            raise AdapterClosed("What it can do is known once it was opened.")
        return self._runtime.facts

    async def commit(self, turn: Turn) -> Committed:
        """See ``Adapter.commit``."""
        run = self._runtime
        write = run.encode(turn, self._tenant)
        parent_id = turn.session.parent_id if turn.session else None
        async with run.operation("commit") as running:
            done = await commit(run, write, parent_id, running)
            return await committed(run, write, done)

    async def initialize(self, *, create: bool = True, migrate: bool = False) -> None:
        """See ``Adapter.initialize``."""
        run = self._runtime
        async with run.lifecycle.changing:
            if run.lifecycle.state != "new":
                run.lifecycle.check()
                return
            try:
                async with operation(
                    "initialize", timeout=run.timeout, translate=run.translate, observer=run.observer
                ):
                    facts = await run.store.initialize(create=create, migrate=migrate)
                self._require(facts)
            except BaseException:
                await run.store.aclose()
                raise
            run.facts = facts
            run.lifecycle.open()

    def _require(self, facts: Facts) -> None:
        if self._runtime.lifetimes:
            check_offer(facts, Capability.EXPIRY)
        if self._required is not None and facts.durability < self._required:
            raise ConfigurationError(
                f"An acknowledgement survives {facts.durability.name.lower()}, "
                f"and {self._required.name.lower()} is required."
            )

    async def ping(self) -> None:
        """See ``Adapter.ping``."""
        async with self._runtime.operation("ping"):
            await self._runtime.store.ping()

    async def sweep(self, *, limit: int = 1000) -> int:
        """See ``Adapter.sweep``."""
        check_int(limit, "limit", low=1)
        tenant = self._tenant or None
        async with self._runtime.operation("sweep") as running:
            running.phase = Phase.SENT
            return await self._runtime.store.sweep(tenant=tenant, limit=limit, now=self._runtime.now())

    def for_tenant(self, tenant: str) -> Self:
        """See ``Adapter.for_tenant``."""
        check_id(tenant, "tenant")
        self._runtime.require(Capability.TENANTS)
        view = copy.copy(self)
        view._bind(tenant)  # noqa: SLF001 - its own kind
        return view

    def port(self, kind: type[P]) -> P:
        """See ``Adapter.port``."""
        raise UnsupportedCapability(kind.__name__, "This adapter offers sessions and messages.")

    async def aclose(self) -> None:
        """See ``Adapter.aclose``. What runs may end, for as long as one operation may take."""
        run = self._runtime
        if self._tenant:
            return
        async with run.lifecycle.changing:
            if run.lifecycle.state != "open":
                return
            run.lifecycle.check()
            run.lifecycle.close()
            try:
                await run.lifecycle.idle(run.timeout)
            finally:
                try:
                    await run.commits.aclose(_LAST_MOMENT)
                finally:
                    await run.store.aclose()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._runtime.lifecycle.state}>"


def _check_kinds(options: CommonOptions) -> None:
    kinds: dict[str, type] = {"limits": Limits, "require_durability": Durability}
    for name, value in options.items():
        if name in kinds and not isinstance(value, kinds[name]):
            raise InvalidArgument(f"{name} is {type(value).__name__}, not {kinds[name].__name__}.")
        if name in {"clock", "observer", "slot"} and not callable(value):
            raise InvalidArgument(f"{name} is {type(value).__name__}, which cannot be called.")
        if name == "codec" and not all(hasattr(value, verb) for verb in ("index", "seal", "open")):
            raise InvalidArgument(f"codec is {type(value).__name__}, which is no Codec.")
