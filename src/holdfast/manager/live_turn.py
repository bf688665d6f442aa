"""A turn while it happens: what is said is collected, and becomes durable when it ends."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from holdfast.codec import decode_message, encode_message
from holdfast.errors import InvalidArgument, VersionConflict
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
        self._repeatable = turn_id is not None
        self._added = 0
        self._session = session
        self._pending: list[Message] = []
        self._segment = 0
        self._guard: tuple[int, int] | None = None  # version and last_seq that the segment before returned
        self._before: Snapshot | None = None
        self._sent: tuple[Turn, Snapshot] | None = None
        self._was_put_back = False
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

        Raises:
            VersionConflict: Somebody else has written meanwhile.
        """
        self._must_be_open()
        await self.commit()

    async def commit(self) -> Committed | None:
        """Make the turn durable; after a failure, try again with exactly what was sent before.

        Returns:
            What was stored; None if there was nothing to store.

        Raises:
            VersionConflict: Somebody else has written meanwhile; nothing is stored, this turn holds everything.
        """
        while True:
            if self._sent is None:
                self._sent = self._session.prepare(self.id, self._segment, self._pending, self._guard)
            if self._sent is None:
                return None
            turn, snapshot = self._sent
            try:
                committed = await self._session.send(turn)
            except VersionConflict as conflict:
                if await self._session.join_creator(turn, snapshot):
                    self._sent, self._before = None, self._session.snapshot()
                    continue
                conflict.turn = self
                raise
            self._stored(turn, snapshot, committed)
            return committed

    def _stored(self, turn: Turn, snapshot: Snapshot, committed: Committed) -> None:
        self._session.adopt(committed, turn, snapshot, put_back=self._was_put_back)
        self._guard = (self._session.state.version, committed.session.last_seq)
        self._pending = []
        self._segment += 1
        self._sent = None
        self._before = self._session.snapshot()

    def _must_be_open(self) -> None:
        if not self._open:
            raise InvalidArgument("The turn is not open: use it as 'async with session.turn() as turn:'.")

    async def __aenter__(self) -> Self:
        self._before = self._session.snapshot()
        self._session.begin(self)
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        try:
            if kind is None:
                await self.commit()
            else:
                self._put_back()
        except BaseException:
            self._put_back()
            raise
        finally:
            self._session.end()

    def _put_back(self) -> None:
        if self._before is not None and not self._was_put_back:
            self._before.put_back(self._session.state)
            self._was_put_back = True
