"""What is flushed next: a lane for each session, and the lanes take turns."""

from collections import deque
from collections.abc import Iterable

from holdfast.toolkit.group_commit.item import Item
from holdfast.toolkit.store import Ref, Write

__all__ = ["FLUSH_BYTES", "FLUSH_ITEMS", "Lane", "Lanes"]

FLUSH_ITEMS = 256
"""At most so many writes fly in one flush."""

FLUSH_BYTES = 4 * 2**20
"""At most so many bytes do; a larger write flies alone."""


class Lane:
    """The writes of one session, in the order in which they came.

    Attributes:
        parked: Somebody else holds the session, and it is left alone for a while.
    """

    __slots__ = ("_ids", "_picked", "items", "parked", "ref")

    def __init__(self, ref: Ref) -> None:
        self.ref = ref
        self.items: deque[Item] = deque()
        self.parked = False
        self.land()

    def land(self) -> None:
        """A new flush begins: nothing of this session is in it."""
        self._picked: Write | None = None
        self._ids: set[str] | None = None

    def may_fly(self) -> bool:
        """Whether the next one may be in this flush too.

        A flush holds of one session either plain appends that have no id in common, or one write of any other
        kind: then a store can check every guard before it writes anything, and no statement meets a row twice.
        """
        if self._picked is None:
            return True
        write = self.items[0].write
        if not (self._picked.only_appends and write.only_appends):
            return False
        if self._ids is None:
            self._ids = {row.id for row in self._picked.rows}
        return self._ids.isdisjoint([row.id for row in write.rows])

    def pick(self) -> Item:
        """Take the next one into this flush."""
        item = self.items.popleft()
        self._picked = item.write
        if self._ids is not None:
            self._ids.update([row.id for row in item.write.rows])
        return item


class Lanes:
    """The lanes of all sessions that have something to write."""

    def __init__(self) -> None:
        self._lanes: dict[Ref, Lane] = {}
        self._turns: deque[Lane] = deque()

    def __bool__(self) -> bool:
        """Whether anything is here, parked or not."""
        return bool(self._lanes)

    def add(self, item: Item) -> Lane:
        """Put it behind what its session has."""
        lane = self._lanes.get(item.write.ref)
        if lane is None:
            lane = self._open(item.write.ref)
        lane.items.append(item)
        return lane

    def withdraw(self, item: Item) -> None:
        """Take it out, if it is here."""
        lane = self._lanes.get(item.write.ref)
        if lane is None or item not in lane.items:
            return
        lane.items.remove(item)
        if not lane.items:
            self._close(lane)

    def pick(self) -> list[Item]:
        """The next batch: one of each lane, then a second of each, as far as it goes."""
        batch: list[Item] = []
        flown: list[Lane] = []
        later: list[Lane] = []
        size = 0
        while self._turns and len(batch) < FLUSH_ITEMS:
            lane = self._turns.popleft()
            if not lane.may_fly():
                later.append(lane)
                continue
            size += lane.items[0].write.size
            if batch and size > FLUSH_BYTES:
                self._turns.appendleft(lane)  # it is the first of the next flush
                break
            batch.append(lane.pick())
            flown.append(lane)
            if lane.items:
                self._turns.append(lane)
            else:
                del self._lanes[lane.ref]
        for lane in flown:
            lane.land()
        self._turns.extend(later)
        return batch

    def park(self, busy: Iterable[Item]) -> list[Lane]:
        """Put these back where they came from, and leave their sessions alone."""
        parked: dict[Ref, Lane] = {}
        for item in reversed(list(busy)):
            ref = item.write.ref
            lane = self._lanes.get(ref) or self._open(ref)
            lane.items.appendleft(item)
            parked[ref] = lane
        for lane in parked.values():
            lane.parked = True
            self._turns.remove(lane)
        return list(parked.values())

    def resume(self, lane: Lane) -> None:
        """Its turn may come again."""
        lane.parked = False
        self._turns.append(lane)

    def items(self) -> list[Item]:
        """All that is here."""
        return [item for lane in self._lanes.values() for item in lane.items]

    def _open(self, ref: Ref) -> Lane:
        lane = self._lanes[ref] = Lane(ref)
        self._turns.append(lane)
        return lane

    def _close(self, lane: Lane) -> None:
        del self._lanes[lane.ref]
        if not lane.parked:
            self._turns.remove(lane)
