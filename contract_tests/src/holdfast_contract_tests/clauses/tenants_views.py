"""Tenants: the views themselves."""

from collections.abc import Awaitable, Callable
from typing import Any

from holdfast import AdapterClosed, Capability, InvalidIdentifier, NotFound, Session
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.equality import shown

TENANTS = [Capability.TENANTS]


@clause(
    "tenants.same_errors",
    "The errors of missing and of foreign sessions read the same.",
    needs=TENANTS,
    level=Level.SMOKE,
)
async def same_errors(case: Case) -> None:
    adapter = await case.open()
    await adapter.for_tenant("t").sessions.save(Session(id="foreign"))
    await adapter.for_tenant("t").messages.append("foreign", case.say("a"))
    calls: list[Callable[[str], Awaitable[Any]]] = [
        lambda name: adapter.messages.append(name, case.say("a")),
        adapter.messages.find,
        lambda name: adapter.messages.get(name, "a"),
        lambda name: adapter.sessions.save(Session(id=name), expected="any"),
    ]
    texts: dict[str, list[str]] = {"foreign": [], "missing": []}
    for name, told in texts.items():
        for call in calls:
            error = await case.refused(NotFound, call(name))
            told.append(str(error).replace(name, "…"))
    case.same(texts["foreign"], texts["missing"], "the texts of the errors")


@clause(
    "tenants.views_replace",
    "A view of a view replaces the tenant, and does not nest.",
    needs=TENANTS,
    level=Level.SMOKE,
)
async def views_replace(case: Case) -> None:
    adapter = await case.open()
    one, other = adapter.for_tenant("t"), adapter.for_tenant("T")
    session = await one.sessions.save(Session(id="s", data={"a": 1}))
    case.same(await other.for_tenant("t").sessions.get("s"), session, "the session, by a view of a view")
    case.same(await one.for_tenant("T").sessions.get("s"), None, "the session in the other tenant")
    case.same(await one.sessions.get("s"), session, "the session, by the first view")
    case.same(await adapter.sessions.get("s"), None, "the session in the default tenant")


@clause(
    "tenants.identifiers",
    "A tenant is an identifier: what breaks their rules is refused.",
    needs=TENANTS,
    level=Level.SMOKE,
)
async def identifiers(case: Case) -> None:
    adapter = await case.open()
    wrong: list[Any] = ["", " ", "\x00", "a\nb", "x" * 256, "\ud800", None, 5, b"t", ["t"]]
    for tenant in wrong:
        with case.about(f"the tenant {shown(tenant, 40)}"):
            try:
                adapter.for_tenant(tenant)
            except InvalidIdentifier:
                continue
            raise AssertionError("expected InvalidIdentifier, but a view was given")


@clause("tenants.view_closes_nothing", "Closing a view closes nothing.", needs=TENANTS)
async def view_closes_nothing(case: Case) -> None:
    adapter = await case.open()
    view = adapter.for_tenant("t")
    await view.sessions.save(Session(id="s"))
    await view.aclose()
    async with view:
        await load(view)
    await load(view)
    await adapter.ping()
    await adapter.sessions.save(Session(id="s"))


@clause("tenants.view_ends", "A view is closed with its adapter.", needs=TENANTS)
async def view_ends(case: Case) -> None:
    adapter = await case.new()
    async with adapter:
        view = adapter.for_tenant("t")
        await view.sessions.save(Session(id="s"))
    await case.refused(AdapterClosed, view.sessions.get("s"))
    await case.refused(AdapterClosed, view.messages.find("s"))
    await case.refused(AdapterClosed, view.messages.append("s", case.say("a")))


@clause(
    "tenants.view_is_alike", "A view is what its adapter is, with the same abilities and limits.", needs=TENANTS
)
async def view_is_alike(case: Case) -> None:
    adapter = await case.open()
    view = adapter.for_tenant("t")
    kind = type(unwatched(adapter))
    assert isinstance(unwatched(view), kind), f"a view is {type(unwatched(view)).__name__}, not {kind.__name__}"
    for name in ("capabilities", "durability", "limits", "findings", "schema"):
        case.same(getattr(view, name), getattr(adapter, name), name)


@clause("tenants.view_before_opening", "A view that was made before opening works after it.", needs=TENANTS)
async def view_before_opening(case: Case) -> None:
    adapter = await case.new()
    view = adapter.for_tenant("t")
    async with adapter:
        await view.sessions.save(Session(id="s"))
        case.same(await adapter.sessions.get("s"), None, "the session in the default tenant")
        await load(view)
        case.same(view.capabilities, adapter.capabilities, "the view's capabilities")


@clause("tenants.default", "The default tenant is no other, whatever its name.", needs=TENANTS)
async def default(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    for tenant in ("default", "Default", "None", "null", "0", "''", "_", "-", "*", "%"):
        with case.about(f"tenant {tenant!r}"):
            case.same(await adapter.for_tenant(tenant).sessions.get("s"), None, "the default tenant's session")
