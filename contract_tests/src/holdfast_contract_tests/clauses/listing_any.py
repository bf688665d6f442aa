"""Listings of anything: whatever is asked, in pages of any size, compared with a filter in plain Python."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from holdfast import Adapter, Capability, Session, SessionInfo, SessionQuery
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.clauses.walks import ORDERS
from holdfast_contract_tests.reading import all_sessions

EXACT = [Capability.LISTING_EXACT, Capability.ACTIVITY_EXACT]
TICK = timedelta(microseconds=1)

_NAMES = ("m", "c", "x", "a", "é", "k", "b", "z", "M", "d", "y", "e")  # made in this order, which is no other
_FAMILY = (("p", "m"), ("o", "m"), ("A", "m"), ("j", "m"), ("B", "m"), ("q", "p"))  # a child, and its parent
_DYING = ("x", "z", "A")  # none of them has a child
_EACH = ("user_id", "agent", "status")
_FILTERS = [by for count in range(4) for by in combinations(_EACH, count)] + [_EACH] * 2  # the rarest that fit

Asked = dict[str, Any]


@clause(
    "listing.any_query",
    "Whatever is asked, the pages together hold what a plain filter picks of what `get` tells, in order.",
    needs=EXACT,
)
def any_query(case: Case) -> None:
    adapter = case.run(case.open())
    told = case.run(_population(case, adapter))
    _compare(case, adapter, told, {})


@clause(
    "listing.any_query_of_families",
    "Whatever is asked of parents, children and the expired, the pages hold what a plain filter picks.",
    needs=[*EXACT, Capability.PARENTS, Capability.EXPIRY],
)
def any_query_of_families(case: Case) -> None:
    adapter = case.run(case.open())
    told = case.run(_population(case, adapter, family=True))
    _compare(case, adapter, told, {"nested": st.booleans(), "include_expired": st.booleans()})


async def _population(case: Case, adapter: Adapter, *, family: bool = False) -> list[Session]:
    """Sessions made at odd times and written again in another order; each as `get` tells it."""
    case.clock.pass_(microseconds=123_457)
    made = [(name, None) for name in _NAMES] + [(name, parent) for name, parent in _FAMILY if family]
    for number, (name, parent) in enumerate(made):
        case.clock.pass_(microseconds=number % 3)  # a few are of one moment
        await adapter.sessions.save(_session(case, number, name, parent, dying=family and name in _DYING))
    for number, (name, _) in enumerate(sorted(made)):
        case.clock.pass_(microseconds=number % 2)
        if number % 3:
            await adapter.messages.append(name, case.say("a", created_at=case.clock() - timedelta(days=number)))
        if number % 3 == 1:
            await adapter.sessions.save(await load(adapter, name))
    told = [await load(adapter, name) for name, _ in made]
    if family:
        case.clock.pass_(hours=1)
    return told


def _session(case: Case, number: int, name: str, parent: str | None, *, dying: bool) -> Session:
    return Session(
        id=name,
        user_id=("u", "u", "v", "u", None)[number % 5],
        agent=("x", "y", "x", "x", None, "x")[number % 6],
        status=("active", "active", "done", "active")[number % 4],
        parent_id=parent,
        completed_at=case.clock() - timedelta(days=1) if number % 4 == 2 else None,
        expires_at=case.clock() + timedelta(minutes=30) if dying else None,
        data={"is": name},
        metadata={"number": number},
    )


def _compare(case: Case, adapter: Adapter, told: Sequence[Session], more: dict[str, Any]) -> None:
    """Ask anything; the answer of all pages must be what was told of the sessions that fit."""
    below = [number for number, one in enumerate(told) if one.parent_id]
    strategies: dict[str, Any] = {
        "like": st.sampled_from([*range(len(told)), *below]),
        "by": st.sampled_from(_FILTERS),
        "before": st.none() | st.sampled_from(range(len(told))),
        "with_state": st.booleans(),
        "limit": st.integers(1, min(3, adapter.limits.page)),
        **more,
    }

    @case.given(case.size(10, 60, 300), **strategies)
    def check(*, like: int, by: tuple[str, ...], before: int | None, **drawn: Any) -> None:
        asked = _like(told[like], by, None if before is None else told[before]) | drawn
        if asked.get("nested"):
            del asked["parent"]
        for order in ORDERS:
            case.run(_compare_one(case, adapter, told, {**asked, "order": order}))

    check()


async def _compare_one(case: Case, adapter: Adapter, told: Sequence[Session], asked: Asked) -> None:
    with case.about(", ".join(f"{name}={value!s}" for name, value in asked.items())):
        found = await all_sessions(adapter, SessionQuery.model_validate(asked))
        expected = _expected(told, asked, case.clock())
        case.same([one.id for one in found], [one.id for one in expected], "what all pages list")
        case.same(list(found), expected, "what is listed, beside what `get` tells")


def _like(one: Session, by: tuple[str, ...], before: Session | None) -> Asked:
    """What to ask for sessions like this one, so that most questions have several answers."""
    asked = {name: getattr(one, name) for name in by} | {"parent": one.parent_id}
    if before is not None and before.updated_at and one.updated_at:
        asked["updated_before"] = max(before.updated_at, one.updated_at) + TICK
    return asked


def _expected(told: Sequence[Session], asked: Asked, now: datetime) -> list[Any]:
    fitting = [one for one in told if _fits(one, asked, now)]
    if asked["order"] == "created":
        fitting.sort(key=lambda one: (one.created_at, one.id))
    else:
        fitting.sort(key=lambda one: (one.updated_at, one.id), reverse=True)
    return [one if asked["with_state"] else _info(one) for one in fitting]


def _fits(one: Session, asked: Asked, now: datetime) -> bool:
    before, written = asked.get("updated_before"), one.updated_at
    return (
        all(asked.get(name) in (None, getattr(one, name)) for name in _EACH)
        and (asked.get("nested", False) or one.parent_id == asked.get("parent"))
        and (before is None or (written is not None and written < before))
        and (asked.get("include_expired", False) or one.expires_at is None or now < one.expires_at)
    )


def _info(one: Session) -> SessionInfo:
    whole = one.model_dump()
    return SessionInfo(**{name: whole[name] for name in SessionInfo.model_fields})
