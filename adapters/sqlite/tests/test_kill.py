"""SIGKILL, at random points inside commits: what was acknowledged is there, whole; the rest is whole or absent."""

import random
import time
from collections.abc import Iterator

import pytest

from holdfast_sqlite import SQLiteAdapter

KILLS = 50


@pytest.mark.parametrize("seed", [20261121])
async def test_50_kills_inside_commits_lose_nothing_and_leave_no_half_turn(path, start, seed):
    chance = random.Random(seed)
    acked: list[int] = []
    sent = in_flight = 0
    for _ in range(KILLS):
        process = start("commit_turns.py", path, sent)
        commits = chance.randrange(1, 6)
        for what, number in _reports(process):
            if what == "acked":
                acked.append(number)
                continue
            sent = number + 1
            commits -= 1
            if not commits:
                time.sleep(chance.random() * 0.004)  # a commit takes about 3 ms here: most kills hit inside
                process.kill()
        process.communicate()
        in_flight += sent - 1 not in acked
        await _check(path, acked, sent)
    assert in_flight > KILLS // 10, "too few kills hit a commit in flight to prove anything"


def _reports(process) -> Iterator[tuple[str, int]]:
    for line in process.stdout:
        if line.endswith("\n"):  # the kill may cut the last line off
            what, number = line.split()
            yield what, int(number)


async def _check(path, acked: list[int], sent: int) -> None:
    async with SQLiteAdapter(path) as adapter:
        session = await adapter.sessions.get("s")
        messages = []
        page = await adapter.messages.find("s", limit=1000)
        messages += page.items
        while page.next:
            page = await adapter.messages.find("s", limit=1000, cursor=page.next)
            messages += page.items
    by_turn: dict[str, list[str]] = {}
    for message in messages:
        by_turn.setdefault(message.turn_id, []).append(message.id)
    for turn, ids in by_turn.items():
        assert ids == [f"{turn}/{index}" for index in range(3)], f"turn {turn} is not whole"
    stored = [int(turn) for turn in by_turn]
    assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert stored == sorted(stored)
    assert set(acked) <= set(stored) <= set(range(sent)), f"lost {sorted(set(acked) - set(stored))}"
    if stored:  # the state is that of the last whole turn
        assert session.data == {"turn": stored[-1], "ballast": f"{stored[-1]:06d}" * 33_000}
        assert session.version == len(stored) + 1
