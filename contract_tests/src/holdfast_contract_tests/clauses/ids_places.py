"""Identifiers of users, agents, statuses, tenants and parents: each finds its own, and nothing else."""

from collections.abc import Sequence

from holdfast import Capability, Session, SessionQuery
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._ids import HARD, each


@clause("ids.filters", "A query by user, agent or status finds those of exactly that id.")
async def filters(case: Case) -> None:
    await _check_filters(case, HARD)


@clause(
    "ids.filters_alike",
    "A query by user, agent or status does not find those whose ids look alike.",
    level=Level.SMOKE,
)
async def filters_alike(case: Case) -> None:
    await _check_filters(case, ["a", "A", "a ", "\u00e1", "a\u0301", "%", "7", "07", "x" * 255, "x" * 254])


async def _check_filters(case: Case, names: Sequence[str]) -> None:
    adapter = await case.open()
    for number, name in enumerate(names):
        with case.about(f"the id {name!r}"):
            new = Session(id=f"s{number}", user_id=name, agent=name, status=name)
            saved = await adapter.sessions.save(new)
            case.same((saved.user_id, saved.agent, saved.status), (name,) * 3, "user, agent and status")
    numbers = {name: number for number, name in enumerate(names)}

    async def check(name: str) -> None:
        for field in ("user_id", "agent", "status"):
            with case.about(f"a query by {field}"):
                query = SessionQuery.model_validate({field: name})
                [info] = await case.listed(adapter, query, [f"s{numbers[name]}"])
                case.same((info.user_id, info.agent, info.status), (name,) * 3, "user, agent and status")

    await each(case, names, check)


@clause(
    "ids.walk",
    "A walk over sessions that were created at one moment gives each once, whatever their ids are.",
    needs=[Capability.LISTING_EXACT],
)
async def walk(case: Case) -> None:
    adapter = await case.open()
    for name in HARD:
        await adapter.sessions.save(Session(id=name))
    for query in (SessionQuery(order="created", limit=7), SessionQuery(order="activity", limit=7)):
        found: list[str] = []
        cursor = None
        while len(found) <= len(HARD):
            page = await adapter.sessions.find(query.model_copy(update={"cursor": cursor}))
            found += [info.id for info in page]
            cursor = page.next
            if cursor is None:
                break
        twice = sorted({name for name in found if found.count(name) > 1})
        assert not twice, f"the walk by {query.order} gave these ids twice: {twice!a}"
        lost = sorted(set(HARD) - set(found))
        assert not lost, f"the walk by {query.order} lost these ids: {lost!a}"


@clause(
    "ids.tenants",
    "Any legal id can be a tenant's, and shows that tenant's sessions alone.",
    needs=[Capability.TENANTS],
)
async def tenants(case: Case) -> None:
    await _check_tenants(case, [*HARD, "default", "public", "main", "-1"])


@clause(
    "ids.tenants_alike",
    "Tenants whose ids look alike are different tenants.",
    needs=[Capability.TENANTS],
    level=Level.SMOKE,
)
async def tenants_alike(case: Case) -> None:
    await _check_tenants(case, ["a", "A", "a ", "\u00e1", "a\u0301", "7", "07", "x" * 255, "x" * 254])


async def _check_tenants(case: Case, names: Sequence[str]) -> None:
    adapter = await case.open()
    for name in names:
        with case.about(f"the tenant {name!r}"):
            await adapter.for_tenant(name).sessions.save(Session(id="s", data={"of": name}))

    async def check(name: str) -> None:
        session = await adapter.for_tenant(name).sessions.get("s")
        assert session is not None, f"the session of tenant {name!r} is not there"
        case.same(session.data, {"of": name}, "the tenant's session")
        query = SessionQuery(with_state=True)
        [listed] = await case.listed(adapter.for_tenant(name), query, ["s"])
        case.same(listed.key, session.key, "the key of the session that is listed")

    await each(case, names, check)
    case.same(await adapter.sessions.get("s"), None, "what no tenant has")
    await case.listed(adapter, SessionQuery(nested=True), [])


@clause(
    "ids.parents",
    "Any legal id can be a parent's, and has its own children alone.",
    needs=[Capability.PARENTS],
)
async def parents(case: Case) -> None:
    adapter = await case.open()
    numbers = {name: number for number, name in enumerate(HARD)}
    for number, name in enumerate(HARD):
        with case.about(f"the parent {name!r}"):
            await adapter.sessions.save(Session(id=name))
            await adapter.sessions.save(Session(id=f"child {number}", parent_id=name))

    async def check(name: str) -> None:
        [info] = await case.listed(adapter, SessionQuery(parent=name), [f"child {numbers[name]}"])
        case.same(info.parent_id, name, "parent_id")

    await each(case, HARD, check)
