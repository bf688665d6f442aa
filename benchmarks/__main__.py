"""``python -m benchmarks sqlite``; see ``docs/benchmarks.md``."""

import argparse
import sys
from pathlib import Path

from benchmarks import commands
from benchmarks.backends import BACKENDS
from benchmarks.soak import URLS
from benchmarks.works import WORKS

__all__ = ["main"]

_RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run what the command line asks for; 1 means that something was lost, never that something was slow."""
    arguments = _parser().parse_args()
    return int(arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast holdfast is.")
    chosen = parser.add_subparsers(required=True, dest="what", metavar="what")
    for backend in BACKENDS:
        command = chosen.add_parser(backend, help=f"every work on {backend}, against its driver")
        command.set_defaults(run=commands.run_backend)
        names = [work.name for work in WORKS]
        command.add_argument("--only", nargs="+", choices=names, metavar="WORK", help=", ".join(names))
        _common(command, rounds=7)
    command = chosen.add_parser("cpu", help="the CPU time of our layers for one append")
    command.set_defaults(run=commands.run_cpu)
    _common(command, rounds=9)
    command = chosen.add_parser("import", help="what importing holdfast costs above pydantic")
    command.set_defaults(run=commands.run_import)
    _common(command, rounds=15)
    command = chosen.add_parser("sessions", help="ten thousand sessions open at once: memory, CPU, stalls")
    command.set_defaults(run=commands.run_sessions)
    _written(command)
    command = chosen.add_parser("soak", help="a long run: memory, and every message accounted for")
    command.set_defaults(run=commands.run_soak)
    command.add_argument("--appends", type=int, default=1_000_000, metavar="N")
    command.add_argument("--backend", choices=sorted(URLS), default="sqlite")
    command.add_argument("--smoke", action="store_true", help="just long enough to run")
    return parser


def _common(command: argparse.ArgumentParser, *, rounds: int) -> None:
    command.add_argument("--rounds", type=int, default=rounds, metavar="N", help=f"{rounds}, if not given")
    _written(command)


def _written(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, default=_RESULTS, metavar="FOLDER", help="benchmarks/results")
    command.add_argument("--smoke", action="store_true", help="tiny sizes and one round: only to see that it runs")


if __name__ == "__main__":
    sys.exit(main())
