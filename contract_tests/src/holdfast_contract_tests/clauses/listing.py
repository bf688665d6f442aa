"""Listings: which sessions, in which order."""

from datetime import timedelta
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    InvalidArgument,
    Limits,
    Message,
    PayloadTooLarge,
    Session,
    SessionInfo,
    SessionQuery,
    Turn,
    VersionConflict,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.equality import shown

Asked = dict[str, Any]


async def fill(case: Case, adapter: Adapter) -> None:
    """Sessions made in the order a b c d, and written last in the order d b a c: a microsecond apart."""
    case.clock.pass_(microseconds=123_457)
    for session_id, user, agent, status in (
        ("a", "u", "x", "active"),
        ("b", "u", "y", "completed"),
        ("c", "v", "x", "active"),
        ("d", None, None, "odd"),
    ):
        case.clock.pass_(microseconds=1)
        made = Session(id=session_id, user_id=user, agent=agent, status=status, data={"is": session_id})
        await adapter.sessions.save(made)
    for session_id in "bac":
        case.clock.pass_(microseconds=1)
        await adapter.sessions.save(await load(adapter, session_id))


async def finds(case: Case, adapter: Adapter, expected: str, **query: Any) -> None:
    """Check that a query finds these, in the order of creation, and in the other order too."""
    with case.about(f"{query}"):
        await case.listed(adapter, SessionQuery(order="created", **query), list(expected))
        listed = await adapter.sessions.find(SessionQuery(**query))
        if Capability.ACTIVITY_EXACT in adapter.capabilities:
            case.same(sorted(info.id for info in listed), sorted(expected), "what is listed by activity")


# --- order ----------------------------------------------------------------------------------------


@clause(
    "listing.orders",
    "A listing is by activity, last written first, unless it is asked for by creation, oldest first.",
    level=Level.SMOKE,
)
async def orders(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    await case.listed(adapter, SessionQuery(), ["c", "a", "b", "d"])
    await case.listed(adapter, SessionQuery(order="activity"), ["c", "a", "b", "d"])
    await case.listed(adapter, SessionQuery(order="created"), ["a", "b", "c", "d"])
    for name in "_ZA":  # each is in front of those before it by its id, and a microsecond behind them by time
        case.clock.pass_(microseconds=1)
        await adapter.sessions.save(Session(id=name))
    await case.listed(adapter, SessionQuery(), list("AZ_cabd"))
    await case.listed(adapter, SessionQuery(order="created"), list("abcd_ZA"))


@clause(
    "listing.activity",
    "Every write is activity; no read, no refused write and no repetition is.",
    level=Level.SMOKE,
)
async def activity(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    case.clock.pass_(minutes=1)
    await adapter.messages.append("d", case.say("m"))
    written = case.clock()
    case.clock.pass_(minutes=1)
    session = await load(adapter, "a")
    await adapter.messages.find("a")
    await adapter.sessions.find(SessionQuery(user_id="u"))
    await case.refused(VersionConflict, adapter.sessions.save(session, expected=7))
    await case.refused(VersionConflict, adapter.messages.append("a", case.say("m"), last_seq=7))
    await adapter.messages.append("d", case.say("m"))
    await case.listed(adapter, SessionQuery(), ["d", "c", "a", "b"])
    case.same((await load(adapter, "d")).updated_at, written, "updated_at after a message was sent again")
    for name, expected in (("b", "bdca"), ("a", "abdc"), ("c", "cabd")):
        case.clock.pass_(minutes=1)
        if name == "b":
            await adapter.messages.append(name, case.say("m"))
        elif name == "a":
            await adapter.commit(Turn(session_id=name, messages=case.say("m")))
        else:
            await adapter.sessions.save(await load(adapter, name))
        await case.listed(adapter, SessionQuery(), list(expected))
        case.same((await load(adapter, name)).updated_at, case.clock(), f"updated_at of {name!r}")
    await case.listed(adapter, SessionQuery(order="created"), list("abcd"))


@clause(
    "listing.removal_is_activity",
    "A removal of messages is activity.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def removal_is_activity(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="a"))
    await adapter.messages.append("a", case.say("m"))
    case.clock.pass_(minutes=1)
    await adapter.sessions.save(Session(id="b"))
    case.clock.pass_(minutes=1)
    await adapter.messages.remove("a", after=0, through=1)
    await case.listed(adapter, SessionQuery(), ["a", "b"])


@clause("listing.redaction_is_activity", "The replacement of a message is activity.", needs=[Capability.REPLACE])
async def redaction_is_activity(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="a"))
    await adapter.messages.append("a", case.say("m"))
    case.clock.pass_(minutes=1)
    await adapter.sessions.save(Session(id="b"))
    case.clock.pass_(minutes=1)
    await adapter.messages.replace("a", Message(id="m", role="user", content="x"))
    await case.listed(adapter, SessionQuery(), ["a", "b"])


# --- what is told of each -------------------------------------------------------------------------


@clause("listing.without_state", "Items are without state unless it is asked for, and cannot be saved.")
async def without_state(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for info in await case.listed(adapter, SessionQuery(order="created"), list("abcd")):
        case.same(type(info).__name__, SessionInfo.__name__, "what an item is")
        wrong: Any = info
        async with case.unchanged(adapter):
            await case.refused(InvalidArgument, adapter.sessions.save(wrong))


@clause("listing.with_state", "With `with_state`, items are whole sessions.", sealed=True)
async def with_state(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for order, names in (("created", "abcd"), ("activity", "cabd")):
        query = SessionQuery.model_validate({"order": order, "with_state": True})
        items = await case.listed(adapter, query, list(names))
        expected = [await load(adapter, name) for name in names]
        case.same(list(items), expected, f"the sessions as listed by {order}, beside what `get` gives")
        case.same([one.data for one in expected], [{"is": name} for name in names], "their data")
    [one] = await case.listed(adapter, SessionQuery(user_id="v", with_state=True, limit=1), ["c"])
    case.same(one, await load(adapter, "c"), "the session of the user 'v'")


@clause("listing.tells_all", "A listing tells of a session what `get` tells of it.")
async def tells_all(case: Case) -> None:
    adapter = await case.open()
    case.clock.pass_(microseconds=123_457)
    at = case.clock()
    await adapter.sessions.save(Session(id="plain"))
    full = Session(id="full", user_id="u", agent="x", status="odd", completed_at=at, data={"a": 1})
    await adapter.sessions.save(full)
    case.clock.pass_(microseconds=1)
    await adapter.messages.append("full", case.say("a", "b", created_at=at - timedelta(days=1)))
    case.clock.pass_(microseconds=1)
    await adapter.sessions.save(await load(adapter, "full"))
    for info in await case.listed(adapter, SessionQuery(), ["full", "plain"]):
        whole = (await load(adapter, info.id)).model_dump()
        expected = SessionInfo(**{name: whole[name] for name in SessionInfo.model_fields})
        case.same(info, expected, f"what is listed of {info.id!r}")


@clause(
    "listing.expired",
    "Expired sessions are listed only if they are asked for, and until they are swept.",
    needs=[Capability.EXPIRY],
)
async def expired(case: Case) -> None:
    adapter = await case.open()
    in_an_hour = case.clock() + timedelta(hours=1)
    for name, user, ends in (("a", "u", in_an_hour), ("b", "u", None), ("c", "v", in_an_hour), ("d", "v", None)):
        await adapter.sessions.save(Session(id=name, user_id=user, expires_at=ends))
    case.clock.pass_(minutes=59)
    await finds(case, adapter, "abcd")
    case.clock.pass_(minutes=1)
    await finds(case, adapter, "bd")
    await finds(case, adapter, "b", user_id="u")
    await finds(case, adapter, "abcd", include_expired=True)
    await finds(case, adapter, "cd", include_expired=True, user_id="v")
    await finds(case, adapter, "abcd", include_expired=True, updated_before=case.clock(), status="active")
    await finds(case, adapter, "", include_expired=True, updated_before=case.clock() - timedelta(hours=1))
    while await adapter.sweep():
        pass
    await finds(case, adapter, "bd", include_expired=True)


@clause("listing.expired_state", "A listed state that has expired reads as empty.", needs=[Capability.EXPIRY])
async def expired_state(case: Case) -> None:
    adapter = await case.open()
    ends = case.clock() + timedelta(hours=1)
    await adapter.sessions.save(Session(id="s", data={"a": 1}, metadata={"m": 1}, state_expires_at=ends))
    for data in ({"a": 1}, {}):
        await case.listed(adapter, SessionQuery(with_state=True), ["s"])
        page = await adapter.sessions.find(SessionQuery(with_state=True))
        whole = [one for one in page if isinstance(one, Session)]
        case.same([one.data for one in whole], [data], f"the state as listed at {case.clock():%H:%M}")
        case.clock.pass_(hours=1)
    case.same([one.metadata for one in whole], [{}], "the metadata of the expired state")


@clause("listing.deleted", "A deleted session is not listed; made again, it is listed once, as the newest.")
async def deleted(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    await adapter.sessions.delete("b")
    await finds(case, adapter, "acd", include_expired=True, nested=True)
    await finds(case, adapter, "a", user_id="u")
    await finds(case, adapter, "", status="completed")
    case.clock.pass_(minutes=1)
    await adapter.sessions.save(Session(id="b", user_id="v"))
    await finds(case, adapter, "acdb")
    await finds(case, adapter, "cb", user_id="v")
    await finds(case, adapter, "", status="completed")
    await case.listed(adapter, SessionQuery(), ["b", "c", "a", "d"])


# --- the query itself -----------------------------------------------------------------------------


@clause("listing.empty", "Where nothing fits, a listing is one empty page.")
async def empty(case: Case) -> None:
    adapter = await case.open()
    for query in (SessionQuery(), SessionQuery(order="created", nested=True), SessionQuery(user_id="u", limit=1)):
        page = await adapter.sessions.find(query)
        case.same((page.items, page.next, page.corrupt), ((), None, ()), "items, next and corrupt")


@clause("listing.size", "A page holds as many as were asked for, or `limits.page_default`; too many are refused.")
async def size(case: Case) -> None:
    adapter = await case.open(limits=Limits(page_default=5, page=7))
    names = [f"s{number}" for number in range(9)]
    for name in names:
        await adapter.sessions.save(Session(id=name))
    for order in ("created", "activity"):
        expected = names if order == "created" else names[::-1]
        for limit in (None, 1, 5, 7):
            with case.about(f"limit={limit}, order={order}"):
                query = SessionQuery.model_validate({"order": order, "limit": limit})
                await case.listed(adapter, query, expected[: limit or 5])
    for limit in (0, -1, 2**63):
        await case.refused(InvalidArgument, adapter.sessions.find(SessionQuery(limit=limit)))
    error = await case.refused(PayloadTooLarge, adapter.sessions.find(SessionQuery(limit=8)))
    case.same((error.limit, error.allowed, error.actual), ("page", 7, 8), "limit, allowed and actual of the error")
    usual = await case.open()
    top = usual.limits.page
    error = await case.refused(PayloadTooLarge, usual.sessions.find(SessionQuery(limit=top + 1)))
    case.same((error.limit, error.allowed), ("page", top), "limit and allowed of the error")


@clause("listing.no_query", "What is no query is refused.")
async def no_query(case: Case) -> None:
    adapter = await case.open()
    wrong: list[Any] = [None, {}, "active", SessionInfo(id="s"), Session(id="s")]
    for query in wrong:
        with case.about(shown(query, 40)):
            await case.refused(InvalidArgument, adapter.sessions.find(query))
