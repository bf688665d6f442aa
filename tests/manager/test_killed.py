"""Processes that chat through the manager are killed at any moment: what they were told is there, whole, once.

``HOLDFAST_TEST_KILLS=200`` kills more often; ``--holdfast-seed`` repeats the chance, as far as the system lets it.
"""

import asyncio
import os
import random

import pytest
from tests.manager.workers import workers

KILLS = int(os.environ.get("HOLDFAST_TEST_KILLS", "40"))
EACH = 10  # kills until the next sessions, so that looking at all of them stays cheap
SOON, LATE = {"every": 0.02, "turns": 5}, {"every": 60, "turns": 2}
FORMS = [
    ("turn", "raise"),
    ("turn", "merge"),
    (SOON, "raise"),
    (LATE, "merge"),
    ("session", "raise"),
    (SOON, "merge"),
    (LATE, "raise"),
    ("off", "merge"),
]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork.")
async def test_what_was_acknowledged_outlives_any_kill(tmp_path, seed):
    chance = random.Random(seed)
    async with workers(tmp_path, seed) as chats:

        def start(worker, number):
            autosave, on_conflict = FORMS[(number + worker) % len(FORMS)]
            chats.start(worker, f"shared {number // EACH}", autosave=autosave, on_conflict=on_conflict)

        for worker in range(4):
            start(worker, 0)
        for number in range(1, KILLS + 1):
            await asyncio.sleep(chance.random() * 0.3)
            victim = chance.randrange(4)
            chats.kill(victim)
            await check(chats, f"after kill {number} of seed {seed}", recent=2)
            start(victim, number)
        for worker in range(4):
            chats.kill(worker)
        await check(chats, f"at the end of seed {seed}")
        steps = chats.account().steps.values()
    acked = sum(step.acked for step in steps)
    hit = {step.life for step in steps if not (step.acked or step.dropped)}
    print(f"{KILLS} kills, seed {seed}: {acked} steps were acknowledged; {len(hit)} writers were hit within one.")
    assert acked > KILLS
    assert len(hit) > KILLS // 4


async def check(chats, when, recent=None):
    faults = await chats.check(recent)
    assert not faults, f"{when}:\n" + "\n".join(faults[:10]) + chats.errors()
