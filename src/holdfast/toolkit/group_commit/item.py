"""One write on its way to the store."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from holdfast.toolkit.operation import Operation, Phase
from holdfast.toolkit.store import Done, Outcome, Refused, Write

__all__ = ["Answer", "Failed", "Flush", "Item"]

Flush = Callable[[Sequence[Write]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True)
class Failed:
    """The flush raised this; what it means for a caller depends on how far his write had come."""

    error: Exception


Answer = Done | Refused | Failed


@dataclass(slots=True, eq=False)
class Item:
    """A write, and the caller who waits for it.

    Attributes:
        write: What he wants to store.
        operation: His operation.
        answer: What he waits for. It is done early if he goes away.
        slot: What he gave for the observer of the flush.
        phase: How far it has come.
        has_room: Whether it counts in the queue.
        tries: How often the store answered that somebody else holds the session.
    """

    write: Write
    operation: Operation
    answer: asyncio.Future[Answer]
    slot: object = None
    phase: Phase = Phase.IDLE
    has_room: bool = False
    tries: int = 0

    def reach(self, phase: Phase) -> None:
        """Say how far it has come. An operation that has stored something before (a deletion) stays there."""
        self.phase = phase
        if self.operation.phase is not Phase.STORED:
            self.operation.phase = phase

    def settle(self, answer: Answer) -> None:
        """Give the caller his answer, if he is still there."""
        if not self.answer.done():
            self.answer.set_result(answer)
