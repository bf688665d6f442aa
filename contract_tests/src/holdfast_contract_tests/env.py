"""What an adapter is made from: a place of its own, and a clock that the suite moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from holdfast.clock import Clock

__all__ = ["Env", "FakeClock"]


class FakeClock:
    """Stands still until a clause moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def pass_(self, **span: float) -> None:
        """Let time pass, in the words of ``timedelta``; a negative span sets the clock back."""
        self.now += timedelta(**span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """What ``make_adapter`` gets. The same env, again: another handle on the same data.

    Attributes:
        namespace: A name that is this test's alone: lower-case letters, digits and ``_``, at most 32. Use it as
            database, schema, key prefix or index name, so that tests do not meet. What is in another namespace
            must never be touched.
        path: A folder that is this test's alone, for adapters that keep files.
        url: Where the server is, if the contract class names one.
        clock: The time. It is also in ``options``.
        options: Common options to pass on to the adapter as they are: ``MyAdapter(…, **env.options)``.
    """

    namespace: str
    path: Path
    url: str | None
    clock: Clock
    options: Mapping[str, Any]
