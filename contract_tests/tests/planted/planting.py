"""Planted bugs: small broken adapters, each with the clauses that must catch it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from contract_tests.tests.planted.bases import Contract, contract_of

__all__ = ["BUGS", "Bug", "all_bugs", "planted"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug.

    Attributes:
        id: Its name, ``area.what``.
        says: What is wrong, in one sentence.
        clauses: The clauses that must catch it: each of them.
        contract: Makes the broken adapter.
        raises: Errors with which a clause may fail, beside the suite's own: where the bug is a wrong error.
        patience: Seconds for each call; short where the bug is that no answer comes.
    """

    id: str
    says: str
    clauses: tuple[str, ...]
    contract: Contract
    raises: tuple[type[BaseException], ...] = ()
    patience: float | None = None


BUGS: dict[str, Bug] = {}


def planted(says: str, *clauses: str, raises: Any = (), patience: float | None = None) -> Callable[[T], T]:
    """Register a broken store, adapter or contract class as a bug that these clauses must catch."""

    def plant(broken: T) -> T:
        kind: Any = broken
        area = kind.__module__.rpartition(".")[2]
        errors = raises if isinstance(raises, tuple) else (raises,)
        bug = Bug(f"{area}.{kind.__name__}", says, clauses, contract_of(kind), errors, patience)
        if bug.id in BUGS:
            raise ValueError(f"The bug {bug.id!r} is planted already.")
        BUGS[bug.id] = bug
        return broken

    return plant


def all_bugs() -> list[Bug]:
    """All bugs, by area and name."""
    package = f"{__package__ or __name__.rpartition('.')[0]}.bugs"
    for module in sorted((Path(__file__).parent / "bugs").glob("*.py")):
        import_module(f"{package}.{module.stem}")
    return [BUGS[id_] for id_ in sorted(BUGS)]
