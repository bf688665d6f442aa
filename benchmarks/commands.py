"""What the command line can ask for: measure, print, write."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import cpu, imports, open_sessions
from benchmarks.backends import backend
from benchmarks.environment import environment
from benchmarks.holding import Size
from benchmarks.plot import plot
from benchmarks.report import as_data, as_markdown, sessions_table, table
from benchmarks.rounds import run_rounds
from benchmarks.soak import soak
from benchmarks.works import WORKS

__all__ = ["run_backend", "run_cpu", "run_import", "run_sessions", "run_soak"]

_TITLES = ("Measured", "Median", "Bar", "")


def run_backend(arguments: argparse.Namespace) -> int:
    """Every work on one backend."""
    chosen = backend(arguments.what)
    where = environment(chosen.versions())
    works = [work for work in WORKS if not arguments.only or work.name in arguments.only]
    if arguments.smoke:
        works = [work.tiny() for work in works]
    results = run_rounds(chosen, works, 1 if arguments.smoke else arguments.rounds)
    _write(arguments, as_markdown(results, where), as_data(results, where))
    plot(results, arguments.out / arguments.what)
    if results.lossless:
        return 0
    print(f"LOST: {dict(results.losses)}", file=sys.stderr)
    return 1


def run_cpu(arguments: argparse.Namespace) -> int:
    """The CPU time of our layers."""
    where = environment({})
    found = cpu.measure(1, 3) if arguments.smoke else cpu.measure(arguments.rounds, 200)
    rows = [
        ("append, 64 tasks, over a store that answers at once", f"{found.append:.1f} us", "–", "–"),
        ("encoding the same turn", f"{found.encode:.1f} us", "–", "–"),
        ("our layers: the difference", f"**{found.layers:.1f} us**", *_verdict(found.layers, cpu.BAR, "us")),
        ("building the message before", f"{found.message:.1f} us", "–", "–"),
    ]
    _write(arguments, table(_TITLES, rows) + "\n", {"environment": where, "microseconds": asdict(found)})
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """What importing costs."""
    where = environment({})
    found = imports.measure(1 if arguments.smoke else arguments.rounds)
    above = found.above(found.in_use)
    rows = [
        (
            "`import holdfast` above pydantic with one model",
            f"**{above:.1f} ms**",
            *_verdict(above, imports.BAR, "ms"),
        ),
        ("`import holdfast` above a bare `import pydantic`", f"{found.above(found.bare):.1f} ms", "–", "–"),
    ]
    _write(arguments, table(_TITLES, rows) + "\n", {"environment": where, "milliseconds": asdict(found)})
    return 0


def run_sessions(arguments: argparse.Namespace) -> int:
    """Many sessions open at once."""
    where = environment({})
    size = Size(sessions=200, quiet=0.2, busy=2) if arguments.smoke else Size()
    found = open_sessions.measure(size)
    _write(arguments, sessions_table(size, found), {"environment": where, "size": asdict(size), **asdict(found)})
    if found.losses:
        print(f"LOST: {found.losses}", file=sys.stderr)
    return 1 if found.losses else 0


def run_soak(arguments: argparse.Namespace) -> int:
    """A long run."""
    done = asyncio.run(soak(arguments.backend, 0 if arguments.smoke else arguments.appends))
    print(f"{done.appends:,} appends, {done.rate:,.0f} a second; {done.losses}.")
    print(f"Over the second half memory grew by {done.slope:+.1f} bytes an append.")
    return 1 if done.losses else 0


def _verdict(measured: float, bar: float, unit: str) -> Sequence[str]:
    return f"≤ {bar:g} {unit}", "met" if measured <= bar else "missed"


def _write(arguments: argparse.Namespace, text: str, data: dict[str, Any]) -> None:
    """Print the tables, and keep them beside everything they were made of."""
    print(text, end="")
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{arguments.what}.md").write_text(text, encoding="utf-8")
    (folder / f"{arguments.what}.json").write_text(
        json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8"
    )
