"""An import through a user's view: all of it becomes his, and it reaches nothing that is not in the view."""

import pytest
from tests.manager.exports import everything, exported, message, resealed
from tests.manager.meddling import Meddled

from holdfast import (
    CorruptRecord,
    Hooks,
    Message,
    NotFound,
    PersistenceManager,
    Session,
    SessionQuery,
    Turn,
    VersionConflict,
)
from holdfast.codec import Plain
from holdfast.manager.upkeep.importing import Imported, import_user
from holdfast.manager.users.view import UserView

NOTHING = {"data": {}}


def crafted(*sessions, user_id="jane"):
    """An export that says this: of each session its fields, and the words of its messages."""
    lines, count = [{"holdfast": "export", "format": 1, "user_id": user_id}], 0
    for fields, *words in sessions:
        lines.append({"session": {"status": "active", **fields}, "state": NOTHING})
        turn = {"turn_id": "t", "role": "user"}
        lines += [{"message": {"id": word, **turn}, "body": {"content": word}} for word in words]
        count += len(words)
    return resealed([*lines, {"end": {"sessions": len(sessions), "messages": count}}])


@pytest.fixture
def denied():
    return []


@pytest.fixture
def manager(adapter, clock, denied):
    return PersistenceManager(adapter, clock=clock, hooks=Hooks(on_denied=lambda *who: denied.append(who)))


@pytest.fixture
def janes(manager):
    return manager.for_user("jane")


async def family(manager, *, child=None, grandchild=None):
    """A session of Jane's, one below it, and one below that; each with words."""
    for name, user, parent in (("p", "jane", None), ("c", child, "p"), ("g", grandchild, "c")):
        fresh = Session(id=name, user_id=user, parent_id=parent, data={"of": name})
        await manager.adapter.commit(Turn(session_id=name, session=fresh, messages=[message(f"{name}1")]))


async def lines_of(view):
    return [line async for line in view.export_user()]


async def users(adapter):
    return {info.id: info.user_id for info in await adapter.sessions.find(SessionQuery(nested=True))}


# --- what is not in the view ---------------------------------------------------------------------


@pytest.mark.parametrize("owner", ["bob", None])
@pytest.mark.parametrize("claims", ["jane", None])
async def test_what_is_there_and_not_in_the_view_is_left_alone(janes, adapter, owner, claims, denied):
    fresh = Session(id="taken", user_id=owner)
    await adapter.commit(Turn(session_id="taken", session=fresh, messages=[message("m0")]))
    before = await everything(adapter)
    for words in ([], ["m0"], ["m0", "m1"]):
        with pytest.raises(NotFound) as caught:
            await janes.import_user(crafted(({"id": "taken", "user_id": claims}, *words)))
        assert str(caught.value) == str(NotFound("Session 'taken'."))
    assert await everything(adapter) == before
    assert set(denied) == {("taken", "jane")}


async def test_what_somebody_else_has_imported_is_not_taken_for_ones_own(manager, janes, adapter):
    await manager.import_user(crafted(({"id": "taken", "user_id": "bob"}, "m0"), user_id="bob"))
    await manager.import_user(crafted(({"id": "nobodys"}, "m0"), user_id="bob"))
    before = await everything(adapter)
    for name in ("taken", "nobodys"):
        with pytest.raises(NotFound):
            await janes.import_user(crafted(({"id": name}, "m0")))
    assert await everything(adapter) == before


@pytest.mark.parametrize("owner", ["bob", None])
async def test_a_parent_that_is_not_in_the_view_is_answered_as_an_unused_one(janes, adapter, owner):
    await adapter.sessions.save(Session(id="parent", user_id=owner))
    for parent in ("parent", "unused"):
        with pytest.raises(NotFound) as caught:
            await janes.import_user(crafted(({"id": "c", "user_id": "jane", "parent_id": parent}, "m")))
        assert str(caught.value) == str(NotFound(f"Session {parent!r}."))
    assert await users(adapter) == {"parent": owner}


class Damaged(Plain):
    """A codec that reads no state any more, once it is told so."""

    told = False

    async def open(self, sealed, places):
        if self.told and any(place.kind == "state" for place in places):
            raise CorruptRecord("damaged.")
        return sealed


async def test_what_is_not_in_the_view_and_cannot_be_read_is_not_found_either(make_adapter, backend, tmp_path):
    codec = Damaged()
    async with make_adapter(backend, tmp_path, codec=codec) as adapter:
        await adapter.sessions.save(Session(id="p", user_id="jane"))
        await adapter.sessions.save(Session(id="bobs", user_id="bob"))
        await adapter.sessions.save(Session(id="nobodys", parent_id="p"))
        codec.told = True
        janes = PersistenceManager(adapter).for_user("jane")
        for fields in (
            {"id": "bobs"},
            {"id": "bobs", "parent_id": "p"},
            {"id": "nobodys", "parent_id": "p"},
            {"id": "new", "parent_id": "bobs"},
        ):
            with pytest.raises(NotFound):
                await janes.import_user(crafted((fields,)))


async def test_what_is_refused_keeps_out_those_below_it_and_no_others(janes, adapter):
    await adapter.sessions.save(Session(id="taken", user_id="bob"))
    with pytest.raises(NotFound):
        await janes.import_user(
            crafted(({"id": "taken"},), ({"id": "below", "parent_id": "taken"},), ({"id": "free"}, "m"))
        )
    assert await users(adapter) == {"taken": "bob", "free": "jane"}


async def test_what_becomes_another_users_meanwhile_is_neither_touched_nor_counted(adapter):
    lines = crafted(({"id": "p", "user_id": "jane"},), ({"id": "c", "parent_id": "p"}, "m"))

    async def begin(user):
        """A life of ``c``: the export's as nobody's, with more behind it as another user's."""
        await adapter.sessions.delete("c")
        said = [Message(id="m", role="user", content="m"), message("more")][: 1 if user is None else 2]
        fresh = Session(id="c", user_id=user, parent_id="p")
        await adapter.commit(Turn(id="t", session_id="c", session=fresh, messages=said))

    async def import_while(plan):
        await adapter.sessions.delete("p")
        await adapter.sessions.save(Session(id="p", user_id="jane"))
        await begin(None)
        below = Meddled(adapter)
        below.meddle(plan)
        await import_user(UserView(below, "jane"), lines, user_id="jane", beneath=below)
        return below.calls

    calls = await import_while({})
    for number in range(1, len(calls) + 1):
        with pytest.raises(NotFound, match="'c'"):
            await import_while({("before", number): lambda: begin("bob")})
        assert await users(adapter) == {"p": "jane", "c": "bob"}
        assert [one.id for one in await adapter.messages.find("c")] == ["m", "more"]


# --- what is ------------------------------------------------------------------------------------


async def test_all_of_an_honest_export_is_in_the_view_afterwards(manager, adapter, target):
    await family(manager)
    there = PersistenceManager(target).for_user("jane")
    lines = await lines_of(manager.for_user("jane"))
    assert await there.import_user(lines) == Imported(sessions=3, messages=3, present=0)
    assert [(await there.load(name)).user_id for name in "pcg"] == ["jane"] * 3
    assert [(await there.history(name))[0].id for name in "pcg"] == ["p1", "c1", "g1"]
    before = await everything(target)
    assert await there.import_user(lines) == Imported(sessions=0, messages=0, present=3)
    assert await everything(target) == before


async def test_an_import_after_an_erasure_gives_everything_back(manager, janes, adapter):
    await family(manager)
    lines = await lines_of(janes)
    await janes.erase_user()
    assert await janes.import_user(lines) == Imported(sessions=3, messages=3, present=0)
    assert await janes.import_user(lines) == Imported(sessions=0, messages=0, present=3)
    assert await users(adapter) == dict.fromkeys("pcg", "jane")


async def test_an_import_where_it_came_from_changes_nothing(manager, janes, adapter, denied):
    await family(manager, grandchild="jane")
    lines, before = await lines_of(janes), await everything(adapter)
    for _ in range(2):
        assert await janes.import_user(lines) == Imported(sessions=0, messages=0, present=3)
    assert await everything(adapter) == before
    assert denied == []


async def test_a_child_of_nobody_that_differs_is_not_in_the_view(manager, janes, adapter):
    await family(manager)
    lines = await lines_of(janes)
    changes = {
        "state": lambda: manager.update_data("c", {"more": 1}),
        "words": lambda: adapter.messages.replace("c", message("c1", "other words")),
        "fewer words": lambda: adapter.messages.remove("c", after=0, through=1),
    }
    for change in changes.values():
        await change()
        before = await everything(adapter)
        with pytest.raises(NotFound) as caught:
            await janes.import_user(lines)
        assert str(caught.value) == str(NotFound("Session 'c'."))
        assert await everything(adapter) == before


async def test_a_child_of_nobody_below_another_users_session_is_not_found_though_it_is_the_same(janes, adapter):
    await adapter.sessions.save(Session(id="bobs", user_id="bob"))
    await adapter.sessions.save(Session(id="c", parent_id="bobs"))
    await adapter.sessions.save(Session(id="p"))
    await adapter.sessions.save(Session(id="d", parent_id="p"))
    for name, parent in (("c", "bobs"), ("d", "p")):
        with pytest.raises(NotFound):
            await janes.import_user(crafted(({"id": name, "parent_id": parent},)))


async def test_her_own_session_below_another_users_is_present_and_is_not_made_again(manager, janes, adapter):
    await adapter.sessions.save(Session(id="bobs", user_id="bob"))
    await adapter.sessions.save(Session(id="c", user_id="jane", parent_id="bobs"))
    lines = await lines_of(janes)
    assert (await janes.import_user(lines)).present == 1
    await janes.erase_user()
    with pytest.raises(NotFound):
        await janes.import_user(lines)
    assert (await manager.import_user(lines)).sessions == 1


async def test_an_import_that_broke_off_goes_on_in_the_view(manager, target, adapter):
    await family(manager)
    lines = await lines_of(manager.for_user("jane"))

    def breaking(count):
        yield from lines[:count]
        raise OSError("the disk is gone")

    there = PersistenceManager(target).for_user("jane")
    for count in range(len(lines)):
        with pytest.raises(OSError, match="gone"):
            await there.import_user(breaking(count))
    await there.import_user(lines)
    assert await users(target) == dict.fromkeys("pcg", "jane")
    assert [len(await there.history(name)) for name in "pcg"] == [1, 1, 1]


async def test_a_session_in_the_view_that_differs_is_a_conflict_as_ever(manager, janes, adapter):
    await family(manager, child="jane", grandchild="jane")
    lines = await lines_of(janes)
    await janes.update_data("g", {"more": 1})
    with pytest.raises(VersionConflict) as caught:
        await janes.import_user(lines)
    assert caught.value.session_id == "g"


async def test_what_has_expired_since_is_left_out_with_those_below_it(janes, adapter, clock):
    over = clock.now.isoformat()
    lines = crafted(({"id": "p", "expires_at": over}, "m"), ({"id": "c", "parent_id": "p"},), ({"id": "z"},))
    for result in (Imported(sessions=1, messages=0, present=0), Imported(sessions=0, messages=0, present=1)):
        assert await janes.import_user(lines) == result
    assert await users(adapter) == {"z": "jane"}


async def test_without_a_view_what_is_nobodys_stays_so(manager, target):
    await family(manager)
    there = PersistenceManager(target)
    await there.import_user(await lines_of(manager.for_user("jane")), user_id="ann")
    assert await users(target) == {"p": "ann", "c": None, "g": None}
    assert len(await exported(target, "ann")) == 8


@pytest.mark.parametrize(
    "nested",
    [
        lambda manager: manager.for_tenant("t").for_user("jane"),
        lambda manager: manager.for_user("jane").for_tenant("t"),
    ],
)
async def test_in_a_view_of_a_tenants_user_it_reaches_that_tenant_alone(manager, adapter, nested):
    await family(manager)
    before = await everything(adapter)
    lines = await lines_of(manager.for_user("jane"))
    for result in (Imported(sessions=3, messages=3, present=0), Imported(sessions=0, messages=0, present=3)):
        assert await nested(manager).import_user(lines) == result
    assert await users(adapter.for_tenant("t")) == dict.fromkeys("pcg", "jane")
    assert await everything(adapter) == before
