"""The one way by which writes reach a store: one after the other, each acknowledged after its commit.

``GroupCommit`` will take this place and flush what gathers as one batch; nothing else will change.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from holdfast.capabilities import Limits
from holdfast.errors import AdapterClosed, FlushIncomplete, OutcomeUnknown
from holdfast.toolkit.operation import Operation, Phase
from holdfast.toolkit.store import Busy, Done, Outcome, Refused, Write

__all__ = ["SerialCommit"]

Flush = Callable[[Sequence[Write]], Awaitable[Sequence[Outcome]]]

_BUSY_PAUSE = 0.01  # seconds between two tries at a session that somebody else holds


@dataclass(slots=True, eq=False)
class _Item:
    write: Write
    operation: Operation
    answer: asyncio.Future[Done | Refused]


class SerialCommit:
    """A bounded queue of writes, and the task that flushes them.

    The flush never runs in a caller's task: a caller that goes away withdraws a write that was not sent, and
    a sent one completes, so that no connection is left half-read.
    """

    def __init__(self, flush: Flush, limits: Limits) -> None:
        self._flush = flush
        self._limits = limits
        self._queue: deque[_Item] = deque()
        self._bytes = 0
        self._waiting: deque[_Item] = deque()
        self._task: asyncio.Task[None] | None = None
        self._sent: _Item | None = None

    async def submit(self, write: Write, operation: Operation) -> Done:
        """Return when the write is durable.

        Raises:
            HoldfastError: The store refused it; nothing of it is stored.
        """
        operation.turn_id = write.turn_id
        item = _Item(write, operation, asyncio.get_running_loop().create_future())
        if self._waiting or self._full(write):
            operation.phase = Phase.WAITING
            self._waiting.append(item)
        else:
            self._take(item)
        try:
            outcome = await asyncio.shield(item.answer)
        except asyncio.CancelledError:
            if operation.phase is not Phase.SENT:
                item.answer.cancel()
            raise
        if isinstance(outcome, Refused):
            operation.phase = Phase.IDLE
            raise outcome.error
        operation.phase = Phase.STORED
        return outcome

    async def aclose(self, timeout: float) -> None:
        """Flush what waits.

        Raises:
            FlushIncomplete: Not everything could be flushed in ``timeout`` seconds; it names what is left.
        """
        if self._task is None or self._task.done():
            return
        try:
            done, _ = await asyncio.wait({self._task}, timeout=timeout)
        except asyncio.CancelledError:
            self._give_up()
            raise
        if not done:
            raise FlushIncomplete(self._give_up())

    def _give_up(self) -> list[str]:
        if self._task is not None:
            self._task.cancel()
        left = [*([self._sent] if self._sent else []), *self._queue, *self._waiting]
        self._queue.clear()
        self._waiting.clear()
        for item in left:
            if item.answer.done():
                continue
            if item is self._sent:
                item.answer.set_exception(OutcomeUnknown("The adapter was closed.", turn_id=item.write.turn_id))
            else:
                item.answer.set_exception(AdapterClosed("It was closed before this could be written."))
            item.answer.exception()  # its caller may be gone: nobody else would look at it
        return [item.write.ref.id for item in left]

    def _full(self, write: Write) -> bool:
        """Whether there is no room; an empty queue takes anything."""
        too_many = len(self._queue) >= self._limits.queue_items
        return bool(self._queue) and (too_many or self._bytes + write.size > self._limits.queue_bytes)

    def _take(self, item: _Item) -> None:
        item.operation.phase = Phase.IDLE
        self._queue.append(item)
        self._bytes += item.write.size
        self._start()

    def _admit(self) -> None:
        """Give the room that there is to those who wait, in their order."""
        while self._waiting and (self._waiting[0].answer.done() or not self._full(self._waiting[0].write)):
            item = self._waiting.popleft()
            if not item.answer.done():
                self._take(item)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            # An empty context: nothing of the first caller's (log fields, spans) may be in the flush.
            run = asyncio.get_running_loop().create_task
            self._task = run(self._run(), context=contextvars.Context(), name="holdfast-commit")

    async def _run(self) -> None:
        while self._queue:
            item = self._queue.popleft()
            self._bytes -= item.write.size
            self._admit()
            self._sent = item
            await self._answer(item)
            self._sent = None

    async def _answer(self, item: _Item) -> None:
        try:
            outcome = await self._flushed(item)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who translates it
            if not item.answer.done():
                item.answer.set_exception(error)
        else:
            if outcome is not None and not item.answer.done():
                item.answer.set_result(outcome)

    async def _flushed(self, item: _Item) -> Done | Refused | None:
        """The outcome; None if the caller went away while nothing was stored."""
        while not item.answer.done():
            item.operation.phase = Phase.SENT
            [outcome] = await self._flush([item.write])
            if not isinstance(outcome, Busy):
                return outcome
            item.operation.phase = Phase.IDLE
            await asyncio.sleep(_BUSY_PAUSE)
        return None
