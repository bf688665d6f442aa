"""Callers that go away at any moment: every turn that has ended is there, whole, once, and in its order."""

import asyncio
import random
from contextlib import suppress

import pytest

from holdfast import (
    Autosave,
    BackendUnavailable,
    HoldfastError,
    HookFailed,
    Hooks,
    OutcomeUnknown,
    PersistenceManager,
    VersionConflict,
)

NEVER = Autosave(every=3600)
FULL = Autosave(every=3600, turns=1)


async def yielding(*said):
    await asyncio.sleep(0)


HOOKS = Hooks(before_save=yielding, after_save=yielding, on_conflict=yielding, on_error=yielding)


@pytest.fixture
def make_manager(adapter, clock):
    return lambda autosave=NEVER, **options: PersistenceManager(
        adapter, autosave=autosave, clock=clock, **{"hooks": HOOKS, **options}
    )


@pytest.fixture
def others(adapter, clock):
    return PersistenceManager(adapter, clock=clock)


async def stored(manager, session_id):
    session = await manager.load(session_id)
    if session is None:
        return None
    return [message.content for message in await manager.history(session_id)], session.data


async def say(session, number):
    async with session.turn() as turn:
        turn.add("user", f"{number}a")
        session.data[f"k{number}"] = number
        turn.add("assistant", f"{number}b")


def words(*numbers):
    return [f"{number}{letter}" for number in numbers for letter in "ab"]


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


# --- everything at once --------------------------------------------------------------------------


class Chaos:
    """One handle, whose calls are cancelled and whose store fails, by chance; and what must come of it."""

    def __init__(self, seed, adapter, monkeypatch):
        self.random = random.Random(seed)
        self.faulty = False
        self.ended, self.maybe, self.never = [], [], []
        flush = adapter._runtime.commits._flusher._flush

        async def flaky(writes):
            chance = self.random.random() if self.faulty else 1
            if chance < 0.1:
                raise BackendUnavailable("down")
            if chance < 0.15:
                raise OutcomeUnknown("cut")
            answers = await flush(writes)
            if chance < 0.25:
                raise OutcomeUnknown("cut")
            return answers

        monkeypatch.setattr(adapter._runtime.commits._flusher, "_flush", flaky)

    async def some(self, call):
        """Run a call, or a part of it: True if it went well."""
        task = asyncio.ensure_future(call)
        if self.random.random() < 0.4:
            for _ in range(self.random.randrange(40)):
                await asyncio.sleep(0)
            task.cancel()
        try:
            await task
        except (HoldfastError, asyncio.CancelledError):
            return False
        return True

    async def turn(self, session, number):
        self.maybe.append(number)
        if await self.some(self.chat(session, number)):
            self.maybe.remove(number)
            self.ended.append(number)

    async def chat(self, session, number):
        async with session.turn() as turn:
            turn.add("user", f"{number}a")
            session.data[f"k{number}"] = number
            await asyncio.sleep(0)
            turn.add("assistant", f"{number}b")

    async def turn_that_raises(self, session, number):
        self.never.append(number)
        try:
            async with session.turn() as turn:
                turn.add("user", f"{number}a")
                session.data[f"k{number}"] = number
                await asyncio.sleep(0)
                _ = 1 / 0
        except (ZeroDivisionError, HoldfastError):
            pass


@pytest.fixture
def make_chaos(adapter, monkeypatch):
    return lambda seed: Chaos(seed, adapter, monkeypatch)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize(
    "autosave", ["turn", "session", Autosave(every=0.001, turns=3), Autosave(every=3600, turns=2)]
)
async def test_by_chance(make_manager, others, make_chaos, autosave, seed):
    chaos = make_chaos(seed)
    theirs = 0
    async with make_manager(autosave, on_conflict="merge") as manager:
        session = await manager.session("s").__aenter__()
        await session.flush()
        chaos.faulty = True
        for number in range(40):
            step = chaos.random.random()
            if step < 0.5:
                await chaos.turn(session, number)
            elif step < 0.6:
                await chaos.turn_that_raises(session, number)
            elif step < 0.7:
                await chaos.some(session.flush())
            elif step < 0.8:
                await chaos.some(manager.flush())
            elif step < 0.9:
                chaos.faulty = False
                await others.update_data("s", {f"t{number}": number})
                theirs += 1
                chaos.faulty = True
            else:
                await asyncio.sleep(0.002)
        chaos.faulty = False
        with suppress(HookFailed):  # of the background, and not told yet
            await session.flush()
    await others.update_data("s", {"end": True})  # behind what is still under way, though its caller went away
    said, data = await stored(others, "s")
    numbers = [int(text[:-1]) for text in said[::2]]
    assert said == words(*numbers), "a turn is not whole, or turns are mixed"
    assert numbers == sorted(set(numbers)), "a turn is doubled, or not in its order"
    assert set(chaos.ended) <= set(numbers), "a turn that had ended is lost"
    assert not set(chaos.never) & set(numbers), "a turn that raised is there"
    assert {key for key in data if key[0] == "k"} == {f"k{number}" for number in numbers}, "the state is another"
    assert len([key for key in data if key[0] == "t"]) == theirs
    assert session.data.keys() >= {f"k{number}" for number in chaos.ended}


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("autosave", ["turn", "session", Autosave(every=0.001, turns=3)])
async def test_two_tasks_on_one_handle_by_chance(make_manager, others, make_chaos, autosave, seed):
    """One has the turns, the other one stores what waits and goes away; others write meanwhile, hooks fail."""
    chaos = make_chaos(seed)
    working = True
    written = []

    def sometimes(*said):
        if chaos.faulty and chaos.random.random() < 0.1:
            raise BackendUnavailable("a hook of the user's")

    hooks = Hooks(before_save=sometimes, after_save=sometimes, on_conflict=yielding, on_error=yielding)

    async def storing(session, manager):
        while working:
            call = chaos.random.choice([session.flush, manager.flush, lambda: asyncio.sleep(0.001)])
            await chaos.some(call())

    async def writing():
        while working:
            try:
                await others.update_data("s", {f"t{len(written)}": len(written)})
                written.append(len(written))
            except HoldfastError:
                pass
            await asyncio.sleep(0.001)

    with suppress(HookFailed):  # of the background, and not told yet
        async with make_manager(autosave, on_conflict="merge", hooks=hooks) as manager:
            session = await manager.session("s").__aenter__()
            await session.flush()
            chaos.faulty = True
            tasks = [asyncio.create_task(storing(session, manager)), asyncio.create_task(writing())]
            for number in range(30):
                if chaos.random.random() < 0.2:
                    await chaos.turn_that_raises(session, number)
                else:
                    await chaos.turn(session, number)
            working = False
            await asyncio.gather(*tasks)
            chaos.faulty = False
            await session.flush()
    await others.update_data("s", {"end": True})
    said, data = await stored(others, "s")
    numbers = [int(text[:-1]) for text in said[::2]]
    assert said == words(*numbers), "a turn is not whole, or turns are mixed"
    assert numbers == sorted(set(numbers)), "a turn is doubled, or not in its order"
    assert set(chaos.ended) <= set(numbers), "a turn that had ended is lost"
    assert not set(chaos.never) & set(numbers), "a turn that raised is there"
    assert {key for key in data if key[0] == "k"} == {f"k{number}" for number in numbers}, "the state is another"
    assert {f"t{number}" for number in written} <= data.keys(), "a change of the other worker is lost"
