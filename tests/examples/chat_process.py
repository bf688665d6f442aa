"""The chat example, run as a user runs it; what its tests share."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import holdfast
from holdfast import Message, PersistenceManager, Session

CHAT = Path(__file__).parents[2] / "examples" / "chat.py"
FIRST = "current:guest:booking:1"

posix = pytest.mark.skipif(sys.platform == "win32", reason="It needs signals and terminals as POSIX has them.")


def environment(**extra: str) -> dict[str, str]:
    return os.environ | {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1", "COLUMNS": "1000", "TERM": "xterm"} | extra


def chat(
    folder: Path, *arguments: str, typed: bytes | str = b"", **extra: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, str(CHAT), "--pace", "0", *arguments],
        input=typed.encode() if isinstance(typed, str) else typed,
        capture_output=True,
        cwd=folder,
        env=environment(**extra),
        timeout=60,
        check=False,
    )


def output(done: "subprocess.CompletedProcess[bytes]") -> str:
    """What a run that went well has printed."""
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def stored(folder: Path, session_id: str = FIRST) -> tuple[Session, list[Message]]:
    async def load() -> tuple[Session, list[Message]]:
        async with holdfast.open(f"sqlite:///{folder / 'chat.db'}") as adapter:
            manager = PersistenceManager(adapter)
            session = await manager.load(session_id)
            assert session is not None
            return session, await manager.history(session_id)

    return asyncio.run(load())


def texts(folder: Path) -> list[str]:
    return [message.text for message in stored(folder)[1]]


NAME, DATE, GUESTS = (
    "Welcome! For whom shall I book a table?",
    "For which evening?",
    "How many will you be?",
)
BOOKED = "A table for 4, Friday, in the name of Jane. Until then!"
