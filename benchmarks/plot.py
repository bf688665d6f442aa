"""The ratios as a picture: how many times as fast as each rival, with the bars to be reached."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.contender import RIVALS
from benchmarks.figures import Comparison, Spread, comparisons
from benchmarks.rounds import Results
from benchmarks.works import Bar

__all__ = ["plot"]

_COLOURS = {"met": "#2a7f62", "missed": "#c8553d", "–": "#9aa5b1"}
_LEGEND = (
    "Bar: median of the rounds. Whisker: least to most. Black line: what is to be reached "
    "(green: reached, red: missed, grey: nothing to reach)."
)
_ROW = 0.36  # inches
_TICKS = (1.0, 2.0, 5.0)


def plot(results: Results, stem: Path) -> None:
    """Write a PNG and an SVG.

    Args:
        results: What was measured.
        stem: The path without its suffix.
    """
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "holdfast"  # the same figures give the same file
    panels = [[one for one in comparisons(results) if one.rival == rival] for rival in RIVALS]
    figure = Figure(figsize=(11, 1.6 + _ROW * len(panels[0])), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True)
    for axis, rows, rival in zip(axes, panels, RIVALS, strict=True):
        _panel(axis, rows, rival)
    figure.supxlabel(_LEGEND, fontsize=8)
    for suffix in (".png", ".svg"):
        figure.savefig(stem.with_suffix(suffix), dpi=150, metadata={"Date": None} if suffix == ".svg" else None)


def _panel(axis: Axes, rows: Sequence[Comparison], rival: str) -> None:
    axis.set_xscale("log")
    for place, one in enumerate(rows):
        _row(axis, place, one)
    axis.axvline(1, color="#444444", linewidth=0.8)
    axis.set_title(f"holdfast: times as fast as {rival}", fontsize=10, loc="left")
    axis.set_yticks(range(len(rows)), [one.case.title for one in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.xaxis.set_major_locator(LogLocator(subs=_TICKS))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axis.set_xlim(*_reach(rows))
    axis.tick_params(labelsize=8, length=0)
    axis.grid(axis="x", color="#e3e6ea", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _reach(rows: Sequence[Comparison]) -> tuple[float, float]:
    """From the slowest to the fastest, with room for labels."""
    shown = [1 / times for one in rows for times in one.times]
    wanted = [_as_speed(one.bar) for one in rows if one.bar]
    return min(0.5, *shown, *wanted) / 1.2, max(1.0, *shown, *wanted) * 1.7


def _as_speed(bar: Bar) -> float:
    return bar.limit if bar.speed else 1 / bar.limit


def _row(axis: Axes, place: int, one: Comparison) -> None:
    spread = Spread.of([1 / times for times in one.times])
    axis.barh(place, spread.median - 1, left=1, height=0.6, color=_COLOURS[one.verdict])
    axis.hlines(place, spread.low, spread.high, color="#333333", linewidth=1)
    if one.bar:
        axis.vlines(_as_speed(one.bar), place - 0.42, place + 0.42, color="black", linewidth=1.8)
    label = f"  {spread.median:.2f}x"
    axis.annotate(label, (max(spread.high, 1), place), va="center", fontsize=8, annotation_clip=False)
