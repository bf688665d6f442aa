"""Autosave: when a turn that has ended becomes durable."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from holdfast.errors import ConfigurationError

__all__ = ["Autosave", "When", "when_of"]

When = Literal["turn", "session", "off"]
"""With its turn; when the session is left, or flushed; when it is flushed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autosave:
    """Write-behind: a turn that has ended is stored in the background.

    What is lost if the process dies: the turns that ended in the last ``every`` seconds, and as long as their
    saving takes; never more than ``turns`` turns, or ``size`` bytes, of one manager. What is stored is always
    all of the turns up to one of them, each of them whole.

    Attributes:
        every: After how many seconds at most a turn begins to be saved; a ``timedelta``, too.
        turns: How many turns may wait; the next one is stored as it ends, behind those of its session.
        size: How many bytes may wait.
    """

    every: float | timedelta
    turns: int = 1000
    size: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        if type(self.every) not in (int, float, timedelta) or not 0 < self.seconds < math.inf:
            raise ConfigurationError("Autosave.every is a positive number of seconds.")
        for name in ("turns", "size"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ConfigurationError(f"Autosave.{name} is a positive whole number.")

    @property
    def seconds(self) -> float:
        """``every`` in seconds."""
        return self.every.total_seconds() if isinstance(self.every, timedelta) else float(self.every)


def when_of(autosave: When | Autosave) -> When | Autosave:
    """The same, if it is one.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(autosave, Autosave) or autosave in ("turn", "session", "off"):
        return autosave
    raise ConfigurationError('autosave is "turn", "session", "off", or Autosave(every=1.0).')
