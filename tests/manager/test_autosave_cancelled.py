"""Callers that go away at any moment: every turn that has ended is there, whole, once, and in its order."""

import asyncio

import pytest
from tests.manager.waiting import HOOKS, NEVER, stored, words

from holdfast import Autosave, HoldfastError, VersionConflict

FULL = Autosave(every=3600, turns=1)


@pytest.fixture
def make_manager(make_manager, adapter):
    return lambda autosave=NEVER, **options: make_manager(autosave, **{"hooks": HOOKS, **options})


async def say(session, number):
    async with session.turn() as turn:
        turn.add("user", f"{number}a")
        session.data[f"k{number}"] = number
        turn.add("assistant", f"{number}b")


def keys(*numbers):
    return {f"k{number}": number for number in numbers}


async def cancelled_after(turns, call):
    """Cancel a call after so many turns of the loop; True if it had ended before."""
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    ended = task.done()
    task.cancel()
    [result] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(result, Exception):
        raise result
    return ended


async def at_each_turn(run):
    """Run with 0, 1, 2… turns of the loop, until the call ends before that."""
    turns = 0
    while not await run(turns):
        turns += 1 if turns < 40 else turns // 3


async def test_the_end_of_a_turn_that_is_one_too_many(make_manager, others):
    async with make_manager(FULL) as manager:

        async def run(turns):
            name = f"s{turns}"
            session = await manager.session(name).__aenter__()
            await say(session, 1)
            ended = await cancelled_after(turns, say(session, 2))
            try:
                await say(session, 3)
                await session.flush()
            except VersionConflict:  # the second one was stored, though its caller went away
                await session.flush(state="theirs")
            said, data = await stored(others, name)
            assert (said, data) in [
                (words(1, 3), keys(1, 3)),
                (words(1, 2, 3), keys(1, 2, 3)),
                (words(1, 2), keys(1, 2)),
                (words(1, 2, 3), keys(1, 2)),
            ], f"cancelled after {turns} turns of the loop"
            assert not ended or "k2" in data
            return ended

        await at_each_turn(run)


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_flush(make_manager, others, autosave):
    async with make_manager(autosave) as manager:

        async def run(turns):
            name = f"s{turns}"
            session = await manager.session(name).__aenter__()
            await say(session, 1)
            await say(session, 2)
            session.data["outside"] = True
            ended = await cancelled_after(turns, session.flush())
            assert session.data == {**keys(1, 2), "outside": True}
            await say(session, 3)
            await session.flush()
            assert await stored(others, name) == (words(1, 2, 3), {**keys(1, 2, 3), "outside": True})
            return ended

        await at_each_turn(run)


@pytest.mark.parametrize("autosave", ["session", NEVER])
async def test_the_managers_flush(make_manager, others, autosave):
    async with make_manager(autosave) as manager:

        async def run(turns):
            names = [f"{turns}-{number}" for number in range(3)]
            for name in names:
                session = await manager.session(name).__aenter__()
                await say(session, 1)
                await say(session, 2)
            ended = await cancelled_after(turns, manager.flush())
            await manager.flush()
            for name in names:
                assert await stored(others, name) == (words(1, 2), keys(1, 2))
                assert (await others.load(name)).version == 2
            return ended

        await at_each_turn(run)


@pytest.mark.parametrize("autosave", ["session", NEVER])
async def test_closing(make_manager, others, autosave):
    async def run(turns):
        manager = make_manager(autosave)
        await manager.__aenter__()
        names = [f"{turns}-{number}" for number in range(3)]
        for name in names:
            session = await manager.session(name).__aenter__()
            await say(session, 1)
            await say(session, 2)
        ended = await cancelled_after(turns, manager.aclose())
        if turns == 0:
            await manager.aclose()  # it never began
        for name in names:
            assert await stored(others, name) == (words(1, 2), keys(1, 2)), f"cancelled after {turns} turns"
            assert (await others.load(name)).version == 2
        return ended

    await at_each_turn(run)


@pytest.mark.parametrize("autosave", ["session", NEVER])
async def test_a_merge(make_manager, others, autosave):
    async with make_manager(autosave, on_conflict="merge") as manager:

        async def run(turns):
            name = f"s{turns}"
            session = await manager.session(name).__aenter__()
            await session.flush()
            await say(session, 1)
            await say(session, 2)
            await others.update_data(name, {"theirs": True})
            ended = await cancelled_after(turns, session.flush())
            await others.update_data(name, {"theirs too": True})
            await say(session, 3)
            await session.flush()
            every = {**keys(1, 2, 3), "theirs": True, "theirs too": True}
            assert await stored(others, name) == (words(1, 2, 3), every), f"cancelled after {turns} turns"
            assert session.data == every
            return ended

        await at_each_turn(run)


async def test_a_merge_beneath_an_open_turn_that_raises(make_manager, others):
    async with make_manager(on_conflict="merge") as manager:

        async def run(turns):
            name = f"s{turns}"
            session = await manager.session(name).__aenter__()
            await session.flush()
            await say(session, 1)
            await others.update_data(name, {"theirs": True})
            with pytest.raises(ZeroDivisionError):
                async with session.turn() as turn:
                    turn.add("user", "lost")
                    session.data["lost"] = True
                    ended = await cancelled_after(turns, manager.flush())
                    raise ZeroDivisionError
            assert "lost" not in session.data
            await session.flush()
            assert await stored(others, name) == (words(1), {**keys(1), "theirs": True})
            return ended

        await at_each_turn(run)


@pytest.mark.parametrize("autosave", ["session", NEVER])
async def test_a_checkpoint_behind_turns_that_wait(make_manager, others, autosave):
    async with make_manager(autosave) as manager:

        async def run(turns):
            name = f"s{turns}"
            session = await manager.session(name).__aenter__()
            await say(session, 1)
            async with session.turn() as turn:
                turn.add("user", "2a")
                session.data["k2"] = "checkpoint"
                ended = await cancelled_after(turns, turn.checkpoint())
                turn.add("assistant", "2b")
                session.data["k2"] = 2
            await session.flush()
            assert await stored(others, name) == (words(1, 2), keys(1, 2))
            return ended

        await at_each_turn(run)


@pytest.mark.parametrize("autosave", ["session", NEVER])
async def test_leaving(make_manager, others, autosave):
    async with make_manager(autosave) as manager:

        async def run(turns):
            name = f"s{turns}"
            opening = manager.session(name)
            session = await opening.__aenter__()
            await say(session, 1)
            await say(session, 2)
            ended = await cancelled_after(turns, opening.__aexit__(None, None, None))
            await manager.flush()
            assert await stored(others, name) == (words(1, 2), keys(1, 2))
            return ended

        await at_each_turn(run)


async def test_giving_up_ones_state(make_manager, others):
    async with make_manager() as manager:

        async def run(turns):
            name = f"s{turns}"
            session = await manager.session(name).__aenter__()
            await session.flush()
            await say(session, 1)
            await others.update_data(name, {"k1": "theirs"})
            with pytest.raises(HoldfastError):
                await session.flush()
            ended = await cancelled_after(turns, session.flush(state="theirs"))
            await session.flush(state="theirs")
            assert await stored(others, name) == (words(1), {"k1": "theirs"})
            assert session.data == {"k1": "theirs"}
            await say(session, 2)
            await session.flush()
            return ended

        await at_each_turn(run)
