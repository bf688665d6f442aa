"""Pages of messages: oldest first, whole when walked, in both directions."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from holdfast import Adapter, Capability, InvalidArgument, Limits, Message, NotFound, PayloadTooLarge, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.equality import shown

Asked = dict[str, Any]

COUNT = 12  # positions of two digits: text sorts "10" before "9"


async def fill(case: Case, adapter: Adapter, session_id: str = "s", count: int = COUNT) -> list[Message]:
    """A session with so many messages, from m1 on."""
    await adapter.sessions.save(Session(id=session_id))
    words = [f"m{number}" for number in range(1, count + 1)]
    step = min(500, adapter.limits.turn_messages)
    stored: list[Message] = []
    for start in range(0, count, step):
        stored += await adapter.messages.append(session_id, case.say(*words[start : start + step]))
    return stored


async def walk(adapter: Adapter, session_id: str = "s", **first: Any) -> list[list[Message]]:
    """The pages of a walk, as they come."""
    page = await adapter.messages.find(session_id, **first)
    pages = [list(page)]
    cursors: set[str] = set()
    while page.next is not None:
        assert page.next not in cursors, f"the walk goes in a circle: page {len(pages)} has a cursor once more"
        cursors.add(page.next)
        page = await adapter.messages.find(session_id, cursor=page.next)
        pages.append(list(page))
    return pages


def joined(pages: Sequence[Sequence[Message]]) -> list[Message]:
    """All messages of a walk to newer ones."""
    return list(chain(*pages))


def joined_back(pages: Sequence[Sequence[Message]]) -> list[Message]:
    """All messages of a walk to older ones, oldest first."""
    return list(chain(*reversed(pages)))


def check_sizes(pages: Sequence[Sequence[Message]], size: int) -> None:
    """Check that no page of a walk is too large."""
    sizes = [len(page) for page in pages]
    assert all(found <= size for found in sizes), f"pages of at most {size} were asked for, found {shown(sizes)}"


@clause("paging.to_newer", "A walk to newer messages meets each message once, in order.", level=Level.SMOKE)
async def to_newer(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    for size in range(1, 15, case.size(4, 1, 1)):
        with case.about(f"limit={size}"):
            pages = await walk(adapter, limit=size)
            case.same(joined(pages), stored, "the messages of the walk")
            check_sizes(pages, size)
            pages = await walk(adapter, after=3, limit=size)
            case.same(joined(pages), stored[3:], "the messages of the walk after 3")


@clause(
    "paging.to_older",
    "A walk to older messages meets each message once; its pages are oldest first.",
    level=Level.SMOKE,
)
async def to_older(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    walks: list[tuple[Asked, list[Message]]] = [
        ({}, stored),
        ({"before": 10**6}, stored),
        ({"before": 11}, stored[:10]),
        ({"after": 3, "before": 8}, stored[3:7]),
    ]
    for size in range(1, 15, case.size(4, 1, 1)):
        for bounds, expected in walks:
            first: Asked = {**bounds, "limit": size} if bounds else {"last": size}
            with case.about(f"{first}"):
                pages = await walk(adapter, **first)
                case.same(joined_back(pages), expected, "the messages of the walk")
                check_sizes(pages, size)


@clause(
    "paging.holes",
    "Walks pass over what was removed, in both directions.",
    needs=[Capability.REMOVE],
)
async def holes(case: Case) -> None:
    adapter = await case.open()
    for after, through in ((0, 4), (4, 8), (8, 12), (0, 12), (5, 6), (0, 11), (1, 12)):
        name = f"{after}-{through}"
        stored = await fill(case, adapter, name)
        await adapter.messages.remove(name, after=after, through=through)
        left = [message for number, message in enumerate(stored, 1) if not after < number <= through]
        for size in (1, 3, 4, 12):
            with case.about(f"{after + 1} to {through} removed, pages of {size}"):
                case.same(joined(await walk(adapter, name, limit=size)), left, "the walk to newer messages")
                case.same(joined_back(await walk(adapter, name, last=size)), left, "the walk to older messages")


@clause("paging.last", "`last=n` is the newest n, oldest first.", level=Level.SMOKE)
async def last(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    for count in (1, 2, 3, 11, 12, 13, 100):
        with case.about(f"last={count}"):
            page = await adapter.messages.find("s", last=count)
            case.same(list(page), stored[-count:], "the newest messages")
            case.same(page.next is not None, count < COUNT, "whether there is a next page")


@clause(
    "paging.bounds",
    "With any bounds, a page holds the oldest that fit behind `after`, or the newest that fit before `before`.",
)
async def bounds(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    afters = [None, 0, 1, 5, 8, 9, 10, 11, 12, 13, 2**63 - 1]
    befores = [None, 0, 1, 2, 5, 6, 9, 10, 11, 12, 13, 14, 2**63 - 1]
    for after in afters:
        for before in befores:
            with case.about(f"after={after}, before={before}, limit=4"):
                page = await adapter.messages.find("s", after=after, before=before, limit=4)
                fits = [
                    message
                    for number, message in enumerate(stored, 1)
                    if (after or 0) < number and (before is None or number < before)
                ]
                case.same(list(page), fits[:4] if before is None else fits[-4:], "the page")
                case.same(page.next is not None, len(fits) > 4, "whether there is a next page")


@clause("paging.empty", "A session without messages has one empty page, whatever is asked of it.")
async def empty(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    asked: list[Asked] = [
        {},
        {"last": 5},
        {"before": 9},
        {"after": 9},
        {"limit": 1},
        {"align": "turn", "last": 1},
        {"on_corrupt": "report"},
    ]
    for first in asked:
        with case.about(f"{first}"):
            page = await adapter.messages.find("s", **first)
            case.same((page.items, page.next, page.corrupt), ((), None, ()), "items, next and corrupt")
            case.same((len(page), list(page)), (0, []), "the page's length and what it holds")


@clause("paging.ends", "A page that ends with the last message there is has no next.")
async def ends(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    asked: list[Asked] = [
        {"limit": 12},
        {"last": 12},
        {"before": 13, "limit": 12},
        {"after": 8, "limit": 4},
    ]
    for first in asked:
        with case.about(f"{first}"):
            page = await adapter.messages.find("s", **first)
            case.same(page.next is None, True, "whether the walk ends here")
            case.same(list(page), stored[-len(page) :] if page else stored, "the page")


@clause("paging.default_size", "A page holds `limits.page_default` items if nothing is said, in both directions.")
async def default_size(case: Case) -> None:
    adapter = await case.open(limits=Limits(page_default=5, page=7))
    await fill(case, adapter)
    asked: list[tuple[Asked, list[int]]] = [
        ({}, [5, 5, 2]),
        ({"before": 10**6}, [5, 5, 2]),
        ({"limit": 7}, [7, 5]),
        ({"last": 7}, [7, 5]),
    ]
    for first, expected in asked:
        with case.about(f"{first or 'no arguments'}"):
            case.same([len(page) for page in await walk(adapter, **first)], expected, "the sizes of the pages")


@clause("paging.usual_size", "A page holds what the adapter's limits say, if nothing is said.")
async def usual_size(case: Case) -> None:
    adapter = await case.open()
    size = adapter.limits.page_default
    await fill(case, adapter, count=2 * size + 5)
    asked: list[Asked] = [{}, {"before": 10**6}]
    for first in asked:
        with case.about(f"{first or 'no arguments'}"):
            found = [len(page) for page in await walk(adapter, **first)]
            case.same(found, [size, size, 5], "the sizes of the pages")


@clause("paging.largest", "A page has a largest size: more is refused, never cut short.")
async def largest(case: Case) -> None:
    for adapter in (await case.open(), await case.open(limits=Limits(page=7))):
        top = adapter.limits.page
        await adapter.sessions.save(Session(id=f"s{top}"))
        told = await adapter.messages.append(f"s{top}", case.say("a", "b"))
        asked: list[tuple[Asked, Asked]] = [({name: top}, {name: top + 1}) for name in ("limit", "last")]
        for legal, wrong in asked:
            with case.about(f"{wrong}, limits.page={top}"):
                page = await adapter.messages.find(f"s{top}", **legal)
                case.same(list(page), list(told), f"the page of {legal}")
                error = await case.refused(PayloadTooLarge, adapter.messages.find(f"s{top}", **wrong))
                found = (error.limit, error.allowed, error.actual)
                case.same(found, ("page", top, top + 1), "limit, allowed and actual of the error")


@clause("paging.bad_arguments", "Sizes, bounds and words that cannot be right are refused.")
async def bad_arguments(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    sizes: list[Any] = [0, -1, True, 1.0, "1", 2**63, [1]]
    asked: list[Asked] = [{name: value} for name in ("limit", "last") for value in sizes]
    asked += [{name: value} for name in ("after", "before") for value in sizes[1:]]
    asked += [
        {"last": 2, **also} for also in ({"after": 1}, {"before": 5}, {"limit": 2}, {"after": 0, "before": 9})
    ]
    asked += [{"align": "session"}, {"align": 1}, {"align": []}, {"on_corrupt": "skip"}]
    for first in asked:
        with case.about(f"{first}"):
            await case.refused(InvalidArgument, adapter.messages.find("s", **first))


@clause("paging.missing", "The messages of a session that is not there cannot be read: there is no empty page.")
async def missing(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for name in ("none", "S", "s1"):
        await case.refused(NotFound, adapter.messages.find(name))
        await case.refused(NotFound, adapter.messages.find(name, last=1))
        await case.refused(NotFound, adapter.messages.get(name, "m1"))


@clause("paging.by_id", "One message is found by its id, and by no other.", sealed=True)
async def by_id(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    await adapter.sessions.save(Session(id="other"))
    await adapter.messages.append("other", case.say("elsewhere"))
    for number in (1, 5, 10, 12):
        case.same(await adapter.messages.get("s", f"m{number}"), stored[number - 1], f"message {number} by its id")
    for name in ("none", "M1", "m", "m1 ", "m%", "m*", "m_", "1", "elsewhere", "s"):
        case.same(await adapter.messages.get("s", name), None, f"the message {name!r}, which is not there")
