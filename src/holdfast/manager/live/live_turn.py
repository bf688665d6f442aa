"""A turn while it happens: what is said is collected, and becomes durable when it ends."""

from collections.abc import Sequence
from itertools import takewhile
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from holdfast.codec import decode_message, encode_message
from holdfast.errors import InvalidArgument, NotFound
from holdfast.ids import check_id, join, new_id
from holdfast.manager.live.writing import Writing
from holdfast.manager.upkeep.rewinding import last_turn
from holdfast.models import Committed, Message

if TYPE_CHECKING:
    from holdfast.manager.live.live_session import LiveSession

__all__ = ["LiveTurn"]

_ASKING = ("user", "system", "developer")  # who speaks before the answers


class LiveTurn:
    """One exchange of a live session: ``async with session.turn() as turn:``.

    What was added, and the state as it is then, are committed together when the block ends (with autosave by
    session, in the background or off: later, but together as well). If the block raises, nothing more is stored
    and the state is put back to what it was at the beginning, or after the last checkpoint. If the commit fails,
    the state is put back too; the turn still holds everything, and ``await turn.commit()`` tries again, safely:
    the same turn is stored once.

    Attributes:
        id: Its id.
        replaced: The messages in whose place it comes, if it regenerates the last turn.
    """

    def __init__(
        self, session: "LiveSession[Any]", turn_id: str | None = None, *, in_place_of_last: bool = False
    ) -> None:
        self.id = new_id() if turn_id is None else check_id(turn_id, "turn_id")
        self.replaced: tuple[Message, ...] = ()
        self._session = session
        self._repeatable = turn_id is not None
        self._in_place_of_last = in_place_of_last
        self._writing = Writing(session.held, self.id, turn=self, repeatable=self._repeatable)
        self._added = 0
        self._kept: list[str] = []  # the messages of the last turn with which this one begins
        self._open = False

    @property
    def messages(self) -> Sequence[Message]:
        """What was added and is not durable yet."""
        return tuple(self._writing.pending)

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
        own = self._own(message)
        self._writing.pending.append(own)
        self._added += 1
        return own

    def _own(self, message: Message) -> Message:
        encoded = encode_message(message, self._session.limits)
        self._writing.size += encoded.size
        return decode_message(encoded.body, id=message.id, role=message.role, created_at=message.created_at)

    async def checkpoint(self) -> Committed | None:
        """Make durable what was said so far, and the state as it is now; the turn goes on.

        If it fails, the turn goes on all the same: the next checkpoint, or its end, stores what this one did not.

        Returns:
            What was stored, and whether an earlier run of this turn had stored it (``replayed``); None if there
            was nothing to store.

        Raises:
            VersionConflict: Somebody else has written meanwhile.
        """
        self._must_be_open()
        return await self._session.store(self._writing)

    async def commit(self, *, state: Literal["theirs"] | None = None) -> Committed | None:
        """Make the turn durable; after it has failed, try again.

        Args:
            state: ``"theirs"`` gives up what this turn has changed in the state, and takes over what others
                have stored: its messages are kept, and stored behind theirs.

        Returns:
            What was stored last; None if there was nothing to store.

        Raises:
            VersionConflict: Somebody else has written meanwhile; nothing is stored, this turn holds everything.
            InvalidArgument: The session was changed since the turn failed; storing its state would undo that.
        """
        if state not in {None, "theirs"}:
            raise InvalidArgument('state is "theirs", or left out.')
        if self._writing in self._session.outbox:
            await self._session.flush(state=state)
            return self._writing.committed
        if self._open:
            return await self._session.store(self._writing, state=state)
        self._session.begin(self._writing)
        try:
            if self._writing.after is None:
                return await self._session.store(self._writing, state=state)
            self._writing.check_unchanged()
            self._session.held.put_back(self._writing.after)
            return await self._store_or_put_back(state)
        finally:
            self._session.end(self._writing)

    async def _store_or_put_back(self, state: Literal["theirs"] | None = None) -> Committed | None:
        try:
            return await self._session.store(self._writing, state=state)
        except BaseException:
            self._writing.put_back()
            raise

    def _must_be_open(self) -> None:
        if not self._open:
            raise InvalidArgument("The turn is not open: use it as 'async with session.turn() as turn:'.")

    async def __aenter__(self) -> Self:
        if self._writing.before is not None:
            raise InvalidArgument("A turn is entered once; the next exchange is a turn of its own.")
        self._session.outbox.surface()
        before = self._session.held.snapshot()
        self._session.begin(self._writing)
        self._writing.before = before
        self._open = True
        try:
            if self._in_place_of_last:
                await self._session.held.context.watched("load", self._session.id, self._begin_again)
        except BaseException:
            self._open = False
            self._session.end(self._writing)
            raise
        return self

    async def _begin_again(self) -> None:
        """Take the place of the last turn: what its user has said stays, and all that followed goes."""
        await self._session.outbox.store_all()
        adapter, session_id = self._session.held.context.adapter, self._session.id
        session = await adapter.sessions.get(session_id)
        if session is None and self._session.state.version:
            raise NotFound(f"Session {session_id!r}.")
        self.replaced = () if session is None else await last_turn(adapter, session_id)
        if session is None or not self.replaced:
            raise InvalidArgument(f"Session {session_id!r} has no turn to regenerate.")
        self._writing.replace_tail(_positions(self.replaced), session.last_seq)
        for message in takewhile(lambda message: message.role in _ASKING, self.replaced):
            self._kept.append(self.add_message(message).id)
        self._writing.look_again = self._look_again

    async def _look_again(self) -> None:
        """What is kept of the last turn may have been redacted, or removed, since it was read."""
        adapter, pending = self._session.held.context.adapter, self._writing.pending
        for message_id in self._kept:
            stored = await adapter.messages.get(self._session.id, message_id)
            places = [index for index, message in enumerate(pending) if message.id == message_id]
            for place in places:
                pending[place : place + 1] = [] if stored is None else [self._own(stored)]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        try:
            if kind is not None:
                self._writing.put_back()
                return
            at_once = await self._session.held.context.watched("save", self._session.id, self._end)
        finally:
            self._session.end(self._writing)
        if not at_once:
            self._session.outbox.add(self._writing)

    async def _end(self) -> bool:
        """The block has ended: store the turn, if it is to be stored now; whether it was."""
        try:
            self._writing.end()
            if not self._session.stores_at_once(self._writing):
                return False
            await self._session.outbox.store(self._writing)
        except BaseException:
            self._writing.put_back()
            raise
        return True


def _positions(messages: Sequence[Message]) -> tuple[int, int]:
    seqs = [message.seq or 0 for message in messages]
    return seqs[0] - 1, seqs[-1]
