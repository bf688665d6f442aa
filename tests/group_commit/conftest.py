"""A store that does as it is told, writes to send to it, and a loop whose time jumps instead of passing."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from holdfast import HoldfastError, InvalidArgument, Limits, OutcomeUnknown, StorageFull
from holdfast.toolkit import Busy, Done, GroupCommit, Head, Operation, Outcome, Ref, Row, SessionKey, Write
from holdfast.toolkit.operation import operation

PATIENCE = 60.0
"""The deadline of a caller, in seconds that pass at once."""


class DriverError(Exception):
    """An error of the driver; a subclass for each meaning."""


class ConnectionLost(DriverError):
    """The connection broke after the statement was sent."""


class DiskFull(DriverError):
    """The server has no space for this statement."""


class BadValue(DriverError):
    """The server does not take a value of this statement."""


def translate(error: Exception, running: Operation) -> HoldfastError | None:
    match error:
        case ConnectionLost():
            return OutcomeUnknown("The connection broke.", turn_id=running.turn_id)
        case DiskFull():
            return StorageFull("The disk is full.")
        case BadValue():
            return InvalidArgument("The server does not take it.")
    return None


class ScriptedStore:
    """Does to each write what the script says for its turn, and stores it otherwise.

    Attributes:
        script: By turn, what happens to it, try by try: ``Busy``, ``Refused``, or an exception for the flush.
        held: The sessions that somebody else holds for now.
        gate: No flush is answered while it is closed.
        delay: How many turns of the loop each answer takes.
        batches: The turns of each flush, as they were sent.
        stored: The turns that were stored, in this order.
        before: Is called when a flush begins.
    """

    def __init__(self) -> None:
        self.script: dict[str, list[Outcome | Exception]] = {}
        self.held: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.delay = 0
        self.batches: list[list[str]] = []
        self.stored: list[str] = []
        self.before: Callable[[Sequence[Write]], object] = lambda _: None
        self._runs = False

    async def flush(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        assert not self._runs, "two flushes at once"
        assert writes, "a flush of nothing"
        self._runs = True
        try:
            self.batches.append([each.turn_id for each in writes])
            self.before(writes)
            await self.gate.wait()
            await turns(self.delay)
            busy: set[Ref] = set()
            outcomes = [self._outcome(each, busy) for each in writes]
        finally:
            self._runs = False
        self.stored += [w.turn_id for w, o in zip(writes, outcomes, strict=True) if isinstance(o, Done)]
        return outcomes

    def _outcome(self, each: Write, busy: set[Ref]) -> Outcome:
        if each.ref.id in self.held or each.ref in busy:
            return Busy()
        script = self.script.get(each.turn_id)
        told = script.pop(0) if script else Done(Head(key=SessionKey(*each.ref, "k")))
        if isinstance(told, Exception):
            raise told
        if isinstance(told, Busy):
            busy.add(each.ref)  # with all its writes
        return told


def append(turn: str, session: str = "s", *, tenant: str = "", ids: Sequence[str] = (), size: int = 1) -> Write:
    """A plain append, of messages with these ids."""
    rows = tuple(Row(each, turn, 0, "user", 0, each.encode(), "") for each in ids or [f"{turn}.m"])
    return Write(Ref(tenant, session), turn, turn.encode(), now=0, size=size, rows=rows)


def appends(count: int, session: str = "s", **options) -> list[Write]:
    return [append(f"{session}{number}", session, **options) for number in range(count)]


async def submit(queue: GroupCommit, one: Write, timeout: float = PATIENCE) -> Done:
    """What an adapter does."""
    async with operation("commit", timeout=timeout, translate=translate, observer=None) as running:
        return await queue.submit(one, running)


def start(queue: GroupCommit, *writes: Write, timeout: float = PATIENCE) -> list[asyncio.Task[Done]]:
    """Callers of these writes, who come in this order."""
    return [asyncio.create_task(submit(queue, each, timeout)) for each in writes]


async def turns(count: int = 10) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def kinds(tasks: Sequence[asyncio.Task[Done]]) -> list[type]:
    """What these callers got: ``Done``, or which error."""
    return [type(answer) for answer in await asyncio.gather(*tasks, return_exceptions=True)]


async def soon(task: asyncio.Task[Done]) -> Done:
    """Its answer, for which no timer may be needed."""
    for _ in range(1000):
        if task.done():
            break
        await asyncio.sleep(0)
    assert task.done(), "it waits for ever"
    return await task


async def occupy(queue: GroupCommit, store: ScriptedStore, one: Write | None = None) -> asyncio.Task[Done]:
    """Begin a flush that is not answered until the gate opens: what comes now gathers behind it."""
    store.gate.clear()
    [task] = start(queue, one or append("first", "elsewhere"))
    await turns()
    assert store.batches[-1] == [one.turn_id if one else "first"]
    return task


def left_in(queue: GroupCommit) -> list[object]:
    """What the queue still counts or keeps; nothing, when all have their answers."""
    room = queue._admission
    counts = [room._all.items, room._all.size, *room._tenants, *room._waiting]
    lanes = [*queue._lanes._lanes, *queue._lanes._turns]
    return [each for each in [*counts, *lanes, *queue._flying] if each]


def let_time_jump(loop: asyncio.AbstractEventLoop) -> None:
    """Where the loop would sleep until a timer, that time is there at once; without a timer it is an error."""
    selector, now = loop._selector, [1000.0]
    really = selector.select

    def select(timeout: float | None = None):
        if timeout is None:
            raise RuntimeError("Nothing will happen any more, and somebody waits.")
        now[0] += max(timeout, 0)
        return really(0)

    selector.select = select
    loop.time = lambda: now[0]


@pytest.fixture(autouse=True)
async def loop_errors() -> Iterator[list[str]]:
    """Time jumps in every test here, and what goes wrong in a callback or in a forgotten task fails it."""
    errors: list[str] = []
    loop = asyncio.get_running_loop()
    let_time_jump(loop)
    loop.set_exception_handler(
        lambda _, context: errors.append(f"{context['message']} {context.get('exception')!r}")
    )
    yield errors
    await turns()
    assert errors == []


@pytest.fixture
async def store() -> ScriptedStore:
    return ScriptedStore()


@pytest.fixture
def make_queue(store: ScriptedStore) -> Callable[..., GroupCommit]:
    def make(*, limits: Limits | None = None, **options) -> GroupCommit:
        return GroupCommit(store.flush, limits or Limits(), translate=translate, **options)

    return make


@pytest.fixture
def queue(make_queue) -> GroupCommit:
    return make_queue()
