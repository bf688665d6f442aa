"""The example of an agent's loop, and whether it would notice a promise that is broken."""

import asyncio
import sys
from pathlib import Path

import pytest
from example_process import EXAMPLES, notices, promises, run

import holdfast
from holdfast import PersistenceManager

AGENT_LOOP = EXAMPLES / "agent_loop.py"

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL.")


@posix
def test_it_is_killed_three_times_and_ends_with_one_result_for_each_call(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    for _ in range(2):
        done = run(AGENT_LOOP, str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert len(promises(done)) == 14
        assert done.stdout.count("... and here the process is killed") == 3

    async def read() -> list[list[tuple[str, str]]]:
        async with holdfast.open(f"sqlite:///{path}") as adapter:
            manager = PersistenceManager(adapter)
            histories = [await manager.history(session.id) for session in await manager.sessions()]
        return sorted(
            [[(one.role, one.tool_call_id or one.text) for one in history] for history in histories], key=len
        )

    book = [("tool", "Table 1 is taken.")]
    answer = ("assistant", "Table 1 is yours. A message may have been sent.")
    asked = ("user", "A table for four, please.")
    chat = [asked, ("assistant", ""), ("tool", "call-0"), ("assistant", ""), ("tool", "call-1"), answer]
    assert asyncio.run(read()) == [book, book, chat, chat]


RECORD = "                    record(turn, piece)\n                    await turn.checkpoint()"

# What stands there, what is put in its place, and the promise that it breaks.
BROKEN: dict[str, tuple[str, str, str]] = {
    "a kill that is none": ("child.kill()", "child.terminate()", "killed by SIGKILL"),
    "a step that is not recorded before the next one": (
        RECORD,
        RECORD.replace("await turn.checkpoint()", "pass"),
        "what was whole is kept, and nothing else: 2",
    ),
    "a result that is recorded before its tool has run": (
        "await hang_at(piece, fatal)",
        "isinstance(piece, Step) and (record(turn, piece), await turn.checkpoint()); await hang_at(piece, fatal)",
        "what was whole is kept, and nothing else: 2",
    ),
    "half an answer that is stored": (
        'print(f"  token      {piece}")',
        'turn.add("assistant", piece), await turn.checkpoint()',
        "what was whole is kept, and nothing else: 5",
    ),
    "a tool whose turn has no id of the call": ("session.turn(call_id)", "session.turn()", "one table was taken"),
    "a tool that is run again though it cannot": (
        'call.tool == "send"',
        'call.tool == "none"',
        "one message was sent",
    ),
    "a result for another call": ("call_id=step.call.id", "call_id='call-9'", "one result for each"),
    "an answer that is not whole": (
        "said += token",
        "said = token",
        "one answer, whole",
    ),
}


@posix
@pytest.mark.parametrize("name", BROKEN)
def test_it_notices_a_promise_that_is_broken(name: str, tmp_path: Path) -> None:
    old, new, promise = BROKEN[name]
    assert promise in notices(tmp_path, "agent_loop.py", old, new)
