"""From measurements to figures: medians and spreads, and ratios taken within each round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.contender import OURS, RIVALS
from benchmarks.rounds import Case, Results
from benchmarks.timing import Measured
from benchmarks.works import FLAT, Bar

__all__ = ["Comparison", "Spread", "comparisons"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of some values, and how far they reach."""

    median: float
    low: float
    high: float
    quartiles: tuple[float, float]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of these values."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], (values[0], values[0]))
        lower, _, upper = quantiles(values, n=4, method="inclusive")
        return cls(median(values), min(values), max(values), (lower, upper))


@dataclass(frozen=True)
class Comparison:
    """Ours against a rival in one case.

    Attributes:
        times: Ours' time over the rival's, one ratio for each round.
        bar: What is to be reached, if anything is.
    """

    case: Case
    rival: str
    times: Sequence[float]
    bar: Bar | None

    @property
    def speed(self) -> bool:
        """Whether it is read as a ratio of speeds; else of times."""
        return self.bar.speed if self.bar else self.case.work.parallel

    @property
    def spread(self) -> Spread:
        """The ratio, as it is read."""
        return Spread.of([1 / times if self.speed else times for times in self.times])

    @property
    def verdict(self) -> str:
        """Whether the median reaches the bar."""
        if self.bar is None:
            return "–"
        return "met" if self.bar.met(self.spread.median) else "missed"


def comparisons(results: Results) -> Iterator[Comparison]:
    """Ours against each rival in each case, and against itself at the smallest size."""
    smallest: dict[str, Sequence[Measured]] = {}
    for case, measured in results.measured.items():
        for rival in RIVALS:
            yield _compared(case, rival, measured, measured[rival])
        first = smallest.setdefault(case.work.name, measured[OURS])
        if case.work.bar(FLAT) and measured[OURS] is not first:
            yield _compared(case, FLAT, measured, first)


def _compared(
    case: Case, rival: str, measured: Mapping[str, Sequence[Measured]], theirs: Sequence[Measured]
) -> Comparison:
    times = [mine.seconds / other.seconds for mine, other in zip(measured[OURS], theirs, strict=True)]
    return Comparison(case, rival, times, case.work.bar(rival))
