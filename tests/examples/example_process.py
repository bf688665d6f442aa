"""An example, run as a user runs it: as it is, or with one thing in it broken by hand."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, str(file), *arguments],
        capture_output=True,
        cwd=file.parent,
        encoding="utf-8",
        env=environment,
        timeout=120,
        check=False,
    )


def promises(done: "subprocess.CompletedProcess[str]", mark: str = "[ok]") -> list[str]:
    """What it says that it has kept; or has not."""
    return [line.partition(mark)[2].strip() for line in done.stdout.splitlines() if line.startswith(f"  {mark}")]


def notices(folder: Path, name: str, old: str, new: str) -> str:
    """Break an example in one place, and give the promise at which it ends with 1.

    ``new`` is put in the place of ``old``; behind it, if it begins with a new line.
    """
    source = (EXAMPLES / name).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{name} has {source.count(old)} times: {old}"
    new = old + dedent(new) if new.startswith("\n") else new
    file = folder / name
    file.write_text(source.replace(old, new), encoding="utf-8")
    done = run(file)
    assert done.returncode == 1, done.stdout + done.stderr
    [promise] = promises(done, "[BROKEN]") or [done.stderr]
    return promise
