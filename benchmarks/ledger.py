"""What was acknowledged, and whether the store has it: exactly that, once, in its place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contender import Contender, Said, State, Stored

__all__ = ["Ledger", "Losses", "whole"]

_PAGE = 1000


@dataclass(slots=True)
class Losses:
    """What a store owes.

    Attributes:
        lost: Acknowledged, and not stored; a state that is not the acknowledged one counts too.
        doubled: Stored more often than acknowledged.
        misplaced: Stored, but at another position than the acknowledged one, or behind a hole.
    """

    lost: int = 0
    doubled: int = 0
    misplaced: int = 0

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.misplaced)

    def __add__(self, other: "Losses") -> "Losses":
        return Losses(self.lost + other.lost, self.doubled + other.doubled, self.misplaced + other.misplaced)

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.doubled} doubled, {self.misplaced} misplaced"


class Ledger:
    """What a contender has acknowledged. The content of each message is its own."""

    def __init__(self) -> None:
        self._messages: dict[str, list[Stored]] = {}
        self._states: dict[str, tuple[State, int]] = {}

    @property
    def messages(self) -> int:
        """How many were acknowledged."""
        return sum(map(len, self._messages.values()))

    def stored(self, session_id: str, said: Sequence[Said], seqs: Sequence[int]) -> None:
        """Note messages that were acknowledged with these positions."""
        placed = (Stored(seq, one["content"]) for seq, one in zip(seqs, said, strict=True))
        self._messages.setdefault(session_id, []).extend(placed)

    def saved(self, session_id: str, state: State, version: int) -> None:
        """Note a state, and the version that it has now."""
        self._states[session_id] = state, version

    async def losses(self, contender: Contender) -> Losses:
        """Read everything back through the contender and compare."""
        total = Losses()
        for session_id, acknowledged in self._messages.items():
            total += _compared(acknowledged, await whole(contender, session_id))
        for session_id, state in self._states.items():
            total.lost += await contender.load(session_id) != state
        return total


def _compared(acknowledged: Sequence[Stored], found: Sequence[Stored]) -> Losses:
    wanted, there = Counter(one.content for one in acknowledged), Counter(one.content for one in found)
    places = {one.content: one.seq for one in acknowledged}
    moved = sum(places.get(one.content, one.seq) != one.seq for one in found)
    holes = sum(one.seq != seq for seq, one in enumerate(found, 1))
    return Losses((wanted - there).total(), (there - wanted).total(), max(moved, holes))


async def whole(contender: Contender, session_id: str) -> list[Stored]:
    """All messages of a session."""
    found: list[Stored] = []
    while page := await contender.page(session_id, found[-1].seq if found else 0, _PAGE):
        found += map(contender.stored, page)
    return found
