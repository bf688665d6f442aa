"""Whether the contenders do the same job, asked of each before it is measured: whoever does less is quicker."""

import asyncio
from collections.abc import Sequence

from benchmarks.contender import STALE, Contender, Said
from benchmarks.ledger import whole

__all__ = ["NotTheSame", "check_sameness"]


class NotTheSame(Exception):
    """A contender does not do the job."""


async def check_sameness(contender: Contender) -> None:
    """Return if it numbers, deduplicates, guards and lists as all do.

    Raises:
        NotTheSame: It does not; the text says where.
    """
    await contender.create(["a", "b", "c"])
    for check in (_numbers, _stores_once, _guards, _is_atomic, _races, _lists):
        if not await check(contender):
            raise NotTheSame(check.__doc__ or check.__name__)


def _said(*ids: str) -> Sequence[Said]:
    return [{"id": id_, "role": "user", "content": id_} for id_ in ids]


async def _numbers(contender: Contender) -> bool:
    """Messages are numbered 1, 2, 3…, in each session."""
    return [await contender.append("a", _said("1", "2")), await contender.append("b", _said("1"))] == [[1, 2], [1]]


async def _stores_once(contender: Contender) -> bool:
    """A message whose id is there keeps its position, beside new ones and when it is sent twice at a time."""
    mixed = await contender.append("a", _said("2", "3"))
    twice = await asyncio.gather(*(contender.append("a", _said("4", "1")) for _ in range(2)))
    stored = [one.content for one in await whole(contender, "a")]
    return mixed == [2, 3] and twice == [[4, 1]] * 2 and stored == ["1", "2", "3", "4"]


async def _guards(contender: Contender) -> bool:
    """A state is stored over the version that it expects, and over no other."""
    await contender.save("a", {"n": 1}, 1)
    refused = await _refused(contender, "a", 1)
    return refused and await contender.load("a") == ({"n": 1}, 2)


async def _is_atomic(contender: Contender) -> bool:
    """A turn is stored whole or not at all, beside others that succeed."""
    good, refused = await asyncio.gather(contender.turn("b", _said("2"), {"n": 2}, 1), _refused(contender, "a", 1))
    stored = len(await whole(contender, "a")), len(await whole(contender, "b"))
    return refused and good == [2] and stored == (4, 2) and await contender.load("b") == ({"n": 2}, 2)


async def _races(contender: Contender) -> bool:
    """Of turns that expect the same version, one is stored."""
    refused = await asyncio.gather(*(_refused(contender, "c", 1, f"r{number}") for number in range(3)))
    return sorted(refused) == [False, True, True] and len(await whole(contender, "c")) == 1


async def _refused(contender: Contender, session_id: str, version: int, message_id: str = "stale") -> bool:
    try:
        await contender.turn(session_id, _said(message_id), {"n": message_id}, version)
    except STALE:
        return True
    return False


async def _lists(contender: Contender) -> bool:
    """The session that was written last comes first."""
    await contender.append("b", _said("last"))
    listed = [contender.session_id(session) for session in await contender.listing(2)]
    return listed == ["b", "c"]
