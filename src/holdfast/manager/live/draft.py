"""What a turn brings: messages, what they replace, and the states that it begins and ends with."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from holdfast.errors import InvalidArgument
from holdfast.manager.copies import copied_message, measured_copy
from holdfast.manager.live.held import Held
from holdfast.manager.live.snapshots import Snapshot
from holdfast.models import Message

__all__ = ["Draft"]


class Draft:
    """What a turn has collected; or a state alone, which is to be flushed.

    Attributes:
        turn_id: The turn's id.
        turn: The user's turn, where it is one.
        pending: The messages that are not durable yet.
        remove: What is removed first, where the turn replaces the end of the transcript.
        before: The state that is put back if the turn fails: that of its beginning, or of its last segment.
        after: The state that it leaves behind, once it has ended; until then, that is what is held.
        size: How many bytes wait here.
        refresh: Called before the first segment is sent: what it says again may have changed since.
    """

    def __init__(self, held: Held[Any], turn_id: str, turn: Any = None) -> None:
        self.turn_id = turn_id
        self.turn = turn
        self.pending: list[Message] = []
        self.remove: tuple[int, int] | None = None
        self.before: Snapshot | None = None
        self.after: Snapshot | None = None
        self.size = 0
        self.refresh: Callable[[], Awaitable[None]] | None = None
        self._held = held
        self._limits = held.context.adapter.limits

    @property
    def is_state_alone(self) -> bool:
        """Whether it is no turn, but a state that is to be flushed."""
        return self.turn is None

    def add(self, message: Message) -> Message:
        """Add a message as it is now: what its maker changes later is not seen.

        Raises:
            InvalidArgument: It breaks a rule.
        """
        own, size = measured_copy(message, self._limits)
        self.pending.append(own)
        self.size += size
        return own

    def say_again(self, message_id: str, stored: Message | None) -> None:
        """What was added from the store is said as it is stored now; None: it is not said."""
        again = [] if stored is None else [copied_message(stored, self._limits)]
        for place in [index for index, message in enumerate(self.pending) if message.id == message_id]:
            self.pending[place : place + 1] = again

    def forget(self, stored: int) -> None:
        """So many messages are durable."""
        del self.pending[:stored]
        if not self.pending:
            self.size = 0

    def end(self) -> None:
        """The turn has ended: this is the state that it leaves behind."""
        self.after = self._held.snapshot()
        self.size += self.after.state.size

    def states(self) -> list[Snapshot]:
        """The states that go along when others were faster, in the order in which they were made."""
        return [state for state in (self.before, self.after) if state is not None]

    def rebase(self, made: Iterator[Snapshot]) -> None:
        """Take the next of the states that were made again on top of what others have stored."""
        self.before, self.after = self.before and next(made), self.after and next(made)

    def drop_states(self, theirs: Snapshot) -> None:
        """Begin and end with what others have stored."""
        self.rebase(iter([theirs, theirs]))

    def put_back(self) -> None:
        """Make the held state again what it was before this turn, or after its last segment."""
        if self.before is not None:
            self._held.put_back(self.before)

    def check_unchanged(self, *also: Snapshot) -> None:
        """Return if the held state is still what it was when this turn had failed, or one of others.

        Raises:
            InvalidArgument: It was changed since; storing this turn's state would undo that.
        """
        if self._held.snapshot() not in (self.before, *also):
            raise InvalidArgument("The session was changed since this turn failed.")
