"""Creations that race, lives that end, and tools inside a turn."""

import asyncio

import pytest
from tests.manager.stories import POLICIES, said, stored

from holdfast import NotFound, PersistenceManager, Session, VersionConflict


@pytest.fixture
def managed(adapter, clock):
    """A manager with a policy."""
    return lambda on_conflict, **options: PersistenceManager(
        adapter, clock=clock, on_conflict=on_conflict, **options
    )


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_creation_that_loses_with_its_first_state_appends_under_every_policy(managed, policy):
    manager = managed(policy)
    async with manager.session("s", agent="bot") as late:
        async with manager.session("s") as early, early.turn() as turn:
            turn.add("user", "one")
            early.data["by"] = "early"
        async with late.turn() as turn:
            turn.add("user", "two")
        assert (late.data, late.state.version) == ({"by": "early"}, 1)
    assert await said(manager) == ["one", "two"]
    assert await stored(manager) == (1, {"by": "early"})


async def test_a_creation_that_loses_with_a_state_of_its_own_is_settled(managed):
    manager = managed("merge")
    async with manager.session("s") as late:
        async with manager.session("s") as early:
            early.data["early"] = 1
        async with late.turn() as turn:
            turn.add("user", "two")
            late.data["late"] = 2
        assert late.data == {"early": 1, "late": 2}
    assert await stored(manager) == (2, {"early": 1, "late": 2})


async def test_a_creation_that_loses_with_the_same_key_is_a_conflict(managed):
    manager = managed("merge")
    async with manager.session("s") as late:
        async with manager.session("s") as early:
            early.data["by"] = "early"
        with pytest.raises(VersionConflict) as caught:
            async with late.turn() as turn:
                turn.add("user", "two")
                late.data["by"] = "late"
        assert caught.value.paths == ("data.by",)
        await turn.commit(state="theirs")
        assert late.data == {"by": "early"}
    assert await said(manager) == ["two"]
    assert await stored(manager) == (1, {"by": "early"})


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_creation_that_loses_to_another_user_writes_nothing(managed, policy):
    manager = managed(policy)
    with pytest.raises(NotFound):
        async with manager.session("s", user_id="me") as mine:
            await manager.save(Session(id="s", user_id="somebody else", data={"theirs": 1}))
            with pytest.raises(NotFound):
                async with mine.turn() as turn:
                    turn.add("user", "whose?")
                    mine.data["mine"] = 1
            assert mine.data == {}
            await turn.commit(state="theirs")
    assert await said(manager) == []
    assert await stored(manager) == (1, {"theirs": 1})


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_session_that_began_another_life_is_neither_overwritten_nor_resurrected(managed, policy):
    manager = managed(policy)
    await manager.save(Session(id="s", data={"old": 1}))
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            await manager.delete("s")
            for begun in (False, True):
                if begun:
                    await manager.save(Session(id="s", data={"new": 1}))
                with pytest.raises(NotFound):
                    async with session.turn() as turn:
                        turn.add("user", "to the dead")
                        session.data["mine"] = 1
                session.data["outside"] = 1
                with pytest.raises(NotFound):
                    await session.flush()
                del session.data["outside"]
                if not begun:
                    assert await manager.load("s") is None
            raise ZeroDivisionError
    assert await stored(manager) == (1, {"new": 1})
    assert await said(manager) == []


async def test_twenty_creations_at_once_lose_nothing(managed):
    manager = managed("merge")

    async def one(number):
        async with manager.session("s", user_id="u") as session, session.turn() as turn:
            turn.add("user", str(number))
            session.data[str(number)] = number

    await asyncio.gather(*map(one, range(20)))
    assert sorted(map(int, await said(manager))) == list(range(20))
    assert (await stored(manager))[1] == {str(number): number for number in range(20)}


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_session_that_has_expired_is_neither_overwritten_nor_resurrected(
    make_adapter, backend, tmp_path, clock, policy
):
    async with make_adapter(backend, tmp_path, clock=clock, message_ttl=60) as adapter:
        manager = PersistenceManager(adapter, clock=clock, on_conflict=policy)
        await manager.save(Session(id="s", data={"old": 1}))
        with pytest.raises(ZeroDivisionError):
            async with manager.session("s") as session:
                clock.pass_(seconds=61)
                for begun in (False, True):
                    if begun:
                        await manager.save(Session(id="s", data={"new": 1}))
                    with pytest.raises(NotFound):
                        async with session.turn() as turn:
                            turn.add("user", "x")
                            session.data["mine"] = 1
                    with pytest.raises(NotFound):
                        await turn.commit(state="theirs")
                    assert session.data == {"old": 1}
                    assert begun or await manager.load("s") is None
                raise ZeroDivisionError
        assert (await manager.load("s")).data == {"new": 1}
        assert await manager.history("s") == []


async def test_a_users_view_merges_as_well(adapter):
    view = PersistenceManager(adapter, on_conflict="merge").for_user("u")
    async with view.session("s") as late:
        async with view.session("s") as early, early.turn() as turn:
            turn.add("user", "1")
            early.data["early"] = 1
        async with late.turn() as turn:
            turn.add("user", "2")
            late.data["late"] = 1
        await view.update_data("s", {"by hand": 1})
        async with late.turn() as turn:
            turn.add("user", "3")
            late.data["late"] = 2
    assert (await view.load("s")).data == {"early": 1, "late": 2, "by hand": 1}
    assert await said(view) == ["1", "2", "3"]


@pytest.mark.parametrize("exists", [True, False])
async def test_a_tool_changes_the_state_and_the_turn_does_not(manager, exists):
    if exists:
        await manager.save(Session(id="s"))
    async with manager.session("s") as outer, outer.turn() as turn:
        turn.add("user", "book it")
        async with manager.session("s") as inner, inner.turn() as nested:
            nested.add("tool", "booked")
            inner.data["booked"] = True
        await manager.update_data("s", {"also": "by hand"})
        turn.add("assistant", "done")
    assert await said(manager) == ["booked", "book it", "done"]
    assert (await stored(manager))[1] == {"booked": True, "also": "by hand"}


async def test_a_tool_and_its_turn_both_change_the_state(managed):
    manager = managed("merge")
    async with manager.session("s") as outer, outer.turn() as turn:
        turn.add("user", "book it")
        outer.data["asked"] = True
        await turn.checkpoint()
        async with asyncio.timeout(10):
            await manager.update("s", lambda session: session.data.update(booked=True))
        turn.add("assistant", "done")
        outer.data["done"] = True
    assert outer.data == {"asked": True, "booked": True, "done": True}
    assert (await stored(manager))[1] == {"asked": True, "booked": True, "done": True}
    assert await said(manager) == ["book it", "done"]
