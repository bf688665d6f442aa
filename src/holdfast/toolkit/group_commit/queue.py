"""The queue: callers put their writes in, one task flushes what has gathered."""

import asyncio
import contextvars
import logging
import random
from collections.abc import Sequence

from holdfast.capabilities import Limits
from holdfast.errors import AdapterClosed, BackendUnavailable, FlushIncomplete, OutcomeUnknown
from holdfast.toolkit.binding import Binding
from holdfast.toolkit.group_commit.admission import Admission
from holdfast.toolkit.group_commit.failures import error_for, own
from holdfast.toolkit.group_commit.flusher import Flusher
from holdfast.toolkit.group_commit.item import Failed, Flush, Item
from holdfast.toolkit.group_commit.lanes import Lane, Lanes
from holdfast.toolkit.operation import Observer, Operation, Phase, Slot, Translate, ask
from holdfast.toolkit.store import Done, Refused, Write

__all__ = ["GroupCommit"]

logger = logging.getLogger("holdfast")

# Seconds until a session is tried again that somebody else holds; SQLite's own steps are much the same.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1

_HEALING = 1.0  # seconds for a flush that was cancelled to put its connection in order


class GroupCommit:
    """Every write of an adapter goes this way: one flush at a time, of all that gathered during the last.

    The flush runs in a task of its own, in an empty context. A caller that goes away withdraws a write that
    was not sent; a sent one completes, so that no connection is left half-read.
    """

    def __init__(
        self,
        flush: Flush,
        limits: Limits,
        *,
        translate: Translate,
        timeout: float = 30.0,
        observer: Observer | None = None,
        slot: Slot | None = None,
    ) -> None:
        """Make a queue before a store.

        Args:
            flush: ``Store.flush``.
            limits: How much may be in the queue.
            translate: What the driver's errors mean.
            timeout: The deadline of one flush, in seconds: its callers are gone then.
            observer: Is told of each flush, in the flush's task.
            slot: Called in the caller's task when he submits; what it gives is told to the flush's observer.
        """
        self._flusher = Flusher(flush, translate, timeout=timeout, observer=observer)
        self._translate = translate
        self._slot = slot
        self._admission = Admission(limits)
        self._lanes = Lanes()
        self._flying: Sequence[Item] = ()
        self._task: asyncio.Task[None] | None = None
        self._binding = Binding()
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def submit(self, write: Write, operation: Operation) -> Done:
        """Return when the write is durable.

        Raises:
            HoldfastError: It was refused, or it failed; ``operation.phase`` says how far it had come.
            AdapterClosed: The queue is closed.
            WrongProcess: It was used before a fork.
            WrongEventLoop: It was used in another loop.
        """
        self._binding.check()
        if self._closed:
            raise AdapterClosed("It was closed before.")
        operation.turn_id = write.turn_id
        answer = asyncio.get_running_loop().create_future()
        item = Item(write, operation, answer, ask(self._slot) if self._slot else None)
        self._enter(item)
        try:
            outcome = await answer
        except BaseException:
            self._withdraw(item)
            raise
        if isinstance(outcome, Done):
            operation.phase = Phase.STORED
            return outcome
        if isinstance(outcome, Refused):
            item.reach(Phase.IDLE)
            raise own(outcome.error)
        raise error_for(outcome.error, item, self._translate)

    def _enter(self, item: Item) -> None:
        self._idle.clear()
        if self._admission.enter(item):
            self._queue(item)
        else:
            item.reach(Phase.WAITING)
            self._admission.wait(item)
            self._admit()

    def _admit(self) -> None:
        for item in self._admission.admitted():
            item.reach(Phase.IDLE)
            self._queue(item)

    def _queue(self, item: Item) -> None:
        if self._lanes.add(item).parked:
            self._admission.release(item)  # what waits for one session must not keep others out
        else:
            self._start()

    def _withdraw(self, item: Item) -> None:
        self._lanes.withdraw(item)
        self._admission.withdraw(item)
        self._admit()
        self._rest()

    def _start(self) -> None:
        if not self._runs():
            # An empty context: nothing of the first caller's (log fields, spans) may be in the flush.
            create = asyncio.get_running_loop().create_task
            self._task = create(self._run(), context=contextvars.Context(), name="holdfast-flush")
            self._task.add_done_callback(self._ended, context=contextvars.Context())

    async def _run(self) -> None:
        while batch := self._lanes.pick():
            self._flying = batch
            for item in batch:
                self._admission.release(item)
            self._admit()
            self._park(await self._flusher.send(batch))
            self._flying = ()
            await asyncio.sleep(0)  # those who were answered often write again at once: let them fly with the rest

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # by a stranger: nobody must wait for it in vain
            self._stop(BackendUnavailable("The flush was stopped before this was sent."))
        elif error := task.exception():
            logger.error("A flush failed", exc_info=error)
            self._stop(BackendUnavailable("The flush failed before this was sent."))
        self._rest()

    def _rest(self) -> None:
        if not (self._runs() or self._lanes or self._admission):
            self._idle.set()

    def _runs(self) -> bool:
        return self._task is not None and not self._task.done()

    def _park(self, busy: Sequence[Item]) -> None:
        """Leave sessions alone that somebody else holds; those that were left as often meet again in one flush."""
        if not busy:
            return
        for item in busy:
            item.tries += 1
        shorter = random.uniform(0.5, 1)  # noqa: S311 - no secret
        later = asyncio.get_running_loop().call_later
        for lane in self._lanes.park(busy):
            for item in lane.items:
                self._admission.release(item)
            pause = min(_FIRST_PAUSE * 2 ** lane.items[0].tries, _LONGEST_PAUSE) * shorter
            later(pause, self._resume, lane, context=contextvars.Context())
        self._admit()

    def _resume(self, lane: Lane) -> None:
        if lane.items:
            self._lanes.resume(lane)
            self._start()

    async def aclose(self, timeout: float) -> None:
        """Take nothing new, and flush what is there.

        Args:
            timeout: For so many seconds at most.

        Raises:
            FlushIncomplete: That was not long enough; it names what is left.
        """
        self._closed = True
        unsent = AdapterClosed("It was closed before this could be written.")
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            left, task = self._stop(unsent), self._task
            if task is not None:
                await asyncio.wait({task}, timeout=_HEALING)
            if left:
                raise FlushIncomplete(left) from None
        except asyncio.CancelledError:
            self._stop(unsent)
            raise

    def _stop(self, unsent: Exception) -> list[str]:
        """End it now; return the sessions of what is not known to be stored."""
        if self._task is not None:
            self._task.cancel()
        flying = [item for item in self._flying if not item.answer.done() or _unknown(item)]
        queued = [*self._lanes.items(), *self._admission.waiting()]
        self._flying = ()
        for item in [*flying, *queued]:
            sent = item.phase is Phase.SENT
            item.settle(Failed(OutcomeUnknown("It was stopped before the answer came.") if sent else unsent))
        for item in queued:
            self._lanes.withdraw(item)
            self._admission.withdraw(item)
        self._rest()
        return [item.write.ref.id for item in (*flying, *queued)]


def _unknown(item: Item) -> bool:
    """Whether its caller is gone, and it may still be stored."""
    return item.answer.cancelled() and item.phase is Phase.SENT
