"""The backends that can be measured. A new one is a module with a ``BACKEND``, and a line here."""

from importlib import import_module
from typing import cast

from benchmarks.contender import Backend

__all__ = ["BACKENDS", "backend"]

BACKENDS = {
    "sqlite": "benchmarks.backends.sqlite",
}


def backend(name: str) -> Backend:
    """Import one: its driver need not be installed for the others."""
    return cast("Backend", import_module(BACKENDS[name]).BACKEND)
