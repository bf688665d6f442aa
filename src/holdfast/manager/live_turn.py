"""A turn while it happens: what is said is collected, and becomes durable when it ends."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from holdfast.codec import decode_message, encode_message
from holdfast.errors import (
    DuplicateIdConflict,
    HoldfastError,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    VersionConflict,
)
from holdfast.ids import check_id, join, new_id
from holdfast.manager.snapshots import Snapshot
from holdfast.models import Committed, Message, Turn

if TYPE_CHECKING:
    from holdfast.manager.live_session import LiveSession

__all__ = ["LiveTurn"]


class LiveTurn:
    """One exchange of a live session: ``async with session.turn() as turn:``.

    What was added, and the state as it is then, are committed together when the block ends. If the block
    raises, nothing more is stored and the state is put back to what it was at the beginning, or after the last
    checkpoint. If the commit fails, the state is put back too; the turn still holds everything, and ``await
    turn.commit()`` tries again, safely: the same turn is stored once.
    """

    def __init__(self, session: "LiveSession", turn_id: str | None = None) -> None:
        self.id = new_id() if turn_id is None else check_id(turn_id, "turn_id")
        self._session = session
        self._repeatable = turn_id is not None
        self._added = 0
        self._pending: list[Message] = []
        self._segment = 0
        self._guard: tuple[int, int] | None = None  # version and last_seq that the segment before returned
        self._sent: tuple[Turn, Snapshot] | None = None  # what may be stored, though no answer came
        self._before: Snapshot | None = None  # what the state is put back to
        self._after: Snapshot | None = None  # what it was when the turn was to be committed, and failed
        self._open = False

    @property
    def messages(self) -> Sequence[Message]:
        """What was added and is not durable yet."""
        return tuple(self._pending)

    def add(self, role: str, content: str | Sequence[Any] = "", **fields: Any) -> Message:
        """Add a message, from its parts; see ``Message`` for the fields.

        Raises:
            InvalidArgument: It breaks a rule; the turn goes on without it.
        """
        if self._repeatable:
            # A turn that is run again under its id says its messages again under theirs.
            fields.setdefault("id", join(self.id, str(self._added)))
        plain: Any = list(content) if isinstance(content, tuple) else content
        return self.add_message(Message(role=role, content=plain, **fields))

    def add_message(self, message: Message) -> Message:
        """Add a message as it is now: what its maker changes later is not seen.

        Raises:
            InvalidArgument: It breaks a rule; the turn goes on without it.
        """
        self._must_be_open()
        if type(message) is not Message:
            raise InvalidArgument(f"add_message takes a Message, not {type(message).__name__}.")
        encoded = encode_message(message, self._session.limits)
        own = decode_message(encoded.body, id=message.id, role=message.role, created_at=message.created_at)
        self._pending.append(own)
        self._added += 1
        return own

    async def checkpoint(self) -> None:
        """Make durable what was said so far, and the state as it is now; the turn goes on.

        If it fails, the turn goes on all the same: the next checkpoint, or its end, stores what this one did not.

        Raises:
            VersionConflict: Somebody else has written meanwhile.
        """
        self._must_be_open()
        await self._commit()

    async def commit(self) -> Committed | None:
        """Make the turn durable; after it has failed, try again.

        Returns:
            What was stored last; None if there was nothing to store.

        Raises:
            VersionConflict: Somebody else has written meanwhile; nothing is stored, this turn holds everything.
            InvalidArgument: The session was changed since the turn failed; storing its state would undo that.
        """
        if self._open or self._after is None:
            return await self._commit()
        self._session.begin(self)
        try:
            if self._session.snapshot() != self._before:
                raise InvalidArgument("The session was changed since this turn failed.")
            self._after.put_back(self._session.state)
            return await self._commit_or_put_back()
        finally:
            self._session.end()

    async def _commit(self) -> Committed | None:
        committed = None
        while True:
            again = self._sent is not None  # of a try without an answer; then comes what was added since
            if self._sent is None:
                self._sent = self._session.prepare(self.id, self._segment, self._pending, self._guard)
            if self._sent is None:
                return committed
            committed = await self._send(*self._sent)
            if committed is not None and not again:
                return committed

    async def _send(self, turn: Turn, snapshot: Snapshot) -> Committed | None:
        """Commit what was prepared; None if it is to be prepared anew."""
        try:
            committed = await self._session.send(turn)
        except OutcomeUnknown:
            raise
        except HoldfastError as error:
            self._sent = None  # nothing of it was stored
            if isinstance(error, VersionConflict | NotFound) and await self._session.join_creator(turn, snapshot):
                self._before = self._session.snapshot()
                return None
            stored = await self._session.find_stored(turn) if self._ran_before(error, turn) else None
            if isinstance(error, VersionConflict):
                error.turn = self
            if stored is None:
                raise
            committed = stored
        self._session.adopt(committed, turn, snapshot)
        self._guard = (committed.session.version, committed.session.last_seq)
        del self._pending[: len(turn.messages)]
        self._segment += 1
        self._sent = None
        self._before = snapshot
        return committed

    def _ran_before(self, error: HoldfastError, turn: Turn) -> bool:
        """Whether this may be a turn that is run again from the state that its first run left."""
        return isinstance(error, DuplicateIdConflict) and self._repeatable and turn.session is None

    async def _commit_or_put_back(self) -> Committed | None:
        try:
            return await self._commit()
        except BaseException:
            self._put_back()
            raise

    def _put_back(self) -> None:
        if self._before is not None:
            self._before.put_back(self._session.state)

    def _must_be_open(self) -> None:
        if not self._open:
            raise InvalidArgument("The turn is not open: use it as 'async with session.turn() as turn:'.")

    async def __aenter__(self) -> Self:
        self._before = self._session.snapshot()
        self._session.begin(self)
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        try:
            if kind is not None:
                self._put_back()
                return
            try:
                self._after = self._session.snapshot()
            except BaseException:
                self._put_back()
                raise
            await self._commit_or_put_back()
        finally:
            self._session.end()
