"""Tenants: rows of one can neither be seen nor changed from another, by any public method."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    Message,
    MessageRepository,
    NotFound,
    Session,
    SessionQuery,
    SessionRepository,
    Turn,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.equality import shown

TENANTS = [Capability.TENANTS]

# --- every public method --------------------------------------------------------------------------

Check = Callable[[Case, Awaitable[Any]], Awaitable[None]]
Ask = Callable[[Adapter, Session], Awaitable[Any]]


async def nothing(case: Case, call: Awaitable[Any]) -> None:
    found = await call
    case.same(found in (None, False, 0), True, f"whether {shown(found)} means that there was nothing")


async def empty(case: Case, call: Awaitable[Any]) -> None:
    page = await call
    case.same((list(page), page.next), ([], None), "items and next of the page")


async def not_found(case: Case, call: Awaitable[Any]) -> None:
    await case.refused(NotFound, call)


async def harmless(case: Case, call: Awaitable[Any]) -> None:
    del case
    await call


@dataclass(frozen=True)
class Asked:
    """A call from another tenant about this one's session ``s``, and what must come of it."""

    check: Check
    ask: Ask
    needs: str | None = None


def said(word: str = "a") -> Message:
    return Message(id=word, role="user", content=word)


PROBES: Mapping[str, tuple[Asked, ...]] = {
    "sessions.get": (Asked(nothing, lambda a, s: a.sessions.get(s.id)),),
    "sessions.save": (
        Asked(not_found, lambda a, s: a.sessions.save(s)),
        Asked(not_found, lambda a, s: a.sessions.save(s, expected="any")),
        Asked(not_found, lambda a, s: a.sessions.save(Session(id="x", parent_id=s.id)), Capability.PARENTS),
    ),
    "sessions.find": (
        Asked(empty, lambda a, _: a.sessions.find(SessionQuery(nested=True, include_expired=True))),
        Asked(empty, lambda a, _: a.sessions.find(SessionQuery(order="created", nested=True))),
        Asked(empty, lambda a, _: a.sessions.find(SessionQuery(user_id="u", with_state=True))),
        Asked(empty, lambda a, _: a.sessions.find(SessionQuery(agent="x", status="odd"))),
        Asked(empty, lambda a, s: a.sessions.find(SessionQuery(parent=s.id)), Capability.PARENTS),
    ),
    "sessions.delete": (
        Asked(nothing, lambda a, s: a.sessions.delete(s.id)),
        Asked(nothing, lambda a, s: a.sessions.delete(s.id, expected=s.version, last_seq=3)),
        Asked(nothing, lambda a, _: a.sessions.delete("child")),
    ),
    "messages.append": (
        Asked(not_found, lambda a, s: a.messages.append(s.id, [said("a")])),
        Asked(not_found, lambda a, s: a.messages.append(s.id, [said("x")], last_seq=3)),
    ),
    "messages.find": (
        Asked(not_found, lambda a, s: a.messages.find(s.id)),
        Asked(not_found, lambda a, s: a.messages.find(s.id, last=1)),
    ),
    "messages.get": (Asked(not_found, lambda a, s: a.messages.get(s.id, "a")),),
    "messages.remove": (
        Asked(not_found, lambda a, s: a.messages.remove(s.id, after=0, through=3), Capability.REMOVE),
    ),
    "messages.replace": (Asked(not_found, lambda a, s: a.messages.replace(s.id, said()), Capability.REPLACE),),
    "commit": (
        Asked(not_found, lambda a, s: a.commit(Turn(session_id=s.id, messages=[said("x")]))),
        Asked(not_found, lambda a, s: a.commit(Turn(session_id=s.id, key=s.key, messages=[said("x")]))),
        Asked(not_found, lambda a, s: a.commit(Turn(session_id=s.id, session=s))),
        Asked(
            not_found,
            lambda a, s: a.commit(Turn(session_id=s.id, session=s, remove=(0, 3))),
            Capability.REMOVE,
        ),
    ),
    "sweep": (Asked(nothing, lambda a, _: a.sweep()),),
    "ping": (Asked(harmless, lambda a, _: a.ping()),),
    "initialize": (Asked(harmless, lambda a, _: a.initialize()),),
}
"""For each public method: calls from another tenant."""

WITHOUT_ROWS = frozenset(
    {
        "aclose",
        "for_tenant",
        "port",
        "sessions",
        "messages",
        "capabilities",
        "durability",
        "limits",
        "findings",
        "schema",
    }
)
"""These have nothing to do with rows, or have a clause of their own."""


def public(protocol: type, prefix: str = "") -> set[str]:
    """The names of a protocol's public methods and properties."""
    return {prefix + name for name, _ in inspect.getmembers(protocol) if not name.startswith("_")}


@clause(
    "tenants.isolated",
    "To every public method, another tenant's session is as if there were none.",
    needs=TENANTS,
    level=Level.SMOKE,
)
async def isolated(case: Case) -> None:
    methods = public(SessionRepository, "sessions.") | public(MessageRepository, "messages.") | public(Adapter)
    missing = methods ^ (PROBES.keys() | WITHOUT_ROWS)
    assert not missing, f"the suite itself is at fault: it has no probe for {sorted(missing)}, or one too many"
    adapter = await case.open()
    owner = adapter.for_tenant("t")
    await owner.sessions.save(Session(id="s", user_id="u", agent="x", status="odd", data={"a": 1}))
    await owner.messages.append("s", case.say("a", "b", "c"))
    if Capability.PARENTS in adapter.capabilities:
        await owner.sessions.save(Session(id="child", parent_id="s"))
    await case.listed(owner, SessionQuery(order="created"), ["s"])
    session = await load(owner)
    before = await case.everything(owner)
    for name, stranger in (("the default tenant", adapter), ("'T'", adapter.for_tenant("T"))):
        for method, probes in PROBES.items():
            with case.about(f"{method}, asked by {name} about a session of 't'"):
                for probe in probes:
                    if probe.needs in {None, *adapter.capabilities}:
                        await probe.check(case, probe.ask(stranger, session))
                found = await case.everything(owner, stranger)
                case.same(found, [*before, []], "all that both tenants have afterwards")


# --- the same names in several tenants ------------------------------------------------------------


async def fill(adapter: Adapter) -> dict[str, Adapter]:
    """Views that each have a session ``s`` with messages a, b and c, which say whose they are."""
    views = {name: adapter.for_tenant(name) if name else adapter for name in ("", "t", "T")}
    for name, view in views.items():
        await view.sessions.save(Session(id="s", user_id="u", data={"of": name}))
        await view.messages.append("s", [_of(name, word) for word in "abc"], turn_id="m")
    return views


def _of(tenant: str, word: str) -> Message:
    return Message(id=word, role="user", content=f"{word} of {tenant!r}")


@clause(
    "tenants.own_sessions",
    "One id is another session in each tenant, with messages of its own.",
    needs=TENANTS,
    level=Level.SMOKE,
)
async def own_sessions(case: Case) -> None:
    adapter = await case.open()
    views = await fill(adapter)
    keys: set[str | None] = set()
    for name, view in views.items():
        with case.about(f"tenant {name!r}"):
            session = await load(view)
            keys.add(session.key)
            case.same((session.data, session.version, session.last_seq), ({"of": name}, 1, 3), "the session")
            found = [(message.seq, message.text) for message in await view.messages.find("s")]
            case.same(found, [(seq, f"{word} of {name!r}") for seq, word in enumerate("abc", 1)], "its messages")
            one = await view.messages.get("s", "b")
            case.same(one and one.text, f"b of {name!r}", "one message by its id")
            await case.listed(view, SessionQuery(user_id="u"), ["s"])
    case.same(len(keys), 3, "how many keys the three sessions have")


@clause(
    "tenants.own_writes",
    "What is written in one tenant changes nothing in another.",
    needs=TENANTS,
    level=Level.SMOKE,
)
async def own_writes(case: Case) -> None:
    adapter = await case.open()
    views = await fill(adapter)
    others = views["t"], views[""]
    async with case.unchanged(*others):
        mine = views["T"]
        case.clock.pass_(hours=1)
        session = await load(mine)
        session.data = {"b": 2}
        await mine.sessions.save(session)
        await mine.messages.append("s", case.say("d"))
        await mine.commit(Turn(session_id="s", session=await load(mine), messages=case.say("e")))
        case.same(await mine.sessions.delete("s"), True, "whether there was one to delete")
        await mine.sweep()
        await mine.sessions.save(Session(id="s"))
    case.same(list(await mine.messages.find("s")), [], "the messages of the new session")


@clause(
    "tenants.own_removals",
    "A removal in one tenant takes no messages of another.",
    needs=[Capability.TENANTS, Capability.REMOVE],
    level=Level.SMOKE,
)
async def own_removals(case: Case) -> None:
    adapter = await case.open()
    views = await fill(adapter)
    async with case.unchanged(views["t"], views[""]):
        case.same(await views["T"].messages.remove("s", after=0, through=3), 3, "how many were removed")
    async with case.unchanged(views["T"], views["t"]):
        case.same(await adapter.messages.remove("s", after=0, through=2), 2, "how many were removed")


@clause(
    "tenants.own_redactions",
    "A replacement in one tenant changes no message of another.",
    needs=[Capability.TENANTS, Capability.REPLACE],
)
async def own_redactions(case: Case) -> None:
    adapter = await case.open()
    views = await fill(adapter)
    for name, others in (("T", ("t", "")), ("", ("t", "T"))):
        async with case.unchanged(*(views[other] for other in others)):
            await views[name].messages.replace("s", Message(id="a", role="user", content="redacted"))
    found = [(await view.messages.find("s")).items[0].text for view in views.values()]
    case.same(found, ["redacted", "a of 't'", "redacted"], "the first messages of '', 't' and 'T'")


@clause("tenants.own_turns", "A turn of one tenant is no repetition in another.", needs=TENANTS)
async def own_turns(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(id="t", session_id="s", session=Session(id="s"), messages=case.say("a"))
    for name in ("", "t", "T"):
        with case.about(f"tenant {name!r}"):
            view = adapter.for_tenant(name) if name else adapter
            done = await view.commit(turn)
            case.same((done.replayed, done.session.last_seq), (False, 1), "replayed and last_seq")
            [told] = await view.messages.append("s", case.say("b"), turn_id="u")
            case.same(told.seq, 2, "the position of a message")
            saved = await view.sessions.save(await load(view), turn_id="v")
            case.same(saved.version, 2, "the version after a save")


@clause(
    "tenants.own_listings", "A listing shows its own tenant's sessions, with any filter and order.", needs=TENANTS
)
async def own_listings(case: Case) -> None:
    adapter = await case.open()
    views = {name: adapter.for_tenant(name) if name else adapter for name in ("", "t", "T", "tt")}
    for number in range(2):
        for name, view in views.items():
            made = Session(id=f"{name or 'default'}{number}", user_id="u", agent="x", status="odd")
            await view.sessions.save(made)
    queries: list[dict[str, Any]] = [
        {},
        {"order": "created"},
        {"order": "created", "nested": True, "include_expired": True, "with_state": True},
        {"user_id": "u"},
        {"agent": "x"},
        {"status": "odd", "order": "created"},
        {"user_id": "u", "agent": "x", "status": "odd"},
    ]
    for name, view in views.items():
        for query in queries:
            with case.about(f"tenant {name!r}, {query}"):
                names = [f"{name or 'default'}{number}" for number in range(2)]
                expected = names if "order" in query else names[::-1]
                await case.listed(view, SessionQuery(**query), expected)


@clause(
    "tenants.at_once",
    "Writes of several tenants at once, under equal ids and turn ids, each reach their own session.",
    needs=TENANTS,
)
async def at_once(case: Case) -> None:
    adapter = await case.open()
    views = {name: adapter.for_tenant(name) for name in (f"t{number}" for number in range(6))}
    states = [Session(id="s", data={"of": name}) for name in views]
    calls = [one.sessions.save(state, turn_id="t") for one, state in zip(views.values(), states, strict=True)]
    saved = await asyncio.gather(*calls)
    case.same([session.data for session in saved], [state.data for state in states], "the sessions as told")
    for word in "ab":
        told = await asyncio.gather(*(view.messages.append("s", [_of(n, word)]) for n, view in views.items()))
        case.same([[m.text for m in one] for one in told], [[f"{word} of {n!r}"] for n in views], "as told")
    told = await asyncio.gather(
        *(view.messages.append("s", case.say("c"), turn_id="u") for view in views.values())
    )
    case.same([[m.seq for m in one] for one in told], [[3]] * 6, "the positions of equal messages, as told")
    await _turns_at_once(case, views, saved)
    for name, view in views.items():
        with case.about(f"tenant {name!r}"):
            case.same((await load(view)).data, {"of": name, "turn": 1}, "the session")
            found = [(message.seq, message.text) for message in await view.messages.find("s")]
            mine = [(1, f"a of {name!r}"), (2, f"b of {name!r}"), (3, "c"), (4, "d")]
            case.same(found, mine, "its messages")


async def _turns_at_once(case: Case, views: Mapping[str, Adapter], saved: list[Session]) -> None:
    """One turn in each tenant, which only their states tell apart."""
    turns: list[Turn] = []
    for session in saved:
        new = session.model_copy(update={"data": {**session.data, "turn": 1}})
        turns.append(Turn(id="v", session_id="s", session=new, messages=case.say("d")))
    calls = [view.commit(turn) for view, turn in zip(views.values(), turns, strict=True)]
    done = await asyncio.gather(*calls)
    told = [(one.session.key, one.session.version, one.replayed) for one in done]
    case.same(told, [(session.key, 2, False) for session in saved], "keys, versions and replayed, as told")


PAIRS = (
    ("a", "b:c"),
    ("a:b", "c"),
    ("a", "b/c"),
    ("a/b", "c"),
    ("a", "b.c"),
    ("a.b", "c"),
    ("a", "b|c"),
    ("a|b", "c"),
    ("ab", "c"),
    ("a", "bc"),
    ('a","b', "c"),
    ("a", 'b","c'),
    ("a", "b c"),
    ("a b", "c"),
    ("A", "bc"),
    ("a", "BC"),
    ("a ", "bc"),
)


@clause("tenants.no_collisions", "Tenant and id never run into each other, whatever is in them.", needs=TENANTS)
async def no_collisions(case: Case) -> None:
    adapter = await case.open()
    views = {tenant: adapter.for_tenant(tenant) for tenant, _ in PAIRS}
    for tenant, name in PAIRS:
        await views[tenant].sessions.save(Session(id=name, data={"of": [tenant, name]}))
        await views[tenant].messages.append(name, case.say("m", content=f"{tenant}, {name}"))
    for tenant, name in PAIRS:
        with case.about(f"tenant {tenant!r}, session {name!r}"):
            case.same((await load(views[tenant], name)).data, {"of": [tenant, name]}, "the session")
            found = [(message.seq, message.text) for message in await views[tenant].messages.find(name)]
            case.same(found, [(1, f"{tenant}, {name}")], "its messages")
    for tenant, view in views.items():
        with case.about(f"tenant {tenant!r}"):
            expected = [name for owner, name in PAIRS if owner == tenant]
            await case.listed(view, SessionQuery(order="created"), sorted(expected))
    case.same(await views["a"].sessions.delete("b:c"), True, "whether there was one to delete")
    for tenant, name in PAIRS[1:]:
        with case.about(f"('a', 'b:c') deleted, then tenant {tenant!r}, session {name!r}"):
            case.same(len(await views[tenant].messages.find(name)), 1, "how many messages it has")
