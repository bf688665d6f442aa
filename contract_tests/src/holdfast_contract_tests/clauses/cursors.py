"""Cursors of messages: opaque, bound to their walk, and never a way to the wrong messages."""

from collections.abc import Awaitable
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    CursorLost,
    InvalidArgument,
    Message,
    NotFound,
    Page,
    Session,
    SessionQuery,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.equality import shown
from holdfast_contract_tests.verdict import ContractError

WORDS = "abcdefghijkl"
WALKS: tuple[dict[str, Any], ...] = (
    {"limit": 3},
    {"last": 3},
    {"after": 1, "limit": 3},
    {"before": 9, "limit": 3},
    {"after": 1, "before": 9, "limit": 3},
)


async def fill(case: Case, adapter: Adapter, session_id: str = "s") -> list[Message]:
    await adapter.sessions.save(Session(id=session_id))
    return list(await adapter.messages.append(session_id, case.say(*WORDS)))


async def no_page(call: Awaitable[Page[Any]]) -> None:
    """Check that a cursor opens nothing: whether it is wrong or lost, an adapter cannot always tell.

    Raises:
        ContractError: A page was answered.
    """
    try:
        page = await call
    except (InvalidArgument, CursorLost):
        return
    raise ContractError(f"expected InvalidArgument or CursorLost, but the call was answered: {shown(page)}")


async def start(adapter: Adapter, **walk: Any) -> str:
    """The cursor of a walk's first page."""
    page = await adapter.messages.find("s", **walk)
    assert isinstance(page.next, str), f"12 messages make more than one page, but next is {page.next!r}"
    return page.next


# --- what is said with a cursor ---------------------------------------------------------------------


@clause(
    "cursors.goes_on",
    "A cursor carries its walk: the other arguments may be left out or repeated.",
    level=Level.SMOKE,
)
async def goes_on(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    for walk, first in zip(WALKS, (3, 6, 4, 2, 2), strict=True):
        with case.about(f"{walk}"):
            cursor = await start(adapter, **walk)
            page = await adapter.messages.find("s", cursor=cursor)
            case.same(list(page), stored[first : first + 3], "the second page")
            again = await adapter.messages.find("s", cursor=cursor, **walk)
            case.same(again.items, page.items, "the second page, with the arguments repeated")
            case.same(again.next, page.next, "its cursor")


@clause("cursors.bounds", "The bounds of a walk cannot be changed under a cursor.", level=Level.SMOKE)
async def bounds(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    changes: list[dict[str, Any]] = [{"after": 4}, {"before": 4}, {"after": True}, {"after": 1.0}, {"before": 9.0}]
    for walk in WALKS:
        cursor = await start(adapter, **walk)
        for change in changes:
            with case.about(f"{walk}, then {change}"):
                await case.refused(InvalidArgument, adapter.messages.find("s", cursor=cursor, **change))


@clause("cursors.direction", "The direction of a walk cannot be changed under a cursor.", level=Level.SMOKE)
async def direction(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for walk in ({"limit": 3}, {"after": 1, "limit": 3}):
        cursor = await start(adapter, **walk)
        await case.refused(InvalidArgument, adapter.messages.find("s", cursor=cursor, last=3))
    cursor = await start(adapter, last=3)
    await case.refused(InvalidArgument, adapter.messages.find("s", cursor=cursor, after=3))


# --- how long it is good --------------------------------------------------------------------------


@clause("cursors.again", "A cursor can be used again, and what one walk does is nothing to another.")
async def again(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    there, back = await start(adapter, limit=3), await start(adapter, last=3)
    for _ in range(2):
        case.same(list(await adapter.messages.find("s", cursor=there)), stored[3:6], "the page to newer ones")
        case.same(list(await adapter.messages.find("s", cursor=back)), stored[6:9], "the page to older ones")
    case.same(await start(adapter, limit=3), there, "the cursor of the same place")


@clause("cursors.other_handle", "A cursor is good in another handle.", needs=[Capability.SHARED])
async def other_handle(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    there, back = await start(adapter, limit=3), await start(adapter, last=3)
    other = await case.open()
    case.same(list(await other.messages.find("s", cursor=there)), stored[3:6], "the page to newer ones")
    case.same(list(await other.messages.find("s", cursor=back)), stored[6:9], "the page to older ones")


@clause("cursors.after_restart", "A cursor outlives its adapter.", needs=[Capability.SURVIVES_PROCESS])
async def after_restart(case: Case) -> None:
    async with await case.new() as adapter:
        stored = await fill(case, adapter)
        there, back = await start(adapter, limit=3), await start(adapter, last=3)
    adapter = await case.open()
    case.same(list(await adapter.messages.find("s", cursor=there)), stored[3:6], "the page to newer ones")
    case.same(list(await adapter.messages.find("s", cursor=back)), stored[6:9], "the page to older ones")


@clause(
    "cursors.removed",
    "A cursor whose message was removed since is good: the walk goes on behind it.",
    needs=[Capability.REMOVE],
)
async def removed(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    there, back = await start(adapter, limit=4), await start(adapter, last=4)
    await adapter.messages.remove("s", after=2, through=10)
    case.same(list(await adapter.messages.find("s", cursor=there)), stored[10:], "the page to newer ones")
    case.same(list(await adapter.messages.find("s", cursor=back)), stored[:2], "the page to older ones")
    await adapter.messages.append("s", case.say("d", "i"))
    page = await adapter.messages.find("s", cursor=there)
    case.same([message.seq for message in page], [11, 12, 13, 14], "the page, after its id came back elsewhere")


@clause(
    "cursors.redacted",
    "A cursor whose message was replaced since is good.",
    needs=[Capability.REPLACE],
)
async def redacted(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    there, back = await start(adapter, limit=4), await start(adapter, last=4)
    for place in (3, 8):
        await adapter.messages.replace("s", stored[place].model_copy(update={"content": "x"}))
    case.same(list(await adapter.messages.find("s", cursor=there)), [*stored[4:8]], "the page to newer ones")
    case.same(list(await adapter.messages.find("s", cursor=back)), stored[4:8], "the page to older ones")


@clause("cursors.other_life", "A cursor is lost when the session began another life.")
async def other_life(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    cursors = {str(walk): await start(adapter, **walk) for walk in WALKS}
    await adapter.sessions.delete("s")
    for walk, cursor in cursors.items():
        with case.about(f"{walk}, the session is deleted"):
            await case.refused(NotFound, adapter.messages.find("s", cursor=cursor))
    await adapter.sessions.save(Session(id="s"))
    for state in ("without messages", "with the same messages"):
        for walk, cursor in cursors.items():
            with case.about(f"{walk}, in a new life {state}"):
                await case.refused(CursorLost, adapter.messages.find("s", cursor=cursor))
        await adapter.messages.append("s", case.say(*WORDS))


# --- what it does not open ------------------------------------------------------------------------


@clause("cursors.other_session", "A cursor of another session is refused.")
async def other_session(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "other", "ss"):
        await fill(case, adapter, name)
    for walk in WALKS:
        cursor = await start(adapter, **walk)
        for name in ("other", "ss"):
            with case.about(f"{walk}, in the session {name!r}"):
                await no_page(adapter.messages.find(name, cursor=cursor))


@clause("cursors.other_tenant", "A cursor of another tenant is refused.", needs=[Capability.TENANTS])
async def other_tenant(case: Case) -> None:
    adapter = await case.open()
    views = [adapter, adapter.for_tenant("t"), adapter.for_tenant("T")]
    for view in views:
        await fill(case, view)
    for walk in WALKS:
        cursors = [await start(view, **walk) for view in views]
        for view, cursor in zip(views, [*cursors[1:], cursors[0]], strict=True):
            with case.about(f"{walk}"):
                await no_page(view.messages.find("s", cursor=cursor))


@clause("cursors.no_cursor", "What is no cursor is refused.")
async def no_cursor(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    wrong: list[Any] = ["", "x", "=", "é", "\x00", "AAAAAAAA", "A" * 10_000, " ", "3", "0", 5, b"x", ["x"], True]
    for cursor in wrong:
        with case.about(f"cursor={shown(cursor, 40)}"):
            await no_page(adapter.messages.find("s", cursor=cursor))


@clause("cursors.other_kind", "A cursor of a listing opens no messages, and one of messages no listing.")
async def other_kind(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "other"):
        await fill(case, adapter, name)
    await case.listed(adapter, SessionQuery(order="created", limit=2), ["other", "s"])
    listing = await adapter.sessions.find(SessionQuery(order="created", limit=1))
    assert listing.next is not None, "two sessions make two pages of one, but next is None"
    await no_page(adapter.messages.find("s", cursor=listing.next))
    cursor = await start(adapter, limit=1)
    await case.refused(InvalidArgument, adapter.sessions.find(SessionQuery(limit=1, cursor=cursor)))


@clause(
    "cursors.changed",
    "A cursor in which a letter was changed or lost is refused, or means the same.",
)
async def changed(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    cursor = await start(adapter, limit=3)
    expected = await adapter.messages.find("s", cursor=cursor)
    for place, letter in enumerate(cursor):
        for other in "AB_é"[:: case.size(3, 1, 1)]:
            try:
                found = await adapter.messages.find("s", cursor=cursor[:place] + other + cursor[place + 1 :])
            except (InvalidArgument, CursorLost):
                continue
            with case.about(f"letter {place} changed from {letter!r} to {other!r}"):
                case.same(found.items, expected.items, "the page of the changed cursor")
    for end in range(len(cursor)):
        with case.about(f"only the first {end} of {len(cursor)} letters"):
            await no_page(adapter.messages.find("s", cursor=cursor[:end]))
