"""A view of one user: an adapter in which the sessions of others do not exist."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from holdfast.capabilities import Capability, Durability, Finding, Limits
from holdfast.errors import InvalidArgument, NotFound, UnsupportedCapability
from holdfast.ids import check_id
from holdfast.manager.copies import copied_turn
from holdfast.manager.users.messages import UserMessages, commit_by_key
from holdfast.manager.users.ownership import Denied, Ownership
from holdfast.manager.users.saves import claimed, creates_child, stored
from holdfast.manager.users.sessions import UserSessions
from holdfast.models import Committed, Turn
from holdfast.repositories import Adapter, MessageRepository, SessionRepository

__all__ = ["UserView"]

P = TypeVar("P")

_UNDERSTOOD = frozenset(
    {
        Capability.SHARED,
        Capability.SURVIVES_PROCESS,
        Capability.LISTING_EXACT,
        Capability.ACTIVITY_EXACT,
        Capability.TENANTS,
        Capability.PARENTS,
        Capability.EXPIRY,
        Capability.REMOVE,
        Capability.REPLACE,
    }
)


class UserView:
    """``Adapter`` over another one, for one user alone; the contract is the protocol's.

    For who holds it there are no sessions but this user's: those of others, and of nobody, are answered as absent
    ones are, to the letter. What it creates is this user's. It closes nothing.
    """

    def __init__(self, adapter: Adapter, user_id: str, denied: Denied | None = None) -> None:
        """Make a view; nothing is sent.

        Args:
            adapter: What it shows a part of.
            user_id: The user.
            denied: Called with a session's id, before the answer, whenever something is refused because that
                session is there and not this user's. What it raises reaches the caller.

        Raises:
            InvalidIdentifier: ``user_id`` is none.
        """
        self._own = Ownership(adapter, check_id(user_id, "user_id"), denied)
        self._adapter = adapter
        self._sessions = UserSessions(self._own)
        self._messages = UserMessages(self._own)

    @property
    def sessions(self) -> SessionRepository:
        """The user's sessions."""
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        """Their messages."""
        return self._messages

    @property
    def capabilities(self) -> frozenset[str]:
        """What the adapter offers, as far as a view understands it."""
        return self._adapter.capabilities & _UNDERSTOOD

    @property
    def durability(self) -> Durability:
        """What an acknowledgement survives."""
        return self._adapter.durability

    @property
    def limits(self) -> Limits:
        """What it takes at most."""
        return self._adapter.limits

    @property
    def findings(self) -> Sequence[Finding]:
        """What opening learned about the backend."""
        return self._adapter.findings

    @property
    def schema(self) -> int | None:
        """The number of the stored schema."""
        return self._adapter.schema

    async def check_free(self, session_id: str) -> None:
        """Return if a session of this id is the user's, or may become his.

        It is for whoever is about to begin one: better now than when the first answer is to be stored.

        Raises:
            NotFound: It is somebody else's.
        """
        if await self._own.is_taken(session_id):
            raise NotFound(f"Session {session_id!r}.")

    async def commit(self, turn: Turn) -> Committed:
        """See ``Adapter.commit``. A state is stored as by ``sessions.save``."""
        if type(turn) is not Turn:
            raise InvalidArgument(f"A turn is a Turn, not {type(turn).__name__}.")
        if turn.session is None:
            return await commit_by_key(self._own, turn)
        mine = await claimed(self._own, turn.session)
        turn = turn.model_copy(update={"session": mine})
        if creates_child(mine, turn.expected):
            turn = copied_turn(turn, self.limits)
        return await stored(self._own, mine, turn.expected, lambda: self._adapter.commit(turn))

    async def initialize(self, *, create: bool = True, migrate: bool = False) -> None:
        """See ``Adapter.initialize``."""
        await self._adapter.initialize(create=create, migrate=migrate)

    async def ping(self) -> None:
        """See ``Adapter.ping``."""
        await self._adapter.ping()

    async def sweep(self, *, limit: int = 1000) -> int:
        """See ``Adapter.sweep``. It frees the rows of all users: those that are dead are nobody's."""
        return await self._adapter.sweep(limit=limit)

    def for_tenant(self, tenant: str) -> Self:
        """See ``Adapter.for_tenant``. The user is the same."""
        return type(self)(self._adapter.for_tenant(tenant), self._own.user_id, self._own.denied)

    def port(self, kind: type[P]) -> P:
        """A view offers no other protocol.

        Raises:
            UnsupportedCapability: Always.
        """
        raise UnsupportedCapability(kind.__name__, "A view of one user offers sessions and messages.")

    async def aclose(self) -> None:
        """Close nothing: whoever opened the adapter closes it."""

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


if TYPE_CHECKING:
    _CHECKED: type[Adapter] = UserView  # all that the protocol says, and no less
