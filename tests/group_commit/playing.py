"""A schedule: what callers, other holders of a session and strangers do; and what must be true of it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from tests.group_commit.conftest import append, left_in, start, translate, turns
from tests.group_commit.keeping import STATE, Fate, KeepingStore

from holdfast import (
    AdapterClosed,
    BackendTimeout,
    BackendUnavailable,
    Backpressure,
    DuplicateIdConflict,
    InvalidArgument,
    Limits,
    OutcomeUnknown,
    VersionConflict,
)
from holdfast.toolkit import Done, GroupCommit, Ref, Removal, Write

REFS = [Ref(tenant, name) for tenant in ("", "t") for name in "xyz"]
NOT_WRITTEN = (
    BackendTimeout,
    BackendUnavailable,
    Backpressure,
    InvalidArgument,
    VersionConflict,
    DuplicateIdConflict,
    AdapterClosed,
)


class Submit(NamedTuple):
    ref: Ref
    kind: str
    ids: Sequence[str]
    size: int
    deadline: float
    guilty: bool


class Again(NamedTuple):
    """The write of an earlier caller once more, by another one."""

    caller: int


class Cancel(NamedTuple):
    caller: int


class Hold(NamedTuple):
    """Somebody else takes hold of a session, or lets it go."""

    ref: Ref


class Turns(NamedTuple):
    count: int


class Sleep(NamedTuple):
    seconds: float


class Stranger(NamedTuple):
    """Cancels the task of the flush."""


class Play:
    """Plays a schedule, and looks at what came of it."""

    def __init__(self, limits: Limits, fates: Sequence[Fate]) -> None:
        self.store = KeepingStore(fates)
        self.store.answered = lambda number: self.tasks[number].done()
        self.queue = GroupCommit(self.store.flush, limits, translate=translate, timeout=2)
        self.writes: list[Write] = []
        self.tasks: list[asyncio.Task[Done]] = []
        self.cancelled: set[int] = set()

    async def play(self, schedule) -> None:
        await self.store.create(REFS)
        for step in schedule:
            await self.step(step)

    async def step(self, step) -> None:
        match step:
            case Submit():
                self.submit(_write(step, len(self.writes)), step.deadline, guilty=step.guilty)
            case Again(caller) if caller < len(self.writes):
                self.submit(self.writes[caller], 60, guilty=False)
            case Cancel(caller) if caller < len(self.tasks) and self.tasks[caller].cancel():
                self.cancelled.add(caller)
            case Hold(ref):
                self.store.held ^= {ref}
            case Turns(count):
                await turns(count)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Stranger():
                for task in asyncio.all_tasks():
                    if task.get_name() == "holdfast-flush":
                        task.cancel()

    def submit(self, write: Write, deadline: float, *, guilty: bool) -> None:
        number = len(self.writes)
        self.writes.append(write._replace(now=number))
        if guilty:
            self.store.guilty.add(number)
        self.tasks += start(self.queue, self.writes[-1], timeout=deadline)

    async def check(self) -> None:
        """All are answered soon, now that nothing goes wrong any more, and truly."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        answers = await asyncio.gather(*self.tasks, return_exceptions=True)
        assert clock() - begun < 5, "somebody waited in vain"
        await asyncio.sleep(5)  # a flush whose callers are gone is given up
        for number, answer in enumerate(answers):
            self.check_answer(number, answer)
        assert self.store.complaints == []
        errors = [answer for answer in answers if isinstance(answer, Exception)]
        assert len({id(error) for error in errors}) == len(errors)
        for ref in REFS:
            mine = [number for number in self.store.stored if self.writes[number].ref == ref]
            assert mine == sorted(set(mine)), "the order of a session"
            seqs = [row.seq for row in await self.store.rows(ref)]
            assert seqs == sorted(set(seqs))
        assert left_in(self.queue) == []

    def check_answer(self, number: int, answer: Done | BaseException) -> None:
        stored = self.store.stored.count(number)
        if isinstance(answer, Done):
            earlier = [n for n in self.store.stored if self.writes[n].ref == self.writes[number].ref]
            assert stored == (0 if answer.replayed else 1)
            assert stored or earlier, "a replay of nothing"
        elif isinstance(answer, OutcomeUnknown):
            assert answer.turn_id == self.writes[number].turn_id
            assert [batch for batch in self.store.sent if number in batch]
        elif isinstance(answer, asyncio.CancelledError):
            assert number in self.cancelled
        else:
            assert isinstance(answer, NOT_WRITTEN), repr(answer)
            assert not stored, repr(answer)


def _write(step: Submit, number: int) -> Write:
    plain = append(f"turn {number}", step.ref.id, tenant=step.ref.tenant, ids=step.ids, size=step.size)
    match step.kind:
        case "save":
            return plain._replace(rows=(), state=STATE)
        case "both":
            return plain._replace(state=STATE)
        case "guarded":
            return plain._replace(last_seq=number % 3)
        case "removal":
            return plain._replace(rows=(), remove=Removal(0, 1))
        case "touch":
            return plain._replace(rows=(), touch=True)
    return plain
