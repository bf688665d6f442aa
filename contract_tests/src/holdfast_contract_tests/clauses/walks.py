"""Walks over listings: complete in the order of creation, and bound to their query."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from holdfast import Adapter, Capability, InvalidArgument, Session, SessionQuery
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.equality import shown

ORDERS: tuple[Literal["created"], Literal["activity"]] = ("created", "activity")
LAG = 20.0  # seconds, where a listing lags
AT_ONCE = 50


async def walk(
    adapter: Adapter, query: SessionQuery, meanwhile: Callable[[int], Awaitable[None]] | None = None
) -> list[str]:
    """The ids that a walk meets. Between two pages, something may be done."""
    met: list[str] = []
    cursors: set[str] = set()
    while True:
        page = await adapter.sessions.find(query)
        met += [info.id for info in page]
        if page.next is None:
            return met
        assert page.next not in cursors, (
            f"the walk goes in a circle: after {len(met)} sessions a cursor came again"
        )
        cursors.add(page.next)
        query = query.model_copy(update={"cursor": page.next})
        if meanwhile:
            await meanwhile(len(met))


async def walked(case: Case, adapter: Adapter, query: SessionQuery, expected: Sequence[str]) -> None:
    """Check what a walk meets, in this order; where listing lags, wait until it does."""
    exact = {Capability.LISTING_EXACT, Capability.ACTIVITY_EXACT} <= adapter.capabilities
    loop = asyncio.get_running_loop()
    deadline = loop.time() + (0 if exact else LAG)
    while True:
        found = await walk(adapter, query)
        if found == list(expected) or loop.time() >= deadline:
            break
        await asyncio.sleep(0.05)
    case.same(found, list(expected), "what the walk meets")


async def start(case: Case, adapter: Adapter, query: SessionQuery, expected: Sequence[str]) -> str:
    """The cursor of a query's first page, which holds these."""
    await case.listed(adapter, query, expected)
    page = await adapter.sessions.find(query)
    assert isinstance(page.next, str), f"there are more than {len(expected)} sessions, but next is {page.next!r}"
    return page.next


async def save_all(adapter: Adapter, names: Sequence[str], **fields: Any) -> None:
    """Sessions of these names, made several at once."""
    for start in range(0, len(names), AT_ONCE):
        made = [Session.model_validate({"id": name, **fields}) for name in names[start : start + AT_ONCE]]
        await asyncio.gather(*(adapter.sessions.save(session) for session in made))


# --- completeness ---------------------------------------------------------------------------------


@clause("listing.ties", "Sessions of one moment are in the order of their ids, byte by byte.", level=Level.SMOKE)
async def ties(case: Case) -> None:
    adapter = await case.open()
    names = sorted(["10", "9", "B", "Z", "_", "a", "a b", "aa", "é", "z", "\uffee", "\U0001f600"])
    await save_all(adapter, names[::-1])
    for limit in (None, 5, 1):
        with case.about(f"limit={limit}"):
            await walked(case, adapter, SessionQuery(order="created", limit=limit), names)
            await walked(case, adapter, SessionQuery(order="activity", limit=limit), names[::-1])


@clause(
    "listing.over_a_thousand",
    "More than a thousand sessions of one moment are listed once each, in both orders and with any size of page.",
)
async def over_a_thousand(case: Case) -> None:
    adapter = await case.open()
    names = [f"s{number:03}" for number in range(1010)] + [f"é{number}" for number in range(20)]
    names += ["\uffee", "\U0001f600", "\U0010fffd"] + [f"Z{number}" for number in range(17)]
    names.sort()
    await save_all(adapter, names[::-1], user_id="u")
    for limit in {adapter.limits.page, 499, 500, 501, 97}:
        if limit > adapter.limits.page:
            continue
        with case.about(f"limit={limit}"):
            await walked(case, adapter, SessionQuery(order="created", limit=limit), names)
            await walked(case, adapter, SessionQuery(order="activity", limit=limit), names[::-1])
    await walked(case, adapter, SessionQuery(order="created", user_id="u", nested=True), names)
    await walked(case, adapter, SessionQuery(user_id="u", with_state=True), names[::-1])


@clause(
    "listing.complete",
    "A walk by creation meets once what was there before it and still is, whatever others write.",
)
async def complete(case: Case) -> None:
    for seconds in (0, 1):
        with case.about("the clock standing still" if seconds == 0 else "time passing"):
            adapter = await case.open(env=case.elsewhere(f"{case.env.namespace}_{seconds}"))
            await _walk_among(case, adapter, seconds)


async def _walk_among(case: Case, adapter: Adapter, seconds: int) -> None:
    names = [f"s{number:02}" for number in range(40)]
    for name in names:
        case.clock.pass_(seconds=seconds)
        await adapter.sessions.save(Session(id=name))
    await walked(case, adapter, SessionQuery(order="created"), names)
    deleted: set[str] = set()

    async def meanwhile(met: int) -> None:
        case.clock.pass_(seconds=seconds)
        for name in (names[met % 40], names[-met % 40]):
            session = await adapter.sessions.get(name)
            if session is not None:
                await adapter.messages.append(name, case.say(f"m{met}"))
                await adapter.sessions.save(session)
        deleted.add(names[met * 7 % 40])
        await adapter.sessions.delete(names[met * 7 % 40])
        for name in (f"a-new-{met}", f"z-new-{met}"):
            await adapter.sessions.save(Session(id=name))

    met = await walk(adapter, SessionQuery(limit=3, order="created"), meanwhile)
    twice = sorted({name for name in met if met.count(name) > 1})
    assert not twice, f"the walk met {twice} more than once"
    lost = sorted(set(names) - deleted - set(met))
    assert not lost, f"the walk left out {lost}, which were there all the time"


@clause(
    "listing.written_meanwhile",
    "A walk by creation neither leaves out nor repeats what is written meanwhile.",
    level=Level.SMOKE,
)
async def written_meanwhile(case: Case) -> None:
    one, other = await case.handles(2)
    for name in "abcdef":
        case.clock.pass_(seconds=1)
        await one.sessions.save(Session(id=name))
    await walked(case, one, SessionQuery(order="created"), list("abcdef"))
    first = await one.sessions.find(SessionQuery(order="created", limit=2))
    case.clock.pass_(seconds=1)
    for name in "aed":
        await other.messages.append(name, case.say("m"))
    rest = await walk(one, SessionQuery(order="created", limit=2, cursor=first.next))
    case.same([*(info.id for info in first), *rest], list("abcdef"), "what the walk meets")


@clause(
    "listing.deleted_meanwhile",
    "A walk goes on where the session that its cursor names was deleted.",
    level=Level.SMOKE,
)
async def deleted_meanwhile(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, list("abcdefghi"))
    there = await start(case, adapter, SessionQuery(order="created", limit=3), list("abc"))
    back = await start(case, adapter, SessionQuery(limit=3), list("ihg"))
    for name in "bcgh":
        await adapter.sessions.delete(name)
    await walked(case, adapter, SessionQuery(order="created", limit=3, cursor=there), list("defi"))
    await walked(case, adapter, SessionQuery(limit=3, cursor=back), list("feda"))


# --- cursors --------------------------------------------------------------------------------------


@clause(
    "listing.cursor_of_its_query",
    "A cursor is bound to its query: with another, it is refused.",
    level=Level.SMOKE,
)
async def of_its_query(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, ["s0", "s1", "s2", "s3"], user_id="u")
    changes: tuple[dict[str, Any], ...] = (
        {"user_id": "v"},
        {"user_id": None},
        {"agent": "x"},
        {"status": "active"},
        {"nested": True},
        {"order": "created"},
        {"include_expired": True},
        {"updated_before": case.clock()},
        {"with_state": True},
    )
    query = SessionQuery(user_id="u", limit=2)
    cursor = await start(case, adapter, query, ["s3", "s2"])
    await case.listed(adapter, query.model_copy(update={"cursor": cursor}), ["s1", "s0"])
    for change in changes:
        with case.about(f"{change}"):
            changed = query.model_copy(update={"cursor": cursor, **change})
            await case.refused(InvalidArgument, adapter.sessions.find(changed))


@clause(
    "listing.cursor_of_its_parent",
    "A cursor of one parent's children is refused with another parent's, and with the top level.",
    needs=[Capability.PARENTS],
)
async def of_its_parent(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, ["p", "q", "r"])
    for parent in "pq":
        await save_all(adapter, [f"{parent}{number}" for number in range(3)], parent_id=parent)
    query = SessionQuery(parent="p", order="created", limit=1)
    cursor = await start(case, adapter, query, ["p0"])
    await case.listed(adapter, query.model_copy(update={"cursor": cursor}), ["p1"])
    for change in ({"parent": "q"}, {"parent": None}, {"parent": None, "nested": True}):
        with case.about(f"{change}"):
            changed = query.model_copy(update={"cursor": cursor, **change})
            await case.refused(InvalidArgument, adapter.sessions.find(changed))


@clause(
    "listing.cursor_of_its_tenant", "A cursor of a listing is bound to its tenant.", needs=[Capability.TENANTS]
)
async def of_its_tenant(case: Case) -> None:
    adapter = await case.open()
    views = [adapter, adapter.for_tenant("t"), adapter.for_tenant("T")]
    for view in views:
        await save_all(view, list("abc"))
    cursors = [await start(case, view, SessionQuery(limit=1), ["c"]) for view in views]
    for view, cursor in zip(views, [*cursors[1:], cursors[0]], strict=True):
        await case.refused(InvalidArgument, view.sessions.find(SessionQuery(limit=1, cursor=cursor)))


@clause("listing.cursor_and_size", "A cursor can be used again, and with another size of page.")
async def and_size(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, list("abcdef"))
    cursor = await start(case, adapter, SessionQuery(limit=1, order="created"), ["a"])
    for limit, expected in ((10, "bcdef"), (2, "bc"), (2, "bc"), (1, "b")):
        with case.about(f"limit={limit}"):
            await case.listed(adapter, SessionQuery(limit=limit, order="created", cursor=cursor), list(expected))


@clause("listing.cursor_elsewhere", "A listing's cursor is good in another handle.", needs=[Capability.SHARED])
async def elsewhere(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, list("abcdef"))
    for order in ORDERS:
        names = "abcdef" if order == "created" else "fedcba"
        cursor = await start(case, adapter, SessionQuery(limit=2, order=order), list(names[:2]))
        other = await case.open()
        await case.listed(other, SessionQuery(limit=2, order=order, cursor=cursor), list(names[2:4]))


@clause(
    "listing.cursor_after_restart",
    "A listing's cursor outlives its adapter.",
    needs=[Capability.SURVIVES_PROCESS],
)
async def after_restart(case: Case) -> None:
    query = SessionQuery(limit=2, order="created")
    async with await case.new() as adapter:
        await save_all(adapter, list("abcdef"))
        cursor = await start(case, adapter, query, ["a", "b"])
    adapter = await case.open()
    await case.listed(adapter, query.model_copy(update={"cursor": cursor}), ["c", "d"])


@clause("listing.no_cursor", "What is no cursor of a listing is refused.")
async def no_cursor(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, list("abc"))
    for wrong in ("", "x", "=", "é", "a", "2", "A" * 10_000, "AAAAAAAAAAAAAAAA"):
        with case.about(f"cursor={shown(wrong, 40)}"):
            await case.refused(InvalidArgument, adapter.sessions.find(SessionQuery(cursor=wrong)))


@clause(
    "listing.cursor_changed",
    "A listing's cursor in which a letter was changed or lost is refused, or means the same.",
)
async def changed(case: Case) -> None:
    adapter = await case.open()
    await save_all(adapter, list("abcdef"))
    cursor = await start(case, adapter, SessionQuery(limit=2), ["f", "e"])
    expected = await case.listed(adapter, SessionQuery(limit=2, cursor=cursor), ["d", "c"])
    for place, letter in enumerate(cursor):
        for other in ("A", "B", "_", ""):
            wrong = cursor[:place] + other + cursor[place + 1 :]
            try:
                found = await adapter.sessions.find(SessionQuery(limit=2, cursor=wrong))
            except InvalidArgument:
                continue
            with case.about(f"letter {place} changed from {letter!r} to {other!r}"):
                case.same(list(found), list(expected), "the page of the changed cursor")
