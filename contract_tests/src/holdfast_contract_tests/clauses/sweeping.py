"""Sweeping: in bounded steps, until nothing is left; whatever lives is passed by."""

from datetime import timedelta
from functools import partial
from typing import Any

from holdfast import Adapter, Capability, InvalidArgument, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

HOUR = timedelta(hours=1)
EVERY = SessionQuery(include_expired=True, nested=True, order="created")
STEPS = 1000  # more than any of these sweeps can need


async def _fill(case: Case, adapter: Adapter, *names: str, messages: int = 3, **fields: Any) -> None:
    """Sessions that expire in an hour, with so many messages."""
    for name in names:
        own: dict[str, Any] = {"expires_at": case.clock.now + HOUR, **fields}
        session = Session(id=name, **own)
        said, step = case.say(*(f"m{number}" for number in range(messages))), adapter.limits.turn_messages
        await adapter.commit(Turn(session_id=name, session=session, messages=said[:step]))
        for start in range(step, messages, step):
            await adapter.messages.append(name, said[start : start + step])


async def _sweep_all(adapter: Adapter, limit: int) -> list[int]:
    """How much each step freed, until one freed nothing."""
    freed: list[int] = []
    for _ in range(STEPS):
        step = await adapter.sweep(limit=limit)
        if step == 0:
            return freed
        assert step <= 2 * limit, f"sweep(limit={limit}) freed {step} rows: that is not about its limit"
        freed.append(step)
    raise AssertionError(f"sweep(limit={limit}) was called {STEPS} times, and never said that nothing is left")


@clause("sweeping.nothing_dead", "Where nothing is dead, a sweep frees nothing, and says so.", level=Level.SMOKE)
async def nothing_dead(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "a", "b", expires_at=None)
    case.clock.pass_(days=10_000)
    async with case.unchanged(adapter):
        case.same(await adapter.sweep(), 0, "what a sweep freed")
        case.same(await adapter.sweep(limit=1), 0, "what a sweep freed, with limit=1")


@clause(
    "sweeping.alive",
    "A sweep passes by whatever lives, up to the last microsecond.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def alive(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "soon")
    await _fill(case, adapter, "later", expires_at=case.clock.now + HOUR + timedelta(microseconds=1))
    await _fill(case, adapter, "ever", expires_at=None)
    await _fill(case, adapter, "state", expires_at=None, state_expires_at=case.clock.now + HOUR, data={"a": 1})
    case.clock.pass_(hours=1, microseconds=-1)
    async with case.unchanged(adapter):
        case.same(await adapter.sweep(), 0, "what a sweep freed a microsecond before the first expiry")
    case.clock.pass_(microseconds=1)
    freed = sum(await _sweep_all(adapter, 1000))
    assert freed >= 1, "a session with three messages expired, and the sweeps said that they freed nothing"
    await case.listed(adapter, EVERY, ["ever", "later", "state"])
    for name in ("later", "ever", "state"):
        case.same(len(await adapter.messages.find(name)), 3, f"the number of messages of {name!r}")
    case.clock.pass_(days=365)
    await _sweep_all(adapter, 1000)
    await case.listed(adapter, EVERY, ["ever", "state"])
    for name in ("ever", "state"):
        with case.about("a year after a state expired, whose session does not"):
            assert await adapter.sessions.get(name), f"the session {name!r} was swept"
            case.same(len(await adapter.messages.find(name)), 3, f"the number of messages of {name!r}")


@clause(
    "sweeping.until_none_is_left",
    "Whatever the limit, sweeping goes on until none of the dead is left; only then it answers 0.",
    needs=[Capability.EXPIRY],
)
async def until_none_is_left(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "stays", expires_at=None, messages=1)
    for limit in (1, 3, 1000):
        with case.about(f"limit={limit}, six expired sessions with four messages and three without"):
            await _fill(case, adapter, *"abcdef", messages=4)
            await _fill(case, adapter, *"ghi", messages=0)
            case.clock.pass_(hours=1)
            freed = sum(await _sweep_all(adapter, limit))
            assert freed >= 9, f"nine sessions had expired, and the sweeps said that they freed {freed} rows"
            case.same(await adapter.sweep(limit=1000), 0, "what one more sweep freed")
            await case.listed(adapter, EVERY, ["stays"])
            case.same(len(await adapter.messages.find("stays")), 1, "the number of messages of 'stays'")


@clause(
    "sweeping.step",
    "Each step frees about its limit, however much is dead.",
    needs=[Capability.EXPIRY],
)
async def step(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "a", messages=100)
    names = ["a", *(f"s{number}" for number in range(20))]
    await _fill(case, adapter, *names[1:], messages=1)
    await case.listed(adapter, EVERY, sorted(names))
    case.clock.pass_(hours=1)
    freed = await adapter.sweep(limit=3)
    assert 1 <= freed <= 6, f"sweep(limit=3) said that it freed {freed} rows of 21 expired sessions"
    left = len(await adapter.sessions.find(EVERY))
    assert left >= 21 - 6, f"sweep(limit=3) left {left} of 21 expired sessions"
    await _sweep_all(adapter, 10)
    await case.listed(adapter, EVERY, [])


@clause(
    "sweeping.families",
    "The children of an expired session go with it when it is swept, and theirs.",
    needs=[Capability.EXPIRY, Capability.PARENTS],
)
async def families(case: Case) -> None:
    adapter = await case.open()
    for limit in (1, 3, 1000):
        with case.about(f"limit={limit}"):
            await _fill(case, adapter, "p")
            for child, parent in (("c", "p"), ("d", "p"), ("g", "c"), ("gg", "g")):
                await _fill(case, adapter, child, parent_id=parent, expires_at=None, messages=2)
            case.clock.pass_(hours=1)
            await _sweep_all(adapter, limit)
            await case.listed(adapter, EVERY, [])
            for name in ("p", "c", "d", "g", "gg"):
                case.same(await adapter.sessions.get(name), None, f"the session {name!r}")
            case.same(await adapter.sweep(), 0, "what one more sweep freed")


@clause(
    "sweeping.families_in_a_tenant",
    "In a tenant too, children go with their expired parent, swept by its view or by the adapter.",
    needs=[Capability.EXPIRY, Capability.PARENTS, Capability.TENANTS],
)
async def families_in_a_tenant(case: Case) -> None:
    adapter = await case.open()
    view, other = adapter.for_tenant("t"), adapter.for_tenant("u")
    for one in (adapter, other):
        await _fill(case, one, "p", expires_at=None)
        await _fill(case, one, "c", parent_id="p", expires_at=None)
    for name, sweeper in {"its view": view, "the adapter": adapter}.items():
        with case.about(f"swept by {name}"):
            await _fill(case, view, "p")
            for child, parent in (("c", "p"), ("g", "c")):
                await _fill(case, view, child, parent_id=parent, expires_at=None, messages=2)
            case.clock.pass_(hours=1)
            async with case.unchanged(other):
                await _sweep_all(sweeper, 3)
            await case.listed(view, EVERY, [])
            for gone in ("p", "c", "g"):
                case.same(await view.sessions.get(gone), None, f"the session {gone!r}")
            await case.listed(adapter, EVERY, ["c", "p"])
            case.same(await sweeper.sweep(), 0, "what one more sweep freed")


@clause(
    "sweeping.parents_of_the_expired",
    "A parent lives on when its child has expired and is swept.",
    needs=[Capability.EXPIRY, Capability.PARENTS],
    level=Level.SMOKE,
)
async def parents_of_the_expired(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "p", expires_at=None)
    await _fill(case, adapter, "c", parent_id="p")
    await _fill(case, adapter, "d", parent_id="p", expires_at=None)
    case.clock.pass_(hours=1)
    await _sweep_all(adapter, 1000)
    await case.listed(adapter, EVERY, ["d", "p"])
    for name in "pd":
        case.same(len(await adapter.messages.find(name)), 3, f"the number of messages of {name!r}")


@clause(
    "sweeping.tenants",
    "A tenant's view sweeps that tenant alone, and the adapter all.",
    needs=[Capability.EXPIRY, Capability.TENANTS],
)
async def tenants(case: Case) -> None:
    adapter = await case.open()
    views = [adapter.for_tenant("a"), adapter.for_tenant("b"), adapter]
    for view in views:
        await _fill(case, view, "s")
    case.clock.pass_(hours=1)
    case.same(await adapter.for_tenant("c").sweep(), 0, "what a view of a tenant without sessions freed")
    for swept, left in ((views[0], (0, 1, 1)), (adapter, (0, 0, 0))):
        freed = sum(await _sweep_all(swept, 2))
        assert freed > 0, "a sweep freed nothing, though there was something dead"
        for view, count in zip(views, left, strict=True):
            await case.listed(view, EVERY, ["s"] * count)
    case.same(await views[1].sweep(), 0, "what a view freed after the adapter had swept")


@clause(
    "sweeping.next_life",
    "The rows of an expired life are freed, and those of the next life of its id stay.",
    needs=[Capability.EXPIRY],
)
async def next_life(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "s")
    case.clock.pass_(hours=1)
    await adapter.sessions.save(Session(id="s", data={"life": 2}))
    await adapter.messages.append("s", case.say("new", "m0"))
    async with case.unchanged(adapter):
        freed = sum(await _sweep_all(adapter, 1))
    assert freed >= 1, "an expired life was replaced by another, and the sweeps said that they freed nothing"
    case.same(await adapter.sweep(), 0, "what one more sweep freed")


@clause("sweeping.deleted", "Deleting leaves nothing to sweep, however much there was.")
async def deleted(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    some = min(450, adapter.limits.turn_messages)
    for part in range(3):
        await adapter.messages.append("s", case.say(*(f"m{part}-{number}" for number in range(some))))
    await adapter.sessions.delete("s")
    case.same(await adapter.sweep(), 0, "what a sweep freed after the deletion")


@clause(
    "sweeping.deleted_expired",
    "Deleting an expired session frees it, and leaves nothing to sweep.",
    needs=[Capability.EXPIRY],
)
async def deleted_expired(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "s")
    case.clock.pass_(hours=1)
    await adapter.sessions.delete("s")
    case.same(await adapter.sweep(), 0, "what a sweep freed after the deletion")
    await case.listed(adapter, EVERY, [])


@clause(
    "sweeping.deleted_family",
    "Deleting an expired session frees its children, and leaves nothing to sweep.",
    needs=[Capability.EXPIRY, Capability.PARENTS],
)
async def deleted_family(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "s")
    await adapter.sessions.save(Session(id="c", parent_id="s"))
    case.clock.pass_(hours=1)
    await adapter.sessions.delete("s")
    case.same(await adapter.sweep(), 0, "what a sweep freed after the deletion")
    case.same(await adapter.sessions.get("c"), None, "the child of the deleted session")


@clause(
    "sweeping.no_row_stays",
    "Sweeping leaves no row of the dead in the backend.",
    needs=[Capability.EXPIRY],
)
async def no_row_stays(case: Case) -> None:
    adapter = await case.open()
    probe = await case.probe(adapter)
    await _fill(case, adapter, "stays", expires_at=None)
    before = await probe.rows()
    await _fill(case, adapter, "deleted", "again", data={"a": 1})
    await _fill(case, adapter, "old", messages=60, data={"a": 1})
    assert await probe.rows() > before, "the probe does not see the rows of three new sessions"
    await adapter.sessions.delete("deleted")
    case.clock.pass_(hours=1)
    await _fill(case, adapter, "again")
    await adapter.sessions.delete("again")
    await _sweep_all(adapter, 5)
    case.same(await probe.rows(), before, "the number of rows after all the dead were swept")


@clause("sweeping.limit", "A limit that is no positive number is refused at once.")
async def limit(case: Case) -> None:
    adapter = await case.open()
    wrong: tuple[Any, ...] = (0, -1, True, 1.0, "5", None, 2**63)
    for value in wrong:
        with case.about(f"limit={value!r}"):
            case.refused_at_once(InvalidArgument, partial(adapter.sweep, limit=value))
