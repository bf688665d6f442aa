"""The CPU time of our layers for one append: over a store that answers at once, less what encoding takes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.timing import lap, together
from benchmarks.works.inputs import TASKS, names, remark
from holdfast import Durability, Limits, Message, Turn
from holdfast.codec import Plain
from holdfast.toolkit import Done, Facts, Found, Head, HeadQuery, Ref, Row, SessionKey, Span, StoreAdapter, Write
from holdfast.toolkit.encoding import encode_turn

__all__ = ["BAR", "AppendCPU", "measure"]

BAR = 15.0
"""Microseconds above encoding."""


@dataclass(frozen=True, slots=True)
class AppendCPU:
    """Microseconds of CPU for one append of one message.

    Attributes:
        append: All of it, by tasks side by side.
        encode: Encoding that turn, in a loop.
        message: Building that message, which is in neither.
    """

    append: float
    encode: float
    message: float

    @property
    def layers(self) -> float:
        """What all but encoding takes."""
        return self.append - self.encode


def measure(rounds: int, appends: int) -> AppendCPU:
    """Measure in turn; the medians of the rounds.

    Args:
        rounds: How often.
        appends: How many appends each task does.
    """
    once = [_once(appends) for _ in range(rounds)]
    return AppendCPU(*(median(values) for values in zip(*once, strict=True)))


def _once(appends: int) -> tuple[float, float, float]:
    said = [remark(task, number)[0] for task in range(TASKS) for number in range(appends)]
    with lap() as building:
        messages = [Message(**one) for one in said]
    turns = [Turn(session_id="session-0", messages=[message]) for message in messages]
    with lap() as encoding:
        _encode(turns)
    appending = asyncio.run(_append(messages))
    return appending * 1e6, encoding.cpu / len(said) * 1e6, building.cpu / len(said) * 1e6


def _encode(turns: Sequence[Turn]) -> None:
    limits, codec = Limits(), Plain()
    for turn in turns:
        encode_turn(turn, tenant="", now=0, limits=limits, codec=codec, lifetimes={})


async def _append(messages: Sequence[Message]) -> float:
    async def task(session_id: str, mine: Sequence[Message]) -> None:
        for message in mine:
            await adapter.messages.append(session_id, [message])

    async with StoreAdapter(InstantStore(), translate=lambda _, __: None, options={}) as adapter:
        tasks = [task(session_id, messages[number::TASKS]) for number, session_id in enumerate(names(TASKS))]
        return (await together(tasks, len(messages))).cpu


class InstantStore:
    """A store that keeps nothing and says yes, so that only our layers cost anything."""

    def __init__(self) -> None:
        self._done = {
            Ref("", name): Done(head=Head(key=SessionKey("", name, "k")), seqs=(1,), appended=1)
            for name in names(TASKS)
        }

    async def flush(self, writes: Sequence[Write]) -> Sequence[Done]:
        """Done, all of them."""
        return [self._done[write.ref] for write in writes]

    async def heads(self, refs: Sequence[Ref], *, state: bool) -> Sequence[Head | None]:  # noqa: ARG002
        """None."""
        return [None] * len(refs)

    async def rows(self, key: SessionKey, span: Span) -> Sequence[Row] | None:  # noqa: ARG002
        """None."""
        return None

    async def find(self, query: HeadQuery) -> Found:  # noqa: ARG002
        """Nothing."""
        return Found((), None)

    async def free(self, key: SessionKey, *, limit: int) -> int:  # noqa: ARG002
        """Nothing."""
        return 0

    async def sweep(self, *, tenant: str | None, limit: int, now: int) -> int:  # noqa: ARG002
        """Nothing."""
        return 0

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:  # noqa: ARG002
        """It can do nothing, and keeps nothing."""
        return Facts(frozenset(), Durability.MEMORY)

    async def ping(self) -> None:
        """It answers."""

    async def aclose(self) -> None:
        """There is nothing to close."""
