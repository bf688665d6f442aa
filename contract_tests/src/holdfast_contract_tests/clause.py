"""Clauses: each promise of the contract, with the function that proves it. The registry is the manifest."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from holdfast_contract_tests.sealing import Sealing

if TYPE_CHECKING:
    from holdfast_contract_tests.case import Case

__all__ = ["CONTRACT", "Clause", "Level", "all_clauses", "clause", "clauses_by_test"]

CONTRACT = "0.1"
"""The version of the contract that this suite proves."""


class Level(IntEnum):
    """From which profile on a clause is run."""

    SMOKE = 0
    DEFAULT = 1
    THOROUGH = 2


Proof = Callable[["Case"], Coroutine[Any, Any, None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One promise.

    Attributes:
        id: Its stable name, ``area.what``.
        promise: The promise, in one sentence.
        proof: Proves it, or raises.
        needs: The capabilities without which it does not apply.
        level: From which profile on it is run.
        since: The version of the contract that brought it.
        options: What it asks of the adapter, beside what every clause does.
    """

    id: str
    promise: str
    proof: Proof
    needs: tuple[str, ...] = ()
    level: Level = Level.DEFAULT
    since: str = CONTRACT
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def test_name(self) -> str:
        """The name of its test."""
        return "test_" + self.id.replace(".", "_")


_REGISTRY: dict[str, Clause] = {}


def clause(
    id: str,
    promise: str,
    *,
    needs: Iterable[str] = (),
    level: Level = Level.DEFAULT,
    since: str = CONTRACT,
    sealed: bool = False,
) -> Callable[[Proof], Proof]:
    """Register a function as the proof of a clause.

    Args:
        id: The clause's stable name.
        promise: What it proves, in one sentence.
        needs: The capabilities without which it does not apply.
        level: From which profile on it is run.
        since: The version of the contract that brought it.
        sealed: Prove it a second time under a codec that writes every body differently each time.
    """

    def register(proof: Proof) -> Proof:
        common: dict[str, Any] = {"needs": tuple(needs), "level": level, "since": since, "proof": proof}
        _add(Clause(id=id, promise=promise, **common))
        if sealed:
            again = f"Under a sealing codec: {promise[0].lower()}{promise[1:]}"
            common["level"] = max(level, Level.DEFAULT)
            _add(Clause(id=f"sealed.{id}", promise=again, options={"codec": Sealing()}, **common))
        return proof

    return register


def _add(new: Clause) -> None:
    if new.id in _REGISTRY:
        raise ValueError(f"Clause {new.id!r} is there already.")
    _REGISTRY[new.id] = new


@cache
def all_clauses() -> Mapping[str, Clause]:
    """Every clause by its id, in the order of the pages."""
    package = import_module("holdfast_contract_tests.clauses")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_REGISTRY.items()))


@cache
def clauses_by_test() -> Mapping[str, Clause]:
    """Every clause by the name of its test."""
    return {clause.test_name: clause for clause in all_clauses().values()}
