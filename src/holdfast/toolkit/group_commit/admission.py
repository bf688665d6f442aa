"""Who may enter the queue: it is bounded, and no tenant fills it while another one waits."""

from collections import OrderedDict, deque
from collections.abc import Iterator

from holdfast.capabilities import Limits
from holdfast.toolkit.group_commit.item import Item

__all__ = ["Admission"]

_SHARE = 4  # while another tenant waits, one has at most a quarter of the queue


class _Room:
    """How much there is of something that is counted in items and in bytes."""

    __slots__ = ("items", "size")

    def __init__(self) -> None:
        self.items = 0
        self.size = 0

    def add(self, item: Item, sign: int) -> None:
        self.items += sign
        self.size += sign * item.write.size

    def takes(self, item: Item, max_items: int, max_size: int) -> bool:
        """Whether there is room; where nothing is, anything is taken, or the largest would wait for ever."""
        return not self.items or (self.items < max_items and self.size + item.write.size <= max_size)


class Admission:
    """The room in the queue, and those who wait for it: a line for each tenant, who take turns."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all = _Room()
        self._tenants: dict[str, _Room] = {}
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    def release(self, item: Item) -> None:
        """Count it no longer."""
        if not item.has_room:
            return
        item.has_room = False
        tenant = item.write.ref.tenant
        share = self._tenants[tenant]
        share.add(item, -1)
        if not share.items:
            del self._tenants[tenant]
        self._all.add(item, -1)

    def enter(self, item: Item) -> bool:
        """Count it if nobody waits and there is room."""
        if self._waiting or not self._has_room(item):
            return False
        self._occupy(item)
        return True

    def wait(self, item: Item) -> None:
        """Let it wait for its turn, behind those of its tenant."""
        self._waiting.setdefault(item.write.ref.tenant, deque()).append(item)

    def withdraw(self, item: Item) -> None:
        """It waits no longer, and is not counted."""
        self.release(item)
        line = self._waiting.get(item.write.ref.tenant)
        if line and item in line:
            line.remove(item)
            if not line:
                del self._waiting[item.write.ref.tenant]

    def admitted(self) -> Iterator[Item]:
        """Those whose turn has come; each is counted."""
        skipped = 0
        while skipped < len(self._waiting):
            tenant, line = next(iter(self._waiting.items()))
            if len(self._waiting) > 1 and not self._within_share(line[0]):
                skipped += 1
            elif self._has_room(line[0]):
                skipped = 0
                item = line.popleft()
                self._occupy(item)
                yield item
            else:
                return  # its turn lasts until there is room: smaller ones must not pass it for ever
            if line:
                self._waiting.move_to_end(tenant)
            else:
                del self._waiting[tenant]

    def waiting(self) -> list[Item]:
        """All who wait."""
        return [item for line in self._waiting.values() for item in line]

    def _occupy(self, item: Item) -> None:
        item.has_room = True
        tenant = item.write.ref.tenant
        share = self._tenants.get(tenant)
        if share is None:
            share = self._tenants[tenant] = _Room()
        share.add(item, 1)
        self._all.add(item, 1)

    def _has_room(self, item: Item) -> bool:
        return self._all.takes(item, self._limits.queue_items, self._limits.queue_bytes)

    def _within_share(self, item: Item) -> bool:
        share = self._tenants.get(item.write.ref.tenant)
        limits = self._limits
        return share is None or share.takes(item, limits.queue_items // _SHARE, limits.queue_bytes // _SHARE)
