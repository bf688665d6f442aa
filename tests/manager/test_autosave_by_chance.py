"""Callers that go away and stores that fail, by chance: every turn that has ended is there, whole, and once."""

import asyncio
import random
from contextlib import suppress

import pytest
from tests.manager.waiting import HOOKS, NEVER, stored, words, yielding

from holdfast import Autosave, BackendUnavailable, HoldfastError, HookFailed, Hooks, OutcomeUnknown


@pytest.fixture
def make_manager(make_manager, adapter):
    return lambda autosave=NEVER, **options: make_manager(autosave, **{"hooks": HOOKS, **options})


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
