"""Many workers on one session, and turns that are cancelled while a conflict is settled."""

import asyncio

import pytest

from holdfast import Autosave, PersistenceManager, Session, VersionConflict


def add_up(base, mine, theirs):
    count = theirs.data["n"] + mine.data["n"] - base.data["n"]
    theirs.data |= mine.data | {"n": count}
    return theirs


async def said(manager):
    return [message.content for message in await manager.history("s")]


@pytest.mark.parametrize("autosave", ["turn", "session"])
async def test_five_workers_merge_all_that_they_do(adapter, autosave):
    manager = PersistenceManager(adapter, on_conflict="merge", autosave=autosave)

    async def work(worker):
        async with manager.session("s") as session:
            for number in range(10):
                async with session.turn() as turn:
                    turn.add("user", f"{worker}.{number}")
                    session.data[f"{worker}.{number}"] = number
                    await asyncio.sleep(0)

    await asyncio.gather(*map(work, range(5)))
    every = [f"{worker}.{number}" for worker in range(5) for number in range(10)]
    words = await said(manager)
    assert sorted(words) == sorted(every)
    for worker in range(5):
        mine = [word for word in words if word.startswith(f"{worker}.")]
        assert mine == [f"{worker}.{number}" for number in range(10)]
    assert (await manager.load("s")).data == {name: int(name[2:]) for name in every}


@pytest.mark.parametrize("autosave", ["turn", "session", Autosave(every=0.001)])
async def test_five_workers_count_to_fifty_with_a_function(adapter, autosave):
    async with PersistenceManager(adapter, on_conflict=add_up, autosave=autosave) as manager:
        await manager.save(Session(id="s", data={"n": 0}))

        async def work():
            async with manager.session("s") as session:
                for _ in range(10):
                    async with session.turn() as turn:
                        turn.add("user", "x")
                        session.data["n"] += 1
                        await asyncio.sleep(0)

        await asyncio.gather(*[work() for _ in range(5)])
    assert (await manager.load("s")).data == {"n": 50}
    assert len(await said(manager)) == 50


async def test_with_raise_each_conflict_is_told_and_nothing_is_lost(manager):
    await manager.save(Session(id="s"))
    stored, refused = [], []

    async def work(worker):
        for number in range(10):
            name = f"{worker}.{number}"
            async with manager.session("s") as session:
                try:
                    async with session.turn() as turn:
                        turn.add("user", name)
                        session.data[name] = 1
                        await asyncio.sleep(0)
                    stored.append(name)
                except VersionConflict as conflict:
                    await conflict.turn.commit(state="theirs")
                    refused.append(name)

    await asyncio.gather(*map(work, range(5)))
    assert len(stored) + len(refused) == 50
    assert refused
    assert (await manager.load("s")).data == dict.fromkeys(stored, 1)
    assert sorted(await said(manager)) == sorted(stored + refused)


@pytest.mark.parametrize("policy", ["merge", lambda base, mine, theirs: mine])
async def test_turns_that_wait_are_made_again_one_by_one(adapter, policy):
    manager = PersistenceManager(adapter, on_conflict=policy, autosave="session")
    await manager.save(Session(id="s", data={"old": 1}))
    async with manager.session("s") as session:
        for number, (key, value) in enumerate([("a", 1), ("b", 2), ("a", 3), ("old", 4)]):
            async with session.turn() as turn:
                turn.add("user", str(number))
                session.data[key] = value
            if number == 1:
                await manager.update_data("s", {"theirs": 9})
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                session.data["lost"] = 1
                raise ZeroDivisionError
        await session.flush()
        assert session.data == (await manager.load("s")).data
    expected = {"old": 4, "a": 3, "b": 2} | ({"theirs": 9} if policy == "merge" else {})
    after = await manager.load("s")
    assert (after.data, after.version) == (expected, 6)
    assert await said(manager) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("policy", ["merge", add_up])
@pytest.mark.parametrize("again", ["commit", "another turn"])
async def test_a_turn_that_is_cancelled_anywhere_is_stored_once_or_not_at_all(adapter, policy, again):
    manager = PersistenceManager(adapter, on_conflict=policy)
    for steps in range(1, 60):
        name = f"s{steps}"
        await manager.save(Session(id=name, data={"n": 0}))
        async with manager.session(name) as session:
            turn = session.turn()
            await turn.__aenter__()
            turn.add("user", "x")
            session.data["n" if policy is add_up else "mine"] = 1
            await manager.update_data(name, {"n": 10})
            task = asyncio.ensure_future(turn.__aexit__(None, None, None))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if task.cancelled():
                assert session.data in ({"n": 0}, {"n": 10})
            if again == "commit":
                await turn.commit()
            else:
                async with session.turn() as other:
                    other.add("user", "y")
                    session.data["other"] = 2
        after = await manager.load(name)
        words = [message.content for message in await manager.history(name)]
        mine = {"n": 11} if policy is add_up else {"n": 10, "mine": 1}
        if again == "commit":
            assert (after.data, words, after.version) == (mine, ["x"], 3)
        else:
            stored = "x" in words
            assert words == ["x"] * stored + ["y"]
            assert after.data == (mine if stored else {"n": 10}) | {"other": 2}


async def test_theirs_that_is_cancelled_anywhere_keeps_the_messages_once(manager):
    for steps in range(1, 60):
        name = f"s{steps}"
        await manager.save(Session(id=name))
        async with manager.session(name) as session:
            await manager.update_data(name, {"by": "other"})
            with pytest.raises(VersionConflict):
                async with session.turn() as turn:
                    turn.add("user", "x")
                    session.data["by"] = "me"
            task = asyncio.ensure_future(turn.commit(state="theirs"))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert session.data in ({}, {"by": "other"})
            await turn.commit(state="theirs")
            assert session.data == {"by": "other"}
        assert [message.content for message in await manager.history(name)] == ["x"]
        assert (await manager.load(name)).version == 2
