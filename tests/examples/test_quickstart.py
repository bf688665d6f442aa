"""The quickstart, run as a user runs it: a real kill, a real database, and no promise that it does not check."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import holdfast
from holdfast import Message, PersistenceManager, Session

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.py"
HALFWAY = "  ... and here"  # how the line begins at which the process waits for its end

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to look at.")


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder whose ``sitecustomize.py`` every Python process of the example runs first."""
    folder = tmp_path / "planted"
    folder.mkdir()
    return folder


def environment(planted: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(planted), "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}


def run(planted: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(QUICKSTART), *arguments]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment(planted), timeout=60, check=False
    )


def stored(path: Path, session_id: str | None = None) -> tuple[Session, list[Message]]:
    """The one session of the quickstart's user, and its messages."""

    async def load() -> tuple[Session, list[Message]]:
        async with holdfast.open(f"sqlite:///{path}") as adapter:
            manager = PersistenceManager(adapter)
            [info] = await manager.sessions("jane")
            session = await manager.load(session_id or info.id)
            assert session is not None
            return session, await manager.history(session.id)

    return asyncio.run(load())


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


TWO_TURNS = [
    ("user", "Hello, I need a table."),
    ("assistant", "What is your name?"),
    ("user", "Jane Doe"),
    ("assistant", "For when?"),
]
OPEN_MESSAGE = ("user", "Friday at eight")
THE_REST = [
    ("assistant", "How many will you be?"),
    ("user", "Four of us"),
    ("assistant", "Booked for Jane Doe: Friday at eight, Four of us."),
]


def test_it_fits_one_screen_and_leaves_a_whole_chat(tmp_path: Path, planted: Path) -> None:
    done = run(planted, str(tmp_path / "kept.db"))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) < 40
    assert max(map(len, done.stdout.splitlines())) <= 120
    session, messages = stored(tmp_path / "kept.db")
    assert said(messages) == [*TWO_TURNS, OPEN_MESSAGE, *THE_REST]
    assert [message.seq for message in messages] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert session.data == {"name": "Jane Doe", "date": "Friday at eight", "guests": "Four of us"}


def test_without_a_path_it_leaves_nothing_behind(tmp_path: Path, planted: Path) -> None:
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, str(QUICKSTART)],
        capture_output=True,
        cwd=tmp_path,
        env=environment(planted) | {name: str(tmp_path / "temporary") for name in ("TMPDIR", "TEMP", "TMP")},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"planted", "temporary"}
    assert not list((tmp_path / "temporary").iterdir())


def test_it_can_run_again_on_a_file_with_an_awkward_name(tmp_path: Path, planted: Path) -> None:
    path = tmp_path / "a b#%41?.db"
    assert [run(planted, str(path)).returncode for _ in range(2)] == [0, 0]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


RECORD_EXITS = """
import os
real = os.waitpid
def waitpid(pid, options):
    found, status = real(pid, options)
    if found:
        end = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        with open(os.environ["EXITS"], "a") as file:
            print(found, end, file=file)
    return found, status
os.waitpid = waitpid
"""


@posix
def test_the_kernel_says_that_sigkill_ended_the_first_process_and_not_the_second(
    tmp_path: Path, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (planted / "sitecustomize.py").write_text(RECORD_EXITS)
    monkeypatch.setenv("EXITS", str(tmp_path / "exits"))
    assert run(planted).returncode == 0
    exits = [line.split() for line in (tmp_path / "exits").read_text().splitlines()]
    assert len({pid for pid, _ in exits}) == 2
    assert [end for _, end in exits] == [str(int(signal.SIGKILL)), "None"]


def test_between_the_two_processes_there_is_no_half_turn(tmp_path: Path, planted: Path) -> None:
    """The same kill, by this test: what is stored then, before anybody goes on."""
    path = tmp_path / "chat.db"
    arguments = [f"sqlite:///{path}", "s"]
    command = [sys.executable, "-u", str(QUICKSTART), "killed", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(planted)) as child:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            lines.append(line)
            if line.startswith(HALFWAY):
                child.kill()
    assert lines[-1].startswith(HALFWAY)
    assert any("not stored yet" in line and "'date': 'Friday at eight'" in line for line in lines)

    session, messages = stored(path)
    assert said(messages) == [*TWO_TURNS, OPEN_MESSAGE]
    assert session.data == {"name": "Jane Doe", "asked": "date"}
    assert len({message.turn_id for message in messages}) == 3

    assert run(planted, "next", *arguments).returncode == 0
    assert said(stored(path)[1]) == [*TWO_TURNS, OPEN_MESSAGE, *THE_REST]


# Each breaks one thing that the quickstart promises; it must notice, and say so.
BROKEN: dict[str, tuple[str, str]] = {
    "a checkpoint that stores nothing": (
        "kept: what the user said",
        """
        async def checkpoint(self): pass
        LiveTurn.checkpoint = checkpoint
        """,
    ),
    "an answer that is stored too early": (
        "gone: its answer",
        """
        real = LiveTurn.checkpoint
        async def checkpoint(self):
            if self._draft.pending[0].text == "Friday at eight": self.add("assistant", "too early")
            await real(self)
        LiveTurn.checkpoint = checkpoint
        """,
    ),
    "a state that is stored too early": (
        "gone: its change of the state",
        """
        real = LiveTurn.checkpoint
        async def checkpoint(self):
            if self._draft.pending[0].text == "Friday at eight": self._handle.held.data["date"] = "too early"
            await real(self)
        LiveTurn.checkpoint = checkpoint
        """,
    ),
    "a turn that is not stored": (
        "kept: the finished turns",
        """
        real = LiveTurn.add
        def add(self, role, content): return real(self, role, content + " " * (content == "For when?"))
        LiveTurn.add = add
        """,
    ),
    "a kill that is none": (
        "killed by SIGKILL",
        """
        subprocess.Popen.kill = subprocess.Popen.terminate
        """,
    ),
    "a process that cannot go on": (
        "came to its end",
        """
        if "next" in sys.orig_argv: LiveTurn.__aenter__ = None
        """,
    ),
    "a history that is lost on the way back": (
        "all 1",
        """
        async def history(self, **_): return []
        LiveSession.history = history
        """,
    ),
    "a state that is lost at the end": (
        "the state",
        """
        real = PersistenceManager.load
        async def load(self, session_id):
            found = await real(self, session_id)
            found.data.pop("guests", None)
            return found
        PersistenceManager.load = load
        """,
    ),
}


@posix
@pytest.mark.parametrize("name", BROKEN)
def test_it_notices_a_promise_that_is_broken(name: str, planted: Path) -> None:
    promise, code = BROKEN[name]
    imports = "import subprocess, sys\nfrom holdfast import LiveSession, LiveTurn, PersistenceManager\n"
    (planted / "sitecustomize.py").write_text(imports + dedent(code))
    done = run(planted)
    broken = [line for line in done.stdout.splitlines() if "[BROKEN]" in line]
    assert done.returncode == 1
    assert len(broken) == 1
    assert promise in broken[0]
