"""Many writers on one session: what they were told is there, whole, once, and no update is lost."""

import asyncio
import os
import random

import pytest
from tests.manager.chatting import chat
from tests.manager.in_process import FORMS, faults, noting_in, unanswered
from tests.manager.workers import workers
from tests.manager.writers import Writer, noting

from holdfast import PersistenceManager
from holdfast.manager.history import history

TASKS = 8


@pytest.mark.parametrize("on_conflict", ["raise", "merge"])
@pytest.mark.parametrize("form", FORMS)
async def test_eight_tasks_chat_in_one_session(adapter, seed, form, on_conflict):
    notes, reads, stopped = [], [], asyncio.Event()

    async def write(number):
        chance = random.Random(f"{seed} {number}")
        writer = Writer(manager, FORMS[form], f"w{number}", life=0, chance=chance, note=note)
        for _ in range(8):
            await chat(writer, "s", f"own {number}")

    async def watch():
        while not stopped.is_set():
            if await adapter.sessions.get("s"):
                reads.append(await history(adapter, "s"))
            await asyncio.sleep(0.01)

    note = noting_in(notes)
    options = {"autosave": FORMS[form], "on_conflict": on_conflict, "hooks": noting(note)}
    async with PersistenceManager(adapter, **options) as manager:
        watching = asyncio.create_task(watch())
        await asyncio.gather(*map(write, range(TASKS)))
        stopped.set()
        await watching
    assert await faults(adapter, notes, reads) == [], f"seed {seed}"
    assert unanswered(notes) == []


async def test_updates_of_many_tasks_lose_none(adapter):
    manager = PersistenceManager(adapter)
    async with manager.session("s") as session:
        session.data["n"] = 0

    def one_more(live):
        live.data["n"] += 1

    async def count(_):
        for _ in range(25):
            await manager.update("s", one_more)

    await asyncio.gather(*map(count, range(TASKS)))
    assert (await manager.load("s")).data == {"n": TASKS * 25}


async def test_handles_that_merge_their_own_keys_lose_none(adapter):
    manager = PersistenceManager(adapter, on_conflict="merge")

    async def write(number):
        async with manager.session("s") as session:
            for turn_number in range(25):
                async with session.turn() as turn:
                    turn.add("user", f"{number} {turn_number}")
                    session.data[f"n{number}"] = turn_number + 1

    await asyncio.gather(*map(write, range(TASKS)))
    assert (await manager.load("s")).data == {f"n{number}": 25 for number in range(TASKS)}
    said = [message.content for message in await manager.history("s")]
    assert sorted(said) == sorted(f"{number} {turn}" for number in range(TASKS) for turn in range(25))
    for number in range(TASKS):
        mine = [words for words in said if words.startswith(f"{number} ")]
        assert mine == [f"{number} {turn}" for turn in range(25)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork.")
async def test_four_processes_chat_in_one_session(tmp_path, seed):
    forms = [("turn", "raise"), ("turn", "merge"), ({"every": 0.02, "turns": 5}, "merge"), ("session", "raise")]
    async with workers(tmp_path, seed) as chats:
        for worker, (autosave, on_conflict) in enumerate(forms):
            chats.start(worker, "s", autosave=autosave, on_conflict=on_conflict, visits=15)
        ends = [await asyncio.to_thread(chats.end, worker) for worker in range(4)]
        assert ends == [0] * 4, f"seed {seed}: {chats.errors()}"
        assert await chats.check() == [], f"seed {seed}"
        steps = chats.account().steps.values()
    assert [step.name for step in steps if not (step.acked or step.dropped)] == []
