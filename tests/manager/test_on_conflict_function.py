"""Stale states that a function settles."""

import gc

import pytest
from tests.manager.stories import said, stored

from holdfast import ConfigurationError, InvalidArgument, PersistenceManager, Session


@pytest.fixture
def managed(adapter, clock):
    """A manager with a policy."""
    return lambda on_conflict, **options: PersistenceManager(
        adapter, clock=clock, on_conflict=on_conflict, **options
    )


async def test_a_function_is_given_the_three_states_and_decides(managed):
    seen = []

    def count(base, mine, theirs):
        seen.append((base.data, mine.data, theirs.data))
        assert {type(one) for one in (base, mine, theirs)} == {Session}
        assert {one.id for one in (base, mine, theirs)} == {"s"}
        return Session(id="s", data={"n": mine.data["n"] + theirs.data["n"] - base.data["n"]})

    manager = managed(count)
    await manager.save(Session(id="s", data={"n": 10}))
    async with manager.session("s") as session:
        await manager.update("s", lambda other: other.data.update(n=15))
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data["n"] += 1
        assert session.data == {"n": 16}
    assert seen == [({"n": 10}, {"n": 11}, {"n": 15})]
    assert await stored(manager) == (3, {"n": 16})


async def test_a_function_is_not_asked_where_nothing_was_changed_here(managed):
    def never(base, mine, theirs):
        raise ZeroDivisionError

    manager = managed(never)
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        async with session.turn() as turn:
            turn.add("user", "one")
            await turn.checkpoint()
            await manager.update_data("s", {"theirs": 2})
            turn.add("user", "two")
    assert await said(manager) == ["one", "two"]
    assert await stored(manager) == (3, {"theirs": 2})


NONSENSE = [
    lambda base, mine, theirs: None,
    lambda base, mine, theirs: mine.data,
    lambda base, mine, theirs: Session(id="s", data={"x": object()}),
    lambda base, mine, theirs: mine.model_copy(update={"data": 5}),
    lambda base, mine, theirs: mine.model_copy(update={"status": ""}),
]


@pytest.mark.parametrize("policy", NONSENSE)
async def test_nonsense_from_a_function_is_refused_and_nothing_is_written(managed, policy):
    manager = managed(policy)
    await manager.save(Session(id="s"))
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            await manager.update_data("s", {"theirs": 1})
            with pytest.raises(InvalidArgument):
                async with session.turn() as turn:
                    turn.add("user", "x")
                    session.data["mine"] = 1
            assert session.data == {}
            assert await stored(manager) == (2, {"theirs": 1})
            await turn.commit(state="theirs")
            assert session.data == {"theirs": 1}
            raise ZeroDivisionError
    assert await said(manager) == ["x"]


async def test_a_function_that_awaits_is_refused_and_leaves_nothing_behind(managed):
    async def awaits(base, mine, theirs):
        return mine

    manager = managed(awaits)
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        with pytest.raises(InvalidArgument) as caught:
            async with session.turn():
                session.data["mine"] = 1
    assert await stored(manager) == (2, {"theirs": 1})
    del caught
    gc.collect()  # a coroutine that nobody has closed warns now


async def test_what_a_function_raises_reaches_the_caller_and_nothing_is_written(managed):
    def raising(base, mine, theirs):
        mine.data.clear()
        theirs.data["changed"] = "in place"
        base.data["changed"] = "too"
        raise KeyError("mine")

    manager = managed(raising)
    await manager.save(Session(id="s", data={"old": [1]}))
    async with manager.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        for _ in range(2):
            with pytest.raises(KeyError, match="mine"):
                async with session.turn() as turn:
                    turn.add("user", "x")
                    session.data["old"].append(2)
            assert session.data == {"old": [1]}
        await turn.commit(state="theirs")
        assert session.data == {"old": [1], "theirs": 1}
    assert await said(manager) == ["x"]
    assert await stored(manager) == (2, {"old": [1], "theirs": 1})


async def test_a_function_may_change_what_it_is_given(managed):
    def in_place(base, mine, theirs):
        base.data.clear()
        mine.data["list"].append("changed")
        theirs.data |= mine.data
        theirs.id, theirs.key, theirs.version, theirs.user_id = "other", "other", 99, "other"
        return theirs

    manager = managed(in_place)
    await manager.save(Session(id="s", user_id="u", data={"list": []}))
    async with manager.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data["list"].append("mine")
        assert session.data == {"list": ["mine", "changed"], "theirs": 1}
        assert (session.id, session.state.version, session.state.user_id) == ("s", 3, "u")
        async with session.turn():
            session.data["next"] = 1
    after = await manager.load("s")
    assert (after.version, after.user_id) == (4, "u")
    assert after.data == {"list": ["mine", "changed"], "theirs": 1, "next": 1}


async def test_a_function_that_makes_a_new_state_leaves_the_data_at_its_version(managed):
    def fresh(base, mine, theirs):
        return Session(id=mine.id, data=theirs.data | mine.data)

    options = {"schema_version": 2, "migrations": {1: lambda data: {"upgraded": data}}}
    manager = managed(fresh, **options)
    await manager.save(Session(id="s", data={"a": 1}))
    async with manager.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        async with session.turn():
            session.data["mine"] = 1
    assert (await manager.load("s")).data == {"a": 1, "theirs": 1, "mine": 1}


@pytest.mark.parametrize("wrong", ["theirs", "", None, 5, True])
def test_a_wrong_policy_is_refused(adapter, wrong):
    with pytest.raises(ConfigurationError):
        PersistenceManager(adapter, on_conflict=wrong)
