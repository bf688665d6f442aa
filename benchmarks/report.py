"""The figures as Markdown, for people, and as JSON, with everything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.contender import RIVALS
from benchmarks.figures import Comparison, Spread, comparisons
from benchmarks.holding import Size
from benchmarks.memory import MIB
from benchmarks.open_sessions import Sessions
from benchmarks.rounds import Case, Results
from benchmarks.timing import Measured
from benchmarks.works import FLAT

__all__ = ["as_data", "as_markdown", "sessions_table", "table"]

_AGAINST = {**{rival: rival for rival in RIVALS}, FLAT: "itself, smallest"}


def as_markdown(results: Results, environment: Mapping[str, Any]) -> str:
    """Both tables: ratios with their bars, and what they were made of."""
    rounds = max(len(rows) for measured in results.measured.values() for rows in measured.values())
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    about = (
        f"{environment['date']}, {environment['python']}, {versions}; {environment['system']}, "
        f"{environment['cpus']} x {environment['cpu']}, {environment['filesystem']}; rounds: {rounds}."
    )
    parts = [about, _ratios(results), _figures(results), _losses(results)]
    return "\n\n".join(parts) + "\n"


def table(titles: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sessions_table(size: Size, found: Sessions) -> str:
    """What many open sessions cost, beside the same loop without holdfast."""
    quiet, bare, busy = found.quiet, found.bare, found.busy
    titles = (f"{size.sessions:,} open sessions, a state of 4 KB each", "Ours", "Without holdfast", "Ratio")
    silence = f"{size.quiet:g} s in which nothing changes"
    turning = f"{busy.turns / size.busy:,.0f} turns a second, for {size.busy} s"
    rows = [
        (
            "memory of one",
            f"{quiet.memory:,.0f} bytes",
            f"{bare.memory:,.0f} bytes",
            _times(quiet.memory, bare.memory),
        ),
        (f"CPU over {silence}", f"{quiet.cpu:.2f} s", f"{bare.cpu:.2f} s", _times(quiet.cpu, bare.cpu)),
        (f"longest stall over {silence}", f"{quiet.stall * 1e3:.0f} ms", f"{bare.stall * 1e3:.0f} ms", "–"),
        (f"longest stall over {turning}", f"{busy.stall * 1e3:.0f} ms", "–", "–"),
        (f"memory grown over {turning}", f"{busy.grown / MIB:.1f} MiB", "–", "–"),
        ("and over its second half", f"{busy.grown_late / MIB:.1f} MiB", "–", "–"),
    ]
    return f"{table(titles, rows)}\n\nRead back after {busy.turns:,} turns: {found.losses}.\n"


def _times(ours: float, bare: float) -> str:
    return f"{ours / bare:.2f} x" if bare else "–"


def _ratios(results: Results) -> str:
    titles = ("Work", "Ours against", "Bar", "Median", "", "Quartiles", "Min to max")
    return table(titles, map(_ratio_row, comparisons(results)))


def _ratio_row(one: Comparison) -> Sequence[str]:
    spread = one.spread
    bar = str(one.bar) if one.bar else "speed" if one.speed else "time"
    low, high = spread.quartiles
    return (
        one.case.title,
        _AGAINST[one.rival],
        bar,
        f"**{spread.median:.2f} x**",
        one.verdict,
        f"{low:.2f} to {high:.2f}",
        f"{spread.low:.2f} to {spread.high:.2f}",
    )


def _figures(results: Results) -> str:
    titles = ("Work", "Contender", "Median", "Quartiles", "Min to max", "CPU an operation")
    rows = (
        _figure_row(case, name, rows)
        for case, measured in results.measured.items()
        for name, rows in measured.items()
    )
    return table(titles, rows)


def _figure_row(case: Case, contender: str, measured: Sequence[Measured]) -> Sequence[str]:
    parallel = case.work.parallel
    spread = Spread.of([1 / one.seconds if parallel else one.seconds * 1e6 for one in measured])
    cpu = Spread.of([one.cpu * 1e6 for one in measured])
    low, high = spread.quartiles
    unit = "a second" if parallel else "us"
    return (
        case.title,
        contender,
        f"{spread.median:,.0f} {unit}",
        f"{low:,.0f} to {high:,.0f}",
        f"{spread.low:,.0f} to {spread.high:,.0f}",
        f"{cpu.median:,.1f} us",
    )


def _losses(results: Results) -> str:
    lost = "; ".join(f"{name}: {losses}" for name, losses in results.losses.items())
    return f"Read back after every work, {results.acknowledged:,} acknowledged messages in all: {lost}."


def as_data(results: Results, environment: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, raw rounds too, ready for JSON."""
    return {
        "environment": environment,
        "acknowledged": results.acknowledged,
        "losses": {name: asdict(losses) for name, losses in results.losses.items()},
        "works": [_case_data(case, measured) for case, measured in results.measured.items()],
        "ratios": [_ratio_data(one) for one in comparisons(results)],
    }


def _case_data(case: Case, measured: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    return {
        "work": case.work.name,
        "title": case.title,
        "size": case.size,
        "contenders": {
            name: {
                "seconds": asdict(Spread.of([row.seconds for row in rows])),
                "cpu": asdict(Spread.of([row.cpu for row in rows])),
                "rounds": [asdict(row) for row in rows],
            }
            for name, rows in measured.items()
        },
    }


def _ratio_data(one: Comparison) -> dict[str, Any]:
    return {
        "work": one.case.work.name,
        "title": one.case.title,
        "rival": one.rival,
        "of": "speeds" if one.speed else "times",
        "spread": asdict(one.spread),
        "bar": str(one.bar) if one.bar else None,
        "verdict": one.verdict,
        "times_by_round": list(one.times),
    }
