"""The example of two workers, and whether it would notice a loss."""

import asyncio
from pathlib import Path

import pytest
from example_process import EXAMPLES, notices, promises, run

import holdfast
from holdfast import PersistenceManager

TWO_WORKERS = EXAMPLES / "two_workers.py"


def test_both_work_and_nothing_is_lost_also_the_second_time_on_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a b#%41?.db"
    for _ in range(2):
        done = run(TWO_WORKERS, str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert len(promises(done)) == 8
        assert len(done.stdout.splitlines()) < 40

    async def count() -> list[int]:
        async with holdfast.open(f"sqlite:///{tmp_path}/a b%23%2541%3f.db") as adapter:
            return [session.message_count for session in await PersistenceManager(adapter).sessions()]

    assert asyncio.run(count()) == [54, 54]


# What stands there, what is put in its place, or behind it, and the promise that it breaks.
IMPORT = "import holdfast\n"
BROKEN: dict[str, tuple[str, str, str]] = {
    "a worker that dies": (
        'turn.add("assistant", f"{name} was here")',
        'sys.exit(name == "red")',
        "both came to their end",
    ),
    "a conflict that is none": (
        'session.data["choice"] = name',
        'session.data.get("choice")',
        "one of the two was told",
    ),
    "words that are given up with the state": (
        'await conflict.turn.commit(state="theirs")',
        'await session.flush(state="theirs")',
        "messages of",
    ),
    "a turn that is stored twice": (
        'turn.add("assistant", f"{name} {number}")',
        'turn.add("assistant", f"{name} {number}"), number == 7 and turn.add("assistant", f"{name} {number}")',
        "messages of red",
    ),
    "an order that has holes": (
        IMPORT,
        """
        real = holdfast.PersistenceManager.history
        async def history(self, session_id):
            return [one.model_copy(update={"seq": 2 * one.seq}) for one in await real(self, session_id)]
        holdfast.PersistenceManager.history = history
        """,
        "all of them in one order",
    ),
    "a merge that takes mine": (
        'PersistenceManager(adapter, on_conflict="merge")',
        "PersistenceManager(adapter, on_conflict=lambda base, mine, theirs: mine)",
        "under its own key",
    ),
    "the choice of the other one": (
        'session.data["choice"] = name',
        'session.data["choice"] = name[::-1]',
        "the choice of the one who was first",
    ),
    "a counter that is not raised once": (
        'session.data["count"] = session.data.get("count", 0) + 1',
        'session.data["count"] = session.data.get("count", 0) + (name == "red" or tries != 7)',
        "the counter",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_notices_a_promise_that_is_broken(name: str, tmp_path: Path) -> None:
    old, new, promise = BROKEN[name]
    assert promise in notices(tmp_path, "two_workers.py", old, new)
