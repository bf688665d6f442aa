"""Fixtures of the SQLite adapter's own tests: what only this backend has."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's database is."""
    return tmp_path / "chat.db"


@pytest.fixture
def start() -> Start:
    """Starts one of the programs beside this file in a process of its own."""
    running: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object, **options) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", str(PROGRAMS / program), *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
