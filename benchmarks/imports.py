"""What importing holdfast costs above pydantic: in fresh interpreters, in turn."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["BAR", "Imports", "measure"]

BAR = 40.0
"""Milliseconds above pydantic in use."""

_OURS = "import holdfast"
_BARE = "import pydantic"
# `import pydantic` is lazy: more than half of pydantic is loaded by the first model, which every user of it has.
_IN_USE = "from pydantic import BaseModel\nclass Model(BaseModel):\n  field: int"
_TIMED = "from time import perf_counter as now\nbegun = now()\n{}\nprint(now() - begun)"


@dataclass(frozen=True, slots=True)
class Imports:
    """Milliseconds, one for each round.

    Attributes:
        ours: Importing holdfast.
        in_use: Importing pydantic and defining a model.
        bare: Importing pydantic, and nothing else.
    """

    ours: Sequence[float]
    in_use: Sequence[float]
    bare: Sequence[float]

    def above(self, base: Sequence[float]) -> float:
        """What ours takes above one of the others: the median of the differences within each round."""
        return median(ours - other for ours, other in zip(self.ours, base, strict=True))


def measure(rounds: int) -> Imports:
    """Measure in turn, after a round that only warms the disk's cache."""
    _, *counted = [tuple(_milliseconds(one) for one in (_OURS, _IN_USE, _BARE)) for _ in range(rounds + 1)]
    return Imports(*zip(*counted, strict=True))


def _milliseconds(statements: str) -> float:
    command = [sys.executable, "-c", _TIMED.format(statements)]
    return 1e3 * float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
