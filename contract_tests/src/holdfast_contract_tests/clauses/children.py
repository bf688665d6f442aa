"""Sessions below sessions: they need a parent that is there, and end with it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from holdfast import Adapter, Capability, NotFound, Session, SessionQuery, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.clauses.walks import save_all, walked

PARENTS = [Capability.PARENTS]


async def family(adapter: Adapter, *ids: str) -> None:
    """Sessions that are each the child of the one before."""
    for parent, child in zip((None, *ids), ids, strict=False):
        await adapter.sessions.save(Session(id=child, parent_id=parent))


async def below(case: Case, adapter: Adapter, parent: str, expected: Sequence[str]) -> None:
    """Check which children a session has."""
    with case.about(f"the children of {parent!r}"):
        await case.listed(adapter, SessionQuery(parent=parent, order="created", include_expired=True), expected)


async def gone(case: Case, adapter: Adapter, *ids: str) -> None:
    """Check that sessions are dead."""
    for name in ids:
        case.same(await adapter.sessions.get(name), None, f"{name!r}, which must be gone")
        await case.refused(NotFound, adapter.messages.find(name))


async def nothing_left(case: Case, adapter: Adapter) -> None:
    """Check that there is no session at all."""
    await case.listed(adapter, SessionQuery(nested=True, include_expired=True, order="created"), [])


@clause("children.named", "A child names its parent, and is listed below it.", needs=PARENTS, level=Level.SMOKE)
async def named(case: Case) -> None:
    adapter = await case.open()
    saved = [
        await adapter.sessions.save(Session(id="p")),
        await adapter.sessions.save(Session(id="c", parent_id="p", user_id="u", data={"a": 1})),
        await adapter.sessions.save(Session(id="g", parent_id="c")),
    ]
    case.same([session.parent_id for session in saved], [None, "p", "c"], "parent_id as told by the save")
    found = [await load(adapter, name) for name in "pcg"]
    case.same(found, saved, "the sessions as read")
    for parent, child in (("p", "c"), ("c", "g")):
        [info] = await case.listed(adapter, SessionQuery(parent=parent), [child])
        case.same((info.parent_id, info.key), (parent, found["pcg".index(child)].key), "what the listing tells")


# --- creation -------------------------------------------------------------------------------------


@clause(
    "children.missing_parent",
    "A child of a parent that is not there is refused.",
    needs=PARENTS,
    level=Level.SMOKE,
)
async def missing_parent(case: Case) -> None:
    adapter = await case.open()
    orphan = Session(id="c", parent_id="none")
    async with case.unchanged(adapter):
        await case.refused(NotFound, adapter.sessions.save(orphan))
        await case.refused(NotFound, adapter.sessions.save(orphan, expected=0))
        await case.refused(NotFound, adapter.sessions.save(Session(id="c", parent_id="c")))
        turn = Turn(session_id="c", session=orphan, messages=case.say("a"))
        await case.refused(NotFound, adapter.commit(turn))
    await adapter.sessions.save(Session(id="c"))
    case.same(list(await adapter.messages.find("c")), [], "the messages of a session of that id")


@clause("children.deleted_parent", "A child of a deleted parent is refused.", needs=PARENTS, level=Level.SMOKE)
async def deleted_parent(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p", "c")
    await adapter.sessions.delete("p")
    for name in ("c", "d"):
        await case.refused(NotFound, adapter.sessions.save(Session(id=name, parent_id="p")))
        await case.refused(NotFound, adapter.sessions.save(Session(id=name, parent_id="c")))
    await nothing_left(case, adapter)


@clause(
    "children.expired_parent",
    "A child of an expired parent is refused.",
    needs=[Capability.PARENTS, Capability.EXPIRY],
)
async def expired_parent(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="p", expires_at=case.clock() + timedelta(hours=1)))
    await adapter.sessions.save(Session(id="b", parent_id="p"))
    case.clock.pass_(hours=1)
    try:
        answer = await adapter.sessions.save(Session(id="c", parent_id="p"))
    except NotFound:  # or SessionExpired, which is one
        answer = None
    case.same(answer, None, "what came of a save below an expired parent")
    case.same(await adapter.sessions.get("c"), None, "the child of the expired parent")
    await below(case, adapter, "p", [])


@clause(
    "children.other_tenant",
    "A child of another tenant's session is refused.",
    needs=[Capability.PARENTS, Capability.TENANTS],
)
async def other_tenant(case: Case) -> None:
    adapter = await case.open()
    views = [adapter, adapter.for_tenant("t"), adapter.for_tenant("T")]
    await family(views[1], "p")
    for view in (views[0], views[2]):
        await case.refused(NotFound, view.sessions.save(Session(id="c", parent_id="p")))
        case.same(await view.sessions.get("c"), None, "the child")
    for view in (views[0], views[2]):
        await family(view, "p", "c")
    await views[1].sessions.delete("p")
    for view in (views[0], views[2]):
        await below(case, view, "p", ["c"])


@clause("children.saved_again", "A child can be saved again, and stays where it is.", needs=PARENTS)
async def saved_again(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p", "c")
    parent, child = await load(adapter, "p"), await load(adapter, "c")
    child.data["a"] = 1
    saved = await adapter.sessions.save(child)
    case.same((saved.version, saved.parent_id, saved.data), (2, "p", {"a": 1}), "version, parent and data")
    turn = Turn(session_id="c", session=saved, messages=case.say("a"))
    await adapter.commit(turn)
    case.same((await load(adapter, "c")).parent_id, "p", "parent_id after a turn")
    await below(case, adapter, "p", ["c"])
    case.same(await load(adapter, "p"), parent, "the parent, which nobody has written to")


# --- the end --------------------------------------------------------------------------------------


@clause(
    "children.end_with_parent", "Deleting a session deletes all that is below it, and nothing else.", needs=PARENTS
)
async def end_with_parent(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p", "c", "g", "gg")
    await family(adapter, "pp", "c2")
    for name, parent in (("d", "p"), ("p:c", "pp"), ("p/c", "pp"), ("P", None), ("c3", "P")):
        await adapter.sessions.save(Session(id=name, parent_id=parent, user_id="u"))
    names = ["p", "c", "g", "gg", "d", "pp", "c2", "p:c", "p/c", "P", "c3"]
    for name in names:
        await adapter.messages.append(name, case.say("a"))
    case.same(await adapter.sessions.delete("p"), True, "whether there was one to delete")
    await gone(case, adapter, *names[:5])
    await case.listed(adapter, SessionQuery(order="created", nested=True, include_expired=True), sorted(names[5:]))
    for name in names[5:]:
        case.same(len(await adapter.messages.find(name)), 1, f"how many messages {name!r} has")
    await below(case, adapter, "pp", ["c2", "p/c", "p:c"])
    case.same(await adapter.sweep(), 0, "what is left to sweep")


@clause("children.end_alone", "Deleting a child leaves its parent and its siblings.", needs=PARENTS)
async def end_alone(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p", "c", "g")
    await adapter.sessions.save(Session(id="d", parent_id="p"))
    await adapter.messages.append("p", case.say("a"))
    await adapter.sessions.delete("c")
    await gone(case, adapter, "c", "g")
    await below(case, adapter, "p", ["d"])
    case.same(len(await adapter.messages.find("p")), 1, "how many messages the parent has")
    await adapter.sessions.save(Session(id="q"))
    await adapter.sessions.save(Session(id="c", parent_id="q"))
    await below(case, adapter, "p", ["d"])
    await below(case, adapter, "q", ["c"])


@clause(
    "children.expired_end_too",
    "Deleting a session deletes its expired children too, and what is below these.",
    needs=[Capability.PARENTS, Capability.EXPIRY],
)
async def expired_end_too(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p")
    await adapter.sessions.save(Session(id="c", parent_id="p", expires_at=case.clock() + timedelta(hours=1)))
    await adapter.sessions.save(Session(id="g", parent_id="c"))
    case.clock.pass_(hours=1)
    await adapter.sessions.delete("p")
    await gone(case, adapter, "p", "c", "g")
    await nothing_left(case, adapter)
    case.same(await adapter.sweep(), 0, "what is left to sweep")


@clause("children.refused_deletion", "A deletion that is refused ends no child.", needs=PARENTS)
async def refused_deletion(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p", "c", "g")
    await adapter.messages.append("p", case.say("a"))
    async with case.unchanged(adapter):
        await case.refused(VersionConflict, adapter.sessions.delete("p", expected=7))
        await case.refused(VersionConflict, adapter.sessions.delete("p", last_seq=0))
    case.same(await adapter.sessions.delete("p", expected=1, last_seq=1), True, "the deletion with true guards")
    await gone(case, adapter, "p", "c", "g")


@clause("children.next_life", "The next life of a parent has none of the children of the last.", needs=PARENTS)
async def next_life(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p", "c", "g")
    await adapter.messages.append("c", case.say("a"))
    await adapter.sessions.delete("p")
    await family(adapter, "p")
    await below(case, adapter, "p", [])
    await gone(case, adapter, "c", "g")
    await adapter.sessions.save(Session(id="c", parent_id="p"))
    case.same(list(await adapter.messages.find("c")), [], "the messages of the new child")
    await below(case, adapter, "p", ["c"])
    await below(case, adapter, "c", [])


@clause(
    "children.life_after_expiry",
    "A parent that begins anew after it expired has none of its old children, and `sweep` frees them.",
    needs=[Capability.PARENTS, Capability.EXPIRY],
)
async def life_after_expiry(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="p", expires_at=case.clock() + timedelta(hours=1)))
    await adapter.sessions.save(Session(id="d", parent_id="p"))
    await adapter.sessions.save(Session(id="e", parent_id="d"))
    case.clock.pass_(hours=1)
    await family(adapter, "p")
    await below(case, adapter, "p", [])
    await adapter.sessions.save(Session(id="new", parent_id="p"))
    while await adapter.sweep():
        pass
    await gone(case, adapter, "d", "e")
    await below(case, adapter, "p", ["new"])
    await load(adapter, "p")


# --- many -----------------------------------------------------------------------------------------


@clause("children.deep_and_wide", "Deep and wide families end with their parent.", needs=PARENTS)
async def deep_and_wide(case: Case) -> None:
    adapter = await case.open()
    chain = [f"level-{level}" for level in range(30)]
    await family(adapter, *chain)
    await save_all(adapter, [f"wide-{number}" for number in range(230)], parent_id=chain[7])
    await save_all(adapter, [f"below-{number}" for number in range(5)], parent_id="wide-207")
    await adapter.sessions.save(Session(id="other"))
    case.same(await adapter.sessions.delete(chain[0]), True, "whether there was one to delete")
    await case.listed(adapter, SessionQuery(nested=True, include_expired=True, order="created"), ["other"])
    await gone(case, adapter, chain[29], "wide-0", "wide-229", "below-4")
    case.same(await adapter.sweep(), 0, "what is left to sweep")


@clause(
    "children.over_a_thousand",
    "More than a thousand children are listed once each, and end with their parent.",
    needs=PARENTS,
)
async def over_a_thousand(case: Case) -> None:
    adapter = await case.open()
    await family(adapter, "p")
    await family(adapter, "q", "of q")
    names = sorted(f"c{number}" for number in range(1050))
    await save_all(adapter, names, parent_id="p")
    await walked(case, adapter, SessionQuery(parent="p", order="created", limit=adapter.limits.page), names)
    await walked(case, adapter, SessionQuery(parent="p", limit=min(300, adapter.limits.page)), names[::-1])
    case.same(await adapter.sessions.delete("p"), True, "whether there was one to delete")
    await case.listed(
        adapter, SessionQuery(nested=True, include_expired=True, order="created", limit=5), ["of q", "q"]
    )
    await gone(case, adapter, names[0], names[-1])
    case.same(await adapter.sweep(), 0, "what is left to sweep")


@clause("children.deleted_by_many", "A family that many delete at once is gone for all of them.", needs=PARENTS)
async def deleted_by_many(case: Case) -> None:
    handles = await case.handles(4)
    await family(handles[0], "p", "c", "g")
    answers = await asyncio.gather(*(adapter.sessions.delete("p") for adapter in handles))
    assert True in answers, f"nobody was told that there was a session to delete: {answers}"
    for adapter in handles:
        await nothing_left(case, adapter)
    case.same(await handles[0].sweep(), 0, "what is left to sweep")


@clause(
    "children.made_while_deleted", "A child made while its parent is deleted does not outlive it.", needs=PARENTS
)
async def made_while_deleted(case: Case) -> None:
    one, other = await case.handles(2)
    for number in range(case.size(5, 20, 100)):
        with case.about(f"round {number}"):
            await family(one, "p")
            deleted, made = await asyncio.gather(
                one.sessions.delete("p"),
                other.sessions.save(Session(id="c", parent_id="p")),
                return_exceptions=True,
            )
            case.same(deleted, True, "the deletion of the parent")
            if not isinstance(made, NotFound):
                assert isinstance(made, Session), f"the save of the child raised {made!r}"
                case.same((made.id, made.parent_id), ("c", "p"), "the child as told")
            case.same(await one.sessions.get("c"), None, "the child, after its parent's deletion")
    await nothing_left(case, one)
