"""The seam: the protocols that product code sees, and the contract in their docstrings.

What is said here holds on every backend; what a backend cannot offer it declares as a missing capability or as
a limit. Every call takes identifiers by the rules of ``holdfast.ids`` and values by those of
``holdfast.values``; what breaks them is refused before anything is sent (``InvalidArgument`` and those below
it). Any call may raise ``BackendUnavailable``, ``BackendTimeout``, ``AdapterClosed``, ``WrongEventLoop`` or
``WrongProcess``; any write also ``OutcomeUnknown``, ``Backpressure``, ``StorageFull`` or ``SessionFenced``.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, Self, TypeVar

from holdfast.capabilities import Durability, Finding, Limits
from holdfast.models import (
    Committed,
    Expected,
    Message,
    Page,
    Session,
    SessionInfo,
    SessionQuery,
    Turn,
)

__all__ = ["Adapter", "MessageRepository", "SessionRepository"]

P = TypeVar("P")


class SessionRepository(Protocol):
    """Sessions of one tenant, with their state."""

    async def get(self, session_id: str) -> Session | None:
        """The session as it is now, or None: there is none, or it has expired.

        Raises:
            CorruptRecord: Its state does not decode.
        """
        ...

    async def save(
        self, session: Session, *, expected: Expected | None = None, turn_id: str | None = None
    ) -> Session:
        """Store a session's state, if nobody else has written meanwhile; give it back as it was stored.

        The version rises by 1. The argument is left alone. ``user_id`` and ``parent_id`` are fixed at creation.

        Args:
            session: The state. One with version 0 is new.
            expected: The version that must be there. None means ``session.version``, and 0 means "there is
                none yet"; ``"any"`` writes over an existing session and never creates one.
            turn_id: Makes a retry safe: the same save with the same id is stored once. Made here, if not given.

        Raises:
            VersionConflict: Another version is there; of two racing writers exactly one gets this.
            NotFound: The session is gone, has begun another life, belongs to another user; or the parent is gone.
            DuplicateIdConflict: The turn id was used for another write.
        """
        ...

    async def find(self, query: SessionQuery) -> Page[SessionInfo]:
        """One page of the sessions that fit a query; the order and what it promises are the query's.

        With ``with_state=True`` in the query, each item is a whole ``Session``.

        Raises:
            InvalidArgument: The cursor belongs to another query or another tenant.
            CorruptRecord: A state does not decode.
        """
        ...

    async def delete(
        self,
        session_id: str,
        *,
        key: str | None = None,
        expected: int | None = None,
        last_seq: int | None = None,
    ) -> bool:
        """Delete a session, its messages and its children.

        It dies in one step: nothing of it can be reached afterwards, by whoever re-creates the id either. Its
        rows are freed then, in bounded steps; ``sweep`` finishes what a crash leaves.

        Args:
            session_id: The session.
            key: Only this life of it, such as a listing showed. If another one is there, nothing happens, and
                the answer is False, as if there were none.
            expected: Only at this version.
            last_seq: Only if nobody has appended since this position.

        Returns:
            True: there was one, and it is dead now.

        Raises:
            VersionConflict: It is at another version, or somebody has appended.
        """
        ...


class MessageRepository(Protocol):
    """The messages of one tenant's sessions."""

    async def append(
        self,
        session_id: str,
        messages: Sequence[Message],
        *,
        turn_id: str | None = None,
        last_seq: int | None = None,
    ) -> Sequence[Message]:
        """Store messages at the end, all or none, and give them back with their positions.

        Positions are 1, 2, 3… in each session, given in the same atomic step; none is used twice. An id that
        is there already, with the same words, keeps its position and is stored once.

        Args:
            session_id: The session; it must exist.
            messages: New messages, in order.
            turn_id: The turn that they belong to. Made here, if not given.
            last_seq: If given, nobody may have appended since this position.

        Raises:
            NotFound: There is no such session.
            DuplicateIdConflict: An id is there with other words; the error names all of them.
            VersionConflict: Somebody has appended since ``last_seq``.
        """
        ...

    async def find(
        self,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        last: int | None = None,
        limit: int | None = None,
        align: Literal["turn"] | None = None,
        cursor: str | None = None,
        on_corrupt: Literal["raise", "report"] = "raise",
    ) -> Page[Message]:
        """One page of a session's messages, always oldest first.

        From the beginning, or from ``after`` on, the page holds the oldest that fit, and ``next`` goes on to
        newer ones. With ``before`` or ``last`` it holds the newest that fit, and ``next`` goes to older ones.

        Args:
            session_id: The session.
            after: Only behind this position.
            before: Only in front of this position.
            last: The newest so many; neither with ``after`` and ``before`` nor with ``limit``.
            limit: How many a page.
            align: ``"turn"`` grows a page of newest messages back to the beginning of its first turn.
            cursor: ``Page.next`` of the page before; the other arguments may be left out or repeated.
            on_corrupt: What to do with a row that does not decode: raise, or report it in ``Page.corrupt``.

        Raises:
            NotFound: There is no such session.
            CursorLost: Another message stands where the cursor was, or the session began another life.
            CorruptRecord: A row does not decode.
        """
        ...

    async def get(self, session_id: str, message_id: str) -> Message | None:
        """One message by its id, or None.

        Raises:
            NotFound: There is no such session.
            CorruptRecord: It does not decode.
        """
        ...

    async def remove(self, session_id: str, *, after: int, through: int, turn_id: str | None = None) -> int:
        """Remove the messages behind ``after`` up to and with ``through``: rewind, prune, delete one.

        Their positions are never given again; their ids are free.

        Returns:
            How many were removed.

        Raises:
            NotFound: There is no such session.
            InvalidArgument: ``through`` is beyond what was ever appended.
        """
        ...

    async def replace(self, session_id: str, message: Message) -> Message:
        """Redact: put another text in a message's place; id, position, turn and ``created_at`` stay.

        The old text is gone from the store before this returns. The last writer wins.

        Raises:
            NotFound: There is no such session, or no message of this id in it.
        """
        ...


class Adapter(Protocol):
    """One configured connection to one backend.

    It is new, then open (``initialize``, or ``async with``), then closed. Who opens closes.
    """

    @property
    def sessions(self) -> SessionRepository:
        """The sessions."""
        ...

    @property
    def messages(self) -> MessageRepository:
        """Their messages."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What it offers; complete once it is open."""
        ...

    @property
    def durability(self) -> Durability:
        """What an acknowledgement survives."""
        ...

    @property
    def limits(self) -> Limits:
        """What it takes at most."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What ``initialize`` learned about the backend."""
        ...

    @property
    def schema(self) -> int | None:
        """The number of the stored schema, as ``initialize`` found or left it; None where nothing has one."""
        ...

    async def commit(self, turn: Turn) -> Committed:
        """Make a turn durable: its messages, its state and its removal, together or not at all.

        The same turn again (same id, segment and content) is stored once and answered as the first time. The
        last 16 writes of a session that carried state or a removal are remembered for that; messages are known
        by their ids as long as they are stored.

        Raises:
            NotFound: The session is gone, or has begun another life than the turn's.
            VersionConflict: The state's version, or ``last_seq``, is another; nothing was written.
            DuplicateIdConflict: A message id or the turn id was used for something else.
        """
        ...

    async def initialize(self, *, create: bool = True, migrate: bool = False) -> None:
        """Open: connect, and create an absent schema. Safe from many processes at once.

        Args:
            create: Create what is absent; False only checks.
            migrate: Bring an older schema up to date. Never done unasked: older versions of a program may
                still be running on it.

        Raises:
            ConfigurationError: It cannot work so; the error says why.
            SchemaOutdated: The stored schema is older, and ``migrate`` was not asked for.
            SchemaTooNew: The stored schema forbids this version to use it.
        """
        ...

    async def ping(self) -> None:
        """Return if the backend answers, else raise ``BackendUnavailable`` or ``BackendTimeout``."""
        ...

    async def sweep(self, *, limit: int = 1000) -> int:
        """Free dead and expired rows, at most about ``limit``; 0 means that none is left.

        On an adapter it covers all tenants, on a tenant's view that tenant. Where a backend frees all of a dead
        session at once, that counts as one.
        """
        ...

    def for_tenant(self, tenant: str) -> Self:
        """A view of another tenant's rows over the same connections. It replaces, never nests."""
        ...

    def port(self, kind: type[P]) -> P:
        """This adapter as another protocol.

        Raises:
            UnsupportedCapability: It does not offer that.
        """
        ...

    async def aclose(self) -> None:
        """Close what it opened; a view closes nothing. A second call does nothing."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...
