"""Natural batching, as every coalesced contender does it: what arrives during a flush is the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Batching"]

T = TypeVar("T")
R = TypeVar("R")

_LIMIT = 256  # items a batch


class Batching(Generic[T, R]):
    """Gathers items while a flush runs. Nobody waits on purpose: an item alone flies alone, at once."""

    def __init__(self, flush: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]) -> None:
        self._flush = flush
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Return this item's own result, or raise its own error, when its batch was flushed."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._task is None:
            # It starts at the loop's next turn: whoever is ready now still joins the batch.
            self._task = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_LIMIT], self._waiting[_LIMIT:]
            results = await self._results([item for item, _ in batch])
            for (_, answer), result in zip(batch, results, strict=True):
                if answer.done():
                    continue  # its caller has gone away
                if isinstance(result, Exception):
                    answer.set_exception(result)
                else:
                    answer.set_result(result)
        self._task = None

    async def _results(self, items: Sequence[T]) -> Sequence[R | Exception]:
        try:
            return await self._flush(items)
        except Exception as error:  # noqa: BLE001 - it is every waiting caller's
            return [error] * len(items)
