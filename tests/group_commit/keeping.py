"""A store that really keeps what is flushed, goes wrong as it is told, and trusts no batch."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tests.group_commit.conftest import BadValue, ConnectionLost, append, turns

from holdfast import BackendUnavailable
from holdfast.toolkit import Busy, Done, Outcome, Ref, Row, SessionKey, Span, StateChange, Write
from holdfast_memory._store import MemoryStore

STATE = StateChange(None, None, None, "active", None, None, None, b"state", "{}")
FLUSH_ITEMS, FLUSH_BYTES = 5, 20
"""In place of the real bounds of a flush."""


class Fate(NamedTuple):
    """What becomes of one flush, after so many turns of the loop."""

    turns: int = 0
    lost: str = ""
    """``before`` it was sent, ``after`` it was stored, ``between``, or the answer never comes: ``silent``."""
    stored: bool = False
    """Of a silent one: whether it is stored all the same."""


class KeepingStore:
    """Each write carries its caller's number in ``now``.

    Attributes:
        held: The sessions that somebody else holds.
        guilty: The callers for whose writes the server refuses the statement.
        sent: The callers of each flush.
        stored: The callers whose writes were stored, in this order.
        complaints: What was wrong with a batch.
        answered: Says whether a caller has his answer already.
    """

    def __init__(self, fates: Iterable[Fate]) -> None:
        self._memory = MemoryStore()
        self._fates = iter(fates)
        self.held: set[Ref] = set()
        self.guilty: set[int] = set()
        self.sent: list[list[int]] = []
        self.stored: list[int] = []
        self.complaints: list[AssertionError] = []
        self.answered: Callable[[int], bool] = lambda _: False

    async def create(self, refs: Iterable[Ref]) -> None:
        creations = [
            append("create")._replace(ref=r, rows=(), create=repr(r), expected=0, state=STATE) for r in refs
        ]
        await self._memory.flush(creations)

    def relent(self) -> None:
        """From now on all goes well."""
        self.held.clear()
        self._fates = iter(())

    async def rows(self, ref: Ref) -> Sequence[Row] | None:
        return await self._memory.rows(SessionKey(*ref, repr(ref)), Span(limit=10_000))

    async def flush(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        try:
            self._check(writes)
        except AssertionError as complaint:
            self.complaints.append(complaint)  # perhaps nobody waits who would be told
            raise
        self.sent.append([each.now for each in writes])
        fate = next(self._fates, Fate())
        await turns(fate.turns)
        if any(each.now in self.guilty for each in writes):
            raise BadValue
        if fate.lost == "before":
            raise BackendUnavailable
        if fate.lost == "between":
            raise ConnectionLost
        if fate.lost == "silent" and not fate.stored:
            await asyncio.Event().wait()
        outcomes = await self._store(writes)
        if fate.lost == "after":
            raise ConnectionLost
        if fate.lost == "silent":
            await asyncio.Event().wait()
        return outcomes

    async def _store(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for each in writes:
            [outcome] = [Busy()] if each.ref in self.held else await self._memory.flush([each])
            outcomes.append(outcome)
            if isinstance(outcome, Done) and not outcome.replayed:
                self.stored.append(each.now)
        return outcomes

    def _check(self, writes: Sequence[Write]) -> None:
        assert 0 < len(writes) <= FLUSH_ITEMS
        assert len(writes) == 1 or sum(each.size for each in writes) <= FLUSH_BYTES
        assert not [each.now for each in writes if self.answered(each.now)], "nobody waits for it any more"
        assert not [each.now for each in writes if each.now in self.stored], "it is stored already"
        for ref in {each.ref for each in writes}:
            mine = [each for each in writes if each.ref == ref]
            assert [each.now for each in mine] == sorted(each.now for each in mine)
            assert len(mine) == 1 or all(map(is_plain, mine)), "it must fly apart"
            ids = [row.id for each in mine for row in each.rows]
            assert len(ids) == len(set(ids)), "ids in common"


def is_plain(each: Write) -> bool:
    """Whether it is an append without any condition: nothing else is said than what every append says."""
    said = each._replace(rows=(), size=0, now=0, turn_id="", digest=b"", ref=Ref("", ""))
    return bool(each.rows) and said == Write(Ref("", ""), "", b"", 0)
