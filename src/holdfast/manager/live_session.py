"""A session that is being worked with: a handle around its value."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from holdfast.capabilities import Limits
from holdfast.codec import encode_message
from holdfast.errors import HoldfastError, InvalidArgument, NotFound, OutcomeUnknown
from holdfast.manager.history import history
from holdfast.manager.live_turn import LiveTurn
from holdfast.manager.snapshots import Snapshot
from holdfast.models import Committed, Message, Session, Turn

if TYPE_CHECKING:
    from holdfast.repositories import Adapter

__all__ = ["LiveSession"]

_MOVED_BY_ALL = ("key", "last_seq", "message_count", "last_message_at", "created_at", "updated_at")


class LiveSession:
    """A session in use: its state to read and change, its turns, its history.

    Changes become durable with the turn in which they were made; those made outside a turn when the session is
    left, or with ``flush``. Two handles on one session may coexist, in one process or in several.
    """

    def __init__(self, adapter: "Adapter", session: Session) -> None:
        self._adapter = adapter
        self._session = session
        self._base = self.snapshot()  # what the store has; for a new session, what it began with
        self._turn: LiveTurn | None = None
        self._unsure: LiveTurn | None = None  # a flush whose outcome is not known yet

    @property
    def id(self) -> str:
        """The session's id."""
        return self._session.id

    @property
    def state(self) -> Session:
        """The session's value: state, status, version and the rest."""
        return self._session

    @property
    def data(self) -> dict[str, Any]:
        """The user's data: change it in place."""
        return self._session.data

    @data.setter
    def data(self, value: dict[str, Any]) -> None:
        self._session.data = value

    @property
    def limits(self) -> Limits:
        """What the adapter takes at most."""
        return self._adapter.limits

    def turn(self, turn_id: str | None = None) -> LiveTurn:
        """A new turn: ``async with session.turn() as turn:``.

        Args:
            turn_id: Its id, where the caller has one that stays the same over retries, such as that of a request.
                Run again, in another process too, a turn is never stored twice: the same messages are
                answered as the first time; other ones, or another state, are refused with
                ``DuplicateIdConflict``.
        """
        return LiveTurn(self, turn_id)

    async def history(self, *, last: int | None = None) -> list[Message]:
        """What was said and is durable, oldest first; or the newest ``last`` messages."""
        try:
            return await history(self._adapter, self.id, last=last)
        except NotFound:
            if self._session.version:
                raise
            return []  # it is new, and not stored yet

    async def flush(self) -> None:
        """Make a change of the state durable that was made outside a turn; create a new session.

        Raises:
            VersionConflict: Somebody else has written meanwhile.
            InvalidArgument: A turn is open; it will store the state itself.
        """
        if self._turn is not None:
            raise InvalidArgument("A turn is open: its end, or turn.checkpoint(), stores the state.")
        if self._unsure is not None:
            await self._commit(self._unsure)  # the same write again: it may be stored already
        await self._commit(LiveTurn(self))

    async def _commit(self, turn: LiveTurn) -> None:
        self._unsure = turn
        try:
            await turn.commit()
        except OutcomeUnknown:
            raise
        except HoldfastError:
            self._unsure = None  # nothing of it was stored
            raise
        self._unsure = None

    # --- for turns -----------------------------------------------------------------------------

    def begin(self, turn: LiveTurn) -> None:
        """A turn begins; one at a time on one handle, since they would share its state."""
        if self._turn is not None:
            raise InvalidArgument("A turn is open on this handle; a tool inside it opens a session of its own.")
        self._turn = turn

    def end(self) -> None:
        """The turn has ended."""
        self._turn = None

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        return Snapshot.of(self._session, self._adapter.limits)

    def prepare(
        self, turn_id: str, segment: int, messages: Sequence[Message], guard: tuple[int, int] | None
    ) -> tuple[Turn, Snapshot] | None:
        """What a commit would send now; None if nothing has changed, and so nothing is written."""
        now = self.snapshot()
        changed = not self._session.version or now != self._base
        if not changed and not messages:
            return None
        version, last_seq = guard if guard else (None, None)
        turn = Turn(
            id=turn_id,
            segment=segment,
            session_id=self.id,
            key=self._session.key,
            messages=tuple(messages),
            session=now.session(self._session) if changed else None,
            expected=None if changed else version,
            last_seq=last_seq,
        )
        return turn, now

    async def send(self, turn: Turn) -> Committed:
        """Commit a prepared turn."""
        return await self._adapter.commit(turn)

    async def join_creator(self, turn: Turn, sent: Snapshot) -> bool:
        """After a refusal: whether this was a creation that lost, and this handle has joined the winner.

        It has no state of its own to lose then; its messages just go behind the winner's.
        """
        if turn.session is None or turn.session.version or self._session.version or sent != self._base:
            return False
        winner = await self._adapter.sessions.get(self.id)
        if winner is None or self._session.user_id not in {None, winner.user_id}:
            return False
        for name in Session.model_fields:
            setattr(self._session, name, getattr(winner, name))
        self._base = self.snapshot()
        return True

    async def find_stored(self, turn: Turn) -> Committed | None:
        """The answer to a turn of messages alone, if all of them are stored by this turn already."""
        session = await self._adapter.sessions.get(self.id)
        found = [await self._adapter.messages.get(self.id, message.id) for message in turn.messages]
        limits = self._adapter.limits
        for mine, theirs in zip(turn.messages, found, strict=True):
            if theirs is None or (theirs.turn_id, theirs.segment) != (turn.id, turn.segment):
                return None
            if encode_message(mine, limits).digest != encode_message(theirs, limits).digest:
                return None
        if session is None:
            return None
        return Committed(session, tuple(message for message in found if message), replayed=True)

    def adopt(self, committed: Committed, turn: Turn, sent: Snapshot) -> None:
        """A prepared turn is durable: that is what the store has now."""
        info = committed.session
        for name in _MOVED_BY_ALL:
            setattr(self._session, name, getattr(info, name))
        if turn.session is None:
            return  # the version here stays: if another one is there now, the next save must fail
        self._session.version = info.version
        self._base = sent
