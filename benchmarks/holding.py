"""Sessions that are held open in one loop: while nothing changes, and while some of them turn."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

from benchmarks.memory import resident
from benchmarks.works.inputs import exchange
from holdfast import LiveSession

__all__ = ["Busy", "Quiet", "Size", "busy", "held", "place", "quiet"]

_BEAT = 0.01  # seconds between two beats of the loop's heart
_WAVE = 64  # sessions that are opened at once
_SHARE = 100  # of so many sessions one turns each second
_AGAIN = 10  # seconds after which a session turns again: what memory grows by later is not its first turn's


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        sessions: How many are open.
        quiet: For how many seconds nothing changes.
        busy: For how many seconds one in a hundred turns each second; every tenth second it is the same ones.
    """

    sessions: int = 10_000
    quiet: float = 10.0
    busy: int = 60


@dataclass(frozen=True, slots=True)
class Quiet:
    """A loop that holds sessions, in which nothing changes.

    Attributes:
        memory: Resident bytes of an open session.
        cpu: Seconds of CPU over that time.
        stall: The longest time by which a timer came late, in seconds.
    """

    memory: float
    cpu: float
    stall: float


@dataclass(frozen=True, slots=True)
class Busy:
    """The same loop, while some sessions turn.

    Attributes:
        turns: How many turns there were.
        stall: The longest time by which a timer came late, in seconds.
        grown: Resident bytes that came over that time.
        grown_late: And over its second half.
    """

    turns: int
    stall: float
    grown: int
    grown_late: int


@dataclass(slots=True)
class _Heart:
    """Beats in the loop, and notes how late at most."""

    late: float = 0.0

    async def beat(self) -> None:
        while True:
            due = perf_counter() + _BEAT
            await asyncio.sleep(_BEAT)
            self.late = max(self.late, perf_counter() - due)


@contextmanager
def _heart() -> Generator[_Heart]:
    heart = _Heart()
    task = asyncio.get_running_loop().create_task(heart.beat())
    yield heart
    task.cancel()


@asynccontextmanager
async def held(
    hold: Callable[[str], AbstractAsyncContextManager[Any]], names: Sequence[str]
) -> AsyncGenerator[list[Any]]:
    """Open all sessions, each in a task of its own, and leave them at the end."""
    all_held, let_go = asyncio.Barrier(len(names) + 1), asyncio.Event()
    places = asyncio.Semaphore(_WAVE)
    sessions: list[Any] = []

    async def user(name: str) -> None:
        async with AsyncExitStack() as stack:
            async with places:
                sessions.append(await stack.enter_async_context(hold(name)))
            await all_held.wait()
            await let_go.wait()

    async with asyncio.TaskGroup() as users:
        for name in names:
            users.create_task(user(name))
        await all_held.wait()
        yield sessions
        let_go.set()


async def quiet(size: Size, before: int) -> Quiet:
    """Nothing changes; ``before`` is the resident memory without the sessions."""
    memory = (_collected() - before) / size.sessions
    with _heart() as heart:
        begun = process_time()
        await asyncio.sleep(size.quiet)
        return Quiet(memory, process_time() - begun, heart.late)


async def busy(sessions: Sequence[LiveSession[Any]], size: Size) -> Busy:
    """One session in a hundred turns each second; the turns are spread over it."""
    memory, late = [_collected()], 0.0
    middle = size.busy // 2
    for seconds in (range(middle), range(middle, size.busy)):
        with _heart() as heart:
            for second in seconds:
                await _second(sessions, size, second)
        late = max(late, heart.late)
        memory.append(_collected())
    return Busy(size.busy * _each_second(size), late, memory[2] - memory[0], memory[2] - memory[1])


async def _second(sessions: Sequence[LiveSession[Any]], size: Size, second: int) -> None:
    begun, each = perf_counter(), _each_second(size)
    for number in range(each):
        await asyncio.sleep(max(0.0, begun + number / each - perf_counter()))
        index, again = place(second * each + number, size)
        await _turn(sessions[index], again)
    await asyncio.sleep(max(0.0, begun + 1 - perf_counter()))


async def _turn(session: LiveSession[Any], again: int) -> None:
    async with session.turn() as turn:
        for one in exchange(0, again):
            turn.add(**one)
        session.data["turns"] = again + 1


def _collected() -> int:
    """The resident memory, with the garbage out of the way."""
    gc.collect()
    return resident()


def _each_second(size: Size) -> int:
    return max(1, size.sessions // _SHARE)


def place(turn: int, size: Size) -> tuple[int, int]:
    """Which session takes a turn, and how many it took before."""
    again, index = divmod(turn, _each_second(size) * _AGAIN)
    return index, again
