"""Listings: what each filter lets through, alone and together."""

from datetime import timedelta
from itertools import product
from typing import Any

from holdfast import Capability, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.listing import Asked, fill, finds
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.clauses.walks import walked


@clause("listing.filters", "Filters by user, agent and status hold alone and together.", level=Level.SMOKE)
async def filters(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    asked: list[tuple[Asked, str]] = [
        ({"user_id": "u"}, "ab"),
        ({"user_id": "v"}, "c"),
        ({"user_id": "U"}, ""),
        ({"agent": "x"}, "ac"),
        ({"status": "active"}, "ac"),
        ({"status": "odd"}, "d"),
        ({"user_id": "u", "agent": "x"}, "a"),
        ({"user_id": "u", "status": "completed"}, "b"),
        ({"agent": "x", "status": "completed"}, ""),
        ({"user_id": "u", "agent": "x", "status": "active"}, "a"),
        ({"user_id": "v", "status": "completed"}, ""),
        ({"user_id": "%"}, ""),
        ({"agent": "*"}, ""),
    ]
    for query, expected in asked:
        await finds(case, adapter, expected, **query)


@clause(
    "listing.filters_combined",
    "Every combination of filters holds on every page of a walk, in both orders.",
)
async def combined(case: Case) -> None:
    adapter = await case.open()
    made: list[tuple[str, dict[str, Any]]] = []
    times = [case.clock() + timedelta(microseconds=123_457 + number) for number in (1, 2, 3)]
    kinds = product(times, ("u", "v"), ("x", "y"), ("active", "done"))
    for number, (at, user, agent, status) in enumerate(kinds):
        case.clock.now = at
        await adapter.sessions.save(Session(id=f"s{number:02}", user_id=user, agent=agent, status=status))
        made.append((f"s{number:02}", {"user_id": user, "agent": agent, "status": status, "updated_before": at}))
    wanted = {"user_id": "u", "agent": "y", "status": "active", "updated_before": times[2]}
    for chosen in product((True, False), repeat=4):
        query = {name: value for (name, value), take in zip(wanted.items(), chosen, strict=True) if take}
        fitting = [name for name, has in made if _fits(has, query)]
        for order in ("created", "activity"):
            with case.about(f"{query}, order={order}"):
                asked = SessionQuery.model_validate({**query, "order": order, "limit": 5})
                await walked(case, adapter, asked, fitting if order == "created" else fitting[::-1])


def _fits(has: dict[str, Any], query: dict[str, Any]) -> bool:
    return all(
        has[name] < value if name == "updated_before" else has[name] == value for name, value in query.items()
    )


@clause(
    "listing.filters_exact",
    "A filter takes values byte by byte: nothing that only looks like it.",
    level=Level.SMOKE,
)
async def exact(case: Case) -> None:
    adapter = await case.open()
    values = ["u", "U", "uu", "u ", " u", "u%", "u*", "u_", "u:u", "ü", "u\u0308", "\uff55", "u'", "None"]
    count = len(values)
    for number, value in enumerate(values):
        agent, status = values[(number + 1) % count], values[(number + 2) % count]
        made = Session(id=f"s{number}", user_id=value, agent=agent, status=status)
        await adapter.sessions.save(made)
    await adapter.sessions.save(Session(id="nobody's"))
    for number, value in enumerate(values):
        for shift, name in enumerate(("user_id", "agent", "status")):
            with case.about(f"{name}={value!r}"):
                query = SessionQuery.model_validate({name: value})
                await case.listed(adapter, query, [f"s{(number - shift) % count}"])


@clause(
    "listing.filters_follow",
    "Filters see what a save or a turn has changed, and forget what was before.",
    level=Level.SMOKE,
)
async def follow(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    session = await load(adapter, "a")
    session.status, session.agent = "completed", "z"
    await adapter.sessions.save(session)
    await finds(case, adapter, "ab", status="completed")
    await finds(case, adapter, "c", status="active")
    await finds(case, adapter, "c", agent="x")
    await finds(case, adapter, "a", agent="z")
    session = await load(adapter, "c")
    session.status, session.agent = "completed", None
    await adapter.commit(Turn(session_id="c", session=session, messages=case.say("m")))
    await finds(case, adapter, "abc", status="completed")
    await finds(case, adapter, "", status="active")
    await finds(case, adapter, "", agent="x")
    await finds(case, adapter, "c", user_id="v", status="completed")


@clause("listing.updated_before", "`updated_before` finds what was written strictly before that time.")
async def updated_before(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    written = (await load(adapter, "a")).updated_at
    assert written is not None, "a session that was saved has no updated_at"
    tick = timedelta(microseconds=1)
    await finds(case, adapter, "bd", updated_before=written)
    await finds(case, adapter, "abd", updated_before=written + tick)
    await finds(case, adapter, "d", updated_before=written - tick)
    await finds(case, adapter, "", updated_before=written - 2 * tick)
    await finds(case, adapter, "", updated_before=case.clock() - timedelta(days=1))
    await finds(case, adapter, "abcd", updated_before=case.clock() + tick)
    await finds(case, adapter, "b", updated_before=written, user_id="u")
    await finds(case, adapter, "", updated_before=written, user_id="v")
    await case.listed(adapter, SessionQuery(updated_before=written), ["b", "d"])
    await case.listed(adapter, SessionQuery(updated_before=written, limit=1), ["b"])
    await adapter.messages.append("b", case.say("m"))
    await finds(case, adapter, "d", updated_before=written)


@clause(
    "listing.levels",
    "A listing is of the top level, of one parent's children, or of all levels.",
    needs=[Capability.PARENTS],
)
async def levels(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for child, parent, user in (("p", "a", "u"), ("q", "a", "v"), ("r", "p", "u")):
        await adapter.sessions.save(Session(id=child, parent_id=parent, user_id=user, agent=child))
    asked: list[tuple[Asked, str]] = [
        ({}, "abcd"),
        ({"parent": "a"}, "pq"),
        ({"parent": "p"}, "r"),
        ({"parent": "r"}, ""),
        ({"parent": "none"}, ""),
        ({"parent": "A"}, ""),
        ({"nested": True}, "abcdpqr"),
        ({"nested": True, "user_id": "u"}, "abpr"),
        ({"user_id": "u"}, "ab"),
        ({"parent": "a", "user_id": "v"}, "q"),
        ({"parent": "a", "agent": "p"}, "p"),
        ({"parent": "a", "status": "completed"}, ""),
        ({"parent": "b", "user_id": "u"}, ""),
        ({"parent": "a", "updated_before": case.clock()}, ""),
        ({"parent": "a", "updated_before": case.clock() + timedelta(seconds=1), "limit": 2}, "pq"),
        ({"parent": "a", "with_state": True}, "pq"),
    ]
    for query, expected in asked:
        await finds(case, adapter, expected, **query)
    await case.listed(adapter, SessionQuery(parent="a", order="created", limit=1), ["p"])
