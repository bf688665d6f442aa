"""A turn while it happens: what is said is collected, and becomes durable when it ends."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from holdfast.errors import InvalidArgument
from holdfast.ids import check_id, join, new_id
from holdfast.manager.live.draft import Draft
from holdfast.manager.live.handle import Handle
from holdfast.manager.live.regenerating import Regeneration
from holdfast.manager.live.writing import Writing
from holdfast.models import Committed, Message

__all__ = ["LiveTurn"]

T = TypeVar("T")


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

    def __init__(self, handle: Handle[Any], turn_id: str | None = None, *, in_place_of_last: bool = False) -> None:
        self.id = new_id() if turn_id is None else check_id(turn_id, "turn_id")
        self.replaced: tuple[Message, ...] = ()
        self._handle = handle
        self._draft = Draft(handle.held, self.id, turn=self)
        self._writing = Writing(handle.held, self._draft, repeatable=turn_id is not None)
        self._repeatable = turn_id is not None
        self._in_place_of_last = in_place_of_last
        self._added = 0
        self._saves = 0  # checkpoints that are being made, in whatever tasks
        self._open = False

    @property
    def messages(self) -> Sequence[Message]:
        """What was added and is not durable yet."""
        return tuple(self._draft.pending)

    def add(self, role: str, content: str | Sequence[Any] = "", **fields: Any) -> Message:
        """Add a message, from its parts; see ``Message`` for the fields.

        Raises:
            InvalidArgument: It breaks a rule; the turn goes on without it.
        """
        plain: Any = list(content) if isinstance(content, tuple) else content
        return self.add_message(Message(role=role, content=plain, **fields))

    def add_message(self, message: Message) -> Message:
        """Add a message as it is now: what its maker changes later is not seen.

        Raises:
            InvalidArgument: It breaks a rule; the turn goes on without it.
        """
        self._must_be_open()
        if self._repeatable and type(message) is Message and "id" not in message.model_fields_set:
            # A turn that is run again under its id says its messages again under theirs.
            message = message.model_copy(update={"id": join(self.id, str(self._added))})
        own = self._draft.add(message)
        self._added += 1
        return own

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
        return await self._save()

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
        if self._writing.done:
            return self._writing.committed
        if self._writing in self._handle.outbox:
            await self._handle.flush(state)
            return self._writing.committed
        if self._open:
            return await self._save(state)
        self._handle.begin(self._writing)
        try:
            return await self._store_now(state)
        finally:
            self._handle.end(self._writing)

    async def _save(self, state: Literal["theirs"] | None = None) -> Committed | None:
        self._saves += 1
        try:
            return await self._handle.store(self._writing, state=state)
        finally:
            self._saves -= 1

    async def _store_now(self, state: Literal["theirs"] | None) -> Committed | None:
        """Store it though its block has ended: with the state of its end, if it came to that and is to keep it."""
        draft, store = self._draft, partial(self._handle.store, self._writing, state=state)
        draft.after = draft.after or draft.before
        if draft.after is None or draft.after is draft.before:  # it could not begin, or broke off: its words alone
            return await store()
        if state is not None:
            draft.check_unchanged(self._handle.held.base)
            return await store()
        draft.check_unchanged()
        self._handle.held.put_back(draft.after)
        return await self._or_put_back(store)

    async def _or_put_back(self, store: Callable[[], Awaitable[T]]) -> T:
        try:
            return await store()
        except BaseException:
            self._draft.put_back()
            raise

    def _must_be_open(self) -> None:
        if not self._open:
            raise InvalidArgument("The turn is not open: use it as 'async with session.turn() as turn:'.")

    async def __aenter__(self) -> Self:
        if self._draft.before is not None:
            raise InvalidArgument("A turn is entered once; the next exchange is a turn of its own.")
        self._handle.outbox.surface()
        before = self._handle.held.snapshot()
        self._handle.begin(self._writing)
        self._draft.before = before
        self._open = True
        try:
            if self._in_place_of_last:
                begin = Regeneration(self._handle, self._writing).begin
                self.replaced = await self._handle.context.watched("load", self._handle.id, begin)
        except BaseException:
            self._open = False
            self._handle.end(self._writing)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        try:
            if kind is not None:
                await self._break_off()
                return
            watched = self._handle.context.watched
            at_once = await watched("save", self._handle.id, lambda: self._or_put_back(self._end))
        finally:
            self._handle.end(self._writing)
        if not at_once:
            self._handle.outbox.add(self._writing)

    async def _break_off(self) -> None:
        """The block has raised: go back, though not behind a checkpoint that another task is just making."""
        try:
            if self._saves:
                await self._handle.outbox.finish()
        finally:
            self._draft.put_back()

    async def _end(self) -> bool:
        """The block has ended: store the turn, if it is to be stored now; whether it was."""
        self._draft.end()
        if not self._handle.stores_at_once(self._writing):
            return False
        await self._handle.outbox.store(self._writing)
        return True
