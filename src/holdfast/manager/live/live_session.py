"""A session that is being worked with: a handle around its value."""

from collections.abc import Sequence
from typing import Any, Generic, Literal

from holdfast.capabilities import Limits
from holdfast.errors import HoldfastError, InvalidArgument, NotFound
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.history import history
from holdfast.manager.live.autosave import Autosave
from holdfast.manager.live.held import Held
from holdfast.manager.live.live_turn import LiveTurn
from holdfast.manager.live.outbox import Outbox
from holdfast.manager.live.status import change_status
from holdfast.manager.live.writing import Writing
from holdfast.models import Committed, Message, Session

__all__ = ["LiveSession"]


class LiveSession(Generic[D]):
    """A session in use: its state to read and change, its turns, its history.

    Changes become durable with the turn in which they were made; those made outside a turn when the session is
    left, or with ``flush``. Two handles on one session may coexist, in one process or in several.

    Attributes:
        held: For turns: the value, and what the store has of it.
        outbox: For turns: what has ended and is not durable yet.
    """

    def __init__(self, context: Context[D], session: Session) -> None:
        from asyncio import Lock  # noqa: PLC0415 - 40 ms that only users of a session pay

        self.held = Held(context, session)
        self.outbox = Outbox(self.held, Lock())
        self._context = context
        self._open: Writing | None = None

    @property
    def id(self) -> str:
        """The session's id."""
        return self.held.session.id

    @property
    def state(self) -> Session:
        """The session's value: state, status, version and the rest. Typed data is in ``data``."""
        return self.held.session

    @property
    def data(self) -> D:
        """The user's data: change it in place."""
        return self.held.data

    @data.setter
    def data(self, value: D) -> None:
        self.held.data = value

    def merge_data(self, changes: dict[str, Any]) -> None:
        """Set top-level keys of the plain data; with typed data, these are checked.

        Raises:
            InvalidArgument: They do not fit the data type.
        """
        self.held.merge_data(changes)

    @property
    def limits(self) -> Limits:
        """What the adapter takes at most."""
        return self._context.adapter.limits

    @property
    def waits(self) -> bool:
        """Whether a turn has ended that is not durable yet."""
        return self.outbox.waits

    @property
    def failure(self) -> Exception | None:
        """What has gone wrong in the background; the next call raises it."""
        return self.outbox.failure

    def set_status(self, status: str) -> None:
        """Give it another status; stored with the turn, or the flush, as all of the state is.

        Raises:
            InvalidArgument: It is completed, and the new status is not ``active``.
        """
        change_status(self.state, status, self._context.clock)

    def complete(self) -> None:
        """The session has reached its end; see ``set_status``."""
        self.set_status("completed")

    def turn(self, turn_id: str | None = None) -> LiveTurn:
        """A new turn: ``async with session.turn() as turn:``.

        Args:
            turn_id: Its id, where the caller has one that stays the same over retries, such as that of a request.
                Run again, in another process too, a turn is never stored twice: the same messages are
                answered as the first time; other ones, or another state, are refused with
                ``DuplicateIdConflict``.
        """
        return LiveTurn(self, turn_id)

    def regenerate(self) -> LiveTurn:
        """A turn in the place of the last one: ``async with session.regenerate() as turn:``.

        It begins with what was said in the last turn before the first answer; what followed is removed in the
        same step in which the new answer is stored, if nobody has appended since. ``turn.replaced`` is the last
        turn as it was, and ``history`` leaves out what is to go. The state is not rewound.
        """
        return LiveTurn(self, in_place_of_last=True)

    async def history(self, *, last: int | None = None) -> list[Message]:
        """What was said, oldest first, or the newest ``last`` messages; turns that wait to be stored too."""
        waiting = self.outbox.messages()
        gone = [writing.remove for writing in self.held.writings if writing.remove is not None]
        kept = {message.id for message in self._open.pending} if self._open else set[str]()
        more = last + sum(through - after for after, through in gone) if type(last) is int and last > 0 else last
        stored = await self._stored_history(more)
        left = [one for one in stored if not any(after < (one.seq or 0) <= through for after, through in gone)]
        kept |= {one.id for one in left}
        said = [one for one in stored if one.id in kept]
        said += _not_in(left, waiting)
        return said if last is None else said[-last:]

    async def _stored_history(self, last: int | None) -> list[Message]:
        try:
            return await history(self._context.adapter, self.id, last=last)
        except NotFound:
            if self.state.version:
                raise
            return []  # it is new, and not stored yet

    async def flush(self, *, state: Literal["theirs"] | None = None) -> None:
        """Make durable what is not: turns that wait, and what was changed outside a turn; create a new session.

        Args:
            state: ``"theirs"`` gives up what was changed in the state here, and takes over what others have
                stored; the messages of turns that wait are kept.

        Raises:
            VersionConflict: Somebody else has written meanwhile.
            InvalidArgument: A turn is open; it will store the state itself.
        """
        if state not in {None, "theirs"}:
            raise InvalidArgument('state is "theirs", or left out.')
        self._no_turn_open()
        await self._context.watched("save", self.id, lambda: self.flush_unwatched(state))

    async def flush_unwatched(self, state: Literal["theirs"] | None = None) -> None:
        """The same, where somebody else watches what comes of it."""
        if state is not None:
            await self.outbox.take_theirs()
        writing = self.outbox.add_state()
        try:
            await self.outbox.store_all()
        except BaseException:
            self.outbox.take_back(writing)
            raise
        if writing is not None and writing.failed is not None:
            raise writing.failed  # somebody else has tried to store it, meanwhile
        self.outbox.surface()

    def touch(self) -> None:
        """With ``Autosave(every=…)``: the state was changed outside a turn; store it in the background.

        Where too much waits already, it is stored with the next turn, the next flush, or on leaving.

        With any other autosave it does nothing: leaving and ``flush`` look for changes.

        Raises:
            InvalidArgument: A turn is open; it will store the state itself.
        """
        self._no_turn_open()
        if isinstance(self._context.autosave, Autosave):
            self.outbox.add_state(bounded=True)

    def _no_turn_open(self) -> None:
        if self._open is not None:
            raise InvalidArgument("A turn is open: its end, or turn.checkpoint(), stores the state.")

    def discard(self) -> tuple[Message, ...]:
        """Give up the turns that wait, and get their messages; the state stays as it is.

        Where one can never be stored, such as one that a hook refuses, it stands in the way of all behind it.
        """
        return self.outbox.drop()

    async def leave(self, *, failed: bool) -> None:
        """The session is left: store what is to be stored now.

        Args:
            failed: It is left by an exception: then nothing more is stored than the turns that have ended, and
                those only if they are stored without being asked for.
        """
        autosave = self._context.autosave
        if autosave == "off" or (failed and autosave == "session"):
            self.outbox.drop()
        try:
            if not failed and autosave != "off":
                await self.flush()
        except Exception as error:
            if not isinstance(autosave, Autosave) or not (isinstance(error, HoldfastError) and error.retryable):
                self.outbox.release()  # it is told, and will not be tried again behind the caller's back
            raise
        finally:
            self._context.backlog.left(self.outbox)

    # --- for turns -----------------------------------------------------------------------------

    def begin(self, writing: Writing) -> None:
        """A turn begins; one at a time on one handle, since they would share its state."""
        if self._open is not None:
            raise InvalidArgument("A turn is open on this handle; a tool inside it opens a session of its own.")
        self._open = writing
        self.held.writings.append(writing)

    def end(self, writing: Writing) -> None:
        """The turn has ended."""
        self._open = None
        self.held.writings.remove(writing)

    def stores_at_once(self, writing: Writing) -> bool:
        """Whether a turn is to be durable when it ends: by its autosave, or since too much waits."""
        return self._context.autosave == "turn" or not self._context.backlog.takes(writing.size)

    async def store(self, writing: Writing, *, state: Literal["theirs"] | None = None) -> Committed | None:
        """Store a turn now, behind those that wait."""
        return await self._context.watched("save", self.id, lambda: self.outbox.store(writing, state=state))


def _not_in(stored: Sequence[Message], waiting: Sequence[Sequence[Message]]) -> list[Message]:
    """The messages of turns that waited, without those that were stored before the others were read.

    Turns are stored whole and in order: where one message is there, so is all up to the end of its turn.
    """
    known = {message.id for message in stored}
    left: list[Message] = []
    for turn in waiting:
        left = [] if any(message.id in known for message in turn) else [*left, *turn]
    return left
