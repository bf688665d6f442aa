"""A session that is being worked with: a handle around its value."""

from typing import Any, Generic, Literal

from holdfast.errors import InvalidArgument
from holdfast.manager.data.data_type import D
from holdfast.manager.live.handle import Handle
from holdfast.manager.live.live_turn import LiveTurn
from holdfast.manager.live.status import change_status
from holdfast.manager.live.transcript import transcript
from holdfast.models import Message, Session

__all__ = ["LiveSession"]


class LiveSession(Generic[D]):
    """A session in use: its state to read and change, its turns, its history.

    Changes become durable with the turn in which they were made; those made outside a turn when the session is
    left, or with ``flush``. Two handles on one session may coexist, in one process or in several.
    """

    def __init__(self, handle: Handle[D]) -> None:
        self._handle = handle

    @property
    def id(self) -> str:
        """The session's id."""
        return self._handle.id

    @property
    def state(self) -> Session:
        """The session's value: state, status, version and the rest. Typed data is in ``data``."""
        return self._handle.held.session

    @property
    def data(self) -> D:
        """The user's data: change it in place."""
        return self._handle.held.data

    @data.setter
    def data(self, value: D) -> None:
        self._handle.held.data = value

    def merge_data(self, changes: dict[str, Any]) -> None:
        """Set top-level keys of the plain data; with typed data, these are checked.

        Raises:
            InvalidArgument: They do not fit the data type.
        """
        self._handle.held.merge_data(changes)

    @property
    def waits(self) -> bool:
        """Whether a turn has ended that is not durable yet."""
        return self._handle.outbox.waits

    @property
    def failure(self) -> Exception | None:
        """What has gone wrong in the background; the next call raises it."""
        return self._handle.outbox.failure

    def set_status(self, status: str) -> None:
        """Give it another status; stored with the turn, or the flush, as all of the state is.

        Raises:
            InvalidArgument: It is completed, and the new status is not ``active``.
        """
        change_status(self.state, status, self._handle.context.clock)

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
        return LiveTurn(self._handle, turn_id)

    def regenerate(self) -> LiveTurn:
        """A turn in the place of the last one: ``async with session.regenerate() as turn:``.

        It begins with what was said in the last turn before the first answer; what followed is removed in the
        same step in which the new answer is stored, if nobody has appended since. ``turn.replaced`` is the last
        turn as it was, and ``history`` leaves out what is to go. The state is not rewound. Entering it is refused
        with ``InvalidArgument`` where there is no last turn, or others have spoken in the middle of it.
        """
        return LiveTurn(self._handle, in_place_of_last=True)

    async def history(self, *, last: int | None = None) -> list[Message]:
        """What was said, oldest first, or the newest ``last`` messages; turns that wait to be stored too."""
        return await transcript(self._handle, last)

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
        await self._handle.flush(state)

    def touch(self) -> None:
        """With ``Autosave(every=…)``: the state was changed outside a turn; store it in the background.

        Where too much waits already, it is stored with the next turn, the next flush, or on leaving.

        With any other autosave it does nothing: leaving and ``flush`` look for changes.

        Raises:
            InvalidArgument: A turn is open; it will store the state itself.
        """
        self._handle.touch()

    def discard(self) -> tuple[Message, ...]:
        """Give up the turns that wait, and get their messages; the state stays as it is.

        Where one can never be stored, such as one that a hook refuses, it stands in the way of all behind it.
        """
        return self._handle.outbox.drop()
