"""Stale states that are merged."""

import copy

import pytest
from tests.manager.stories import said, stored

from holdfast import BackendUnavailable, PersistenceManager, Session, VersionConflict


@pytest.fixture
def managed(adapter, clock):
    """A manager with a policy."""
    return lambda on_conflict, **options: PersistenceManager(
        adapter, clock=clock, on_conflict=on_conflict, **options
    )


def enter(route):
    return lambda session: session.state.enter_route(route)


def put(table, **values):
    return lambda session: getattr(session.state, table).update(values)


def rename(agent):
    return lambda session: setattr(session.state, "agent", agent)


APART = [
    (put("data", a=1), put("data", b=2)),
    (put("metadata", a=1), put("metadata", b=2)),
    (put("data", a=1), put("metadata", a=2)),
    (put("data_by_route", shop={"n": 1}), put("data_by_route", pay={"n": 2})),
    (put("data", a=1), enter("shop")),
    (enter("shop"), lambda session: session.complete()),
    (lambda session: session.complete(), put("data", a=1)),
    (rename("bot"), put("data", a=1)),
]
TOGETHER = [
    (put("data", a=1), put("data", a=2), "data.a"),
    (put("data", a={"x": 1}), put("data", a={"y": 1}), "data.a"),
    (put("metadata", a=1), put("metadata", a=2), "metadata.a"),
    (put("data_by_route", shop={"n": 1}), put("data_by_route", shop={"m": 2}), "data_by_route.shop"),
    (enter("shop"), enter("pay"), "route"),
    (lambda session: session.complete(), lambda session: session.set_status("abandoned"), "status"),
    (rename("bot"), rename("human"), "agent"),
    (lambda session: session.data.pop("old"), put("data", old=2), "data.old"),
]


def whole(session):
    names = ("data", "metadata", "data_by_route", "current_route", "status", "completed_at", "agent")
    return copy.deepcopy({name: getattr(session, name) for name in names})


@pytest.mark.parametrize(("mine", "theirs"), APART)
async def test_what_does_not_clash_is_merged(managed, mine, theirs):
    manager = managed("merge")
    await manager.save(Session(id="s", data={"old": 1}))
    async with manager.session("s") as session:
        await manager.update("s", theirs)
        async with session.turn() as turn:
            turn.add("user", "x")
            mine(session)
        merged = await manager.load("s")
        assert whole(session.state) == whole(merged)
        assert session.state.version == merged.version == 3
    again = [whole(await manager.update("s", change)) for change in (mine, theirs)]
    assert all(state.keys() == whole(merged).keys() for state in again)
    for table in ("data", "metadata", "data_by_route"):
        assert again[-1][table] == getattr(merged, table)
    assert await said(manager) == ["x"]


@pytest.mark.parametrize(("mine", "theirs", "path"), TOGETHER)
async def test_what_clashes_raises_and_names_the_place(managed, mine, theirs, path):
    manager = managed("merge")
    await manager.save(Session(id="s", data={"old": 1}))
    async with manager.session("s") as session:
        before = whole(session.state)
        now = await manager.update("s", theirs)
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "x")
                mine(session)
        assert caught.value.paths == (path,)
        assert path in str(caught.value)
        assert caught.value.turn is turn
        assert whole(session.state) == before
        assert whole(await manager.load("s")) == whole(now)
        assert await said(manager) == []
        async with session.turn() as other:
            session.data["next"] = 1  # it is merged: nothing of the failed turn goes with it
        assert other.messages == ()
    assert await said(manager) == []
    stored = whole(await manager.load("s"))
    assert stored == whole(now) | {"data": now.data | {"next": 1}}


async def test_a_change_outside_a_turn_goes_along_when_the_turn_is_merged(managed):
    manager = managed("merge")
    await manager.save(Session(id="s"))
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            session.data["outside"] = 1
            await manager.update_data("s", {"theirs": 2})
            async with session.turn() as turn:
                turn.add("user", "one")
                session.data["inside"] = 3
                await turn.checkpoint()
                session.data["lost"] = 4
                raise ZeroDivisionError
    assert session.data == {"outside": 1, "theirs": 2, "inside": 3}
    assert (await stored(manager))[1] == {"outside": 1, "theirs": 2, "inside": 3}


async def test_a_failure_after_a_merge_puts_back_what_was_there_and_theirs(managed, failing):
    manager = managed("merge")
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        real = manager.adapter._runtime.commits._flusher._flush
        flushes = []

        async def down_at_the_second(writes):
            flushes.append(writes)
            if len(flushes) == 2:
                raise BackendUnavailable("down")
            return await real(writes)

        manager.adapter._runtime.commits._flusher._flush = down_at_the_second
        with pytest.raises(BackendUnavailable):
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["mine"] = 1
        assert "mine" not in session.data
        await manager.update_data("s", {"more": 1})
        await turn.commit()
        assert session.data == {"theirs": 1, "mine": 1, "more": 1}
    assert (await stored(manager))[1] == {"theirs": 1, "mine": 1, "more": 1}
    assert await said(manager) == ["x"]


@pytest.mark.parametrize("way", ["failed", "merged", "theirs", "joined"])
async def test_data_that_was_handed_out_stays_what_is_stored(managed, way):
    manager = managed("merge")
    if way != "joined":
        await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        data = session.data
        if way == "failed":
            with pytest.raises(ZeroDivisionError):
                async with session.turn():
                    data["lost"] = 1
                    raise ZeroDivisionError
        else:
            await manager.load_or_create("s")
            await manager.update_data("s", {"by": "other"})
            async with session.turn() as turn:
                turn.add("user", "x")
                data["by" if way == "theirs" else "mine"] = 1
                if way == "theirs":
                    await turn.commit(state="theirs")
        async with session.turn():
            data["next"] = 2
        assert session.data is data
    stored = (await manager.load("s")).data
    assert stored == data
    assert stored["next"] == 2
    assert "lost" not in stored


@pytest.mark.parametrize("inside", [True, False])
async def test_data_that_was_put_there_and_handed_out_stays_what_is_stored(manager, inside):
    async with manager.session("s") as session:
        if inside:
            async with session.turn():
                session.data = {"a": 1}
        else:
            session.data = {"a": 1}
        data = session.data
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                data["lost"] = 1
                raise ZeroDivisionError
        async with session.turn():
            data["next"] = 2
    assert (await manager.load("s")).data == {"a": 1, "next": 2}
