"""How a batch is sent, and how each of its writes gets its own answer."""

import asyncio
from collections.abc import Iterable, Sequence
from time import perf_counter

from holdfast.errors import OutcomeUnknown
from holdfast.toolkit.group_commit.failures import concerns_all, what_it_means
from holdfast.toolkit.group_commit.item import Failed, Flush, Item
from holdfast.toolkit.operation import Observed, Observer, Phase, Translate, tell
from holdfast.toolkit.store import Busy, Outcome

__all__ = ["Flusher"]


class Flusher:
    """Sends batches to a store."""

    def __init__(self, flush: Flush, translate: Translate, *, timeout: float, observer: Observer | None) -> None:
        self._flush = flush
        self._translate = translate
        self._timeout = timeout
        self._observer = observer

    async def send(self, batch: Sequence[Item]) -> list[Item]:
        """Flush a batch and give all answers; return those whose session somebody else holds.

        A batch that is refused as a whole is split in two, again and again, until the one that is at fault
        is alone. A connection that is lost is lost for all of them at once.
        """
        busy: list[Item] = []
        parts = [list(batch)]
        while parts:
            part = _wanted(parts.pop(), busy)
            if not part:
                continue
            try:
                outcomes = await self._flush_once(part)
            except Exception as error:  # noqa: BLE001 - each caller gets it
                if concerns_all(error, self._translate):
                    _fail((item for items in (part, *parts) for item in items), error)
                    break
                parts += _split(part, error)
            else:
                _settle(part, outcomes, busy)
        return busy

    async def _flush_once(self, part: Sequence[Item]) -> Sequence[Outcome]:
        for item in part:
            item.reach(Phase.SENT)
        started = perf_counter()
        raised: BaseException | None = None
        try:
            async with asyncio.timeout(self._timeout):
                return _one_each(await self._flush([item.write for item in part]), part)
        except BaseException as error:
            raised = error
            raise
        finally:
            if self._observer is not None:
                slots = tuple(item.slot for item in part)
                told = what_it_means(raised, self._translate) if isinstance(raised, Exception) else raised
                tell(self._observer, Observed("flush", perf_counter() - started, told, slots))


def _one_each(outcomes: Sequence[Outcome], part: Sequence[Item]) -> Sequence[Outcome]:
    if len(outcomes) != len(part):
        raise OutcomeUnknown(f"The store gave {len(outcomes)} outcomes for {len(part)} writes.")
    return outcomes


def _wanted(part: Iterable[Item], busy: list[Item]) -> list[Item]:
    """Those that are still to be sent: their callers wait, and nothing before them in their session is left."""
    held = {item.write.ref for item in busy}
    waiting = [item for item in part if not item.answer.done()]
    busy.extend(item for item in waiting if item.write.ref in held)
    return [item for item in waiting if item.write.ref not in held]


def _settle(part: Sequence[Item], outcomes: Sequence[Outcome], busy: list[Item]) -> None:
    for item, outcome in zip(part, outcomes, strict=True):
        if not isinstance(outcome, Busy):
            item.settle(outcome)
        elif not item.answer.done():
            item.reach(Phase.BUSY)
            busy.append(item)


def _split(part: Sequence[Item], error: Exception) -> list[list[Item]]:
    """The halves of a part that was refused, the second first; one alone has found what it is refused for."""
    if len(part) == 1:
        _fail(part, error)
        return []
    for item in part:
        item.reach(Phase.IDLE)
    middle = len(part) // 2
    return [list(part[middle:]), list(part[:middle])]


def _fail(items: Iterable[Item], error: Exception) -> None:
    for item in items:
        item.settle(Failed(error))
