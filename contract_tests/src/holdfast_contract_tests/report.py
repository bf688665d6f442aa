"""The report card: what came of each clause, for each contract class of a run."""

import json
import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast_contract_tests.clause import CONTRACT, Level, all_clauses
from holdfast_contract_tests.verdict import Verdict

__all__ = ["Reporter", "Result", "to_markdown"]

_RESULT = "holdfast_contract"
_NAMED = 12  # clauses named in a line


@dataclass(slots=True)
class Result:
    """What came of one clause.

    Attributes:
        id: The clause.
        contract: The node of the author's class.
        verdict: How it ended.
        reason: Why, where it was not proved.
        seconds: How long it took.
        witness: Of a failure, its text.
        about: What is known of the adapter.
    """

    id: str
    contract: str
    verdict: Verdict = Verdict.NOT_RUN
    reason: str = ""
    seconds: float = 0.0
    witness: str = ""
    about: dict[str, Any] = field(default_factory=dict[str, Any])

    def as_dict(self) -> dict[str, Any]:
        """Plain values: they travel between processes, which an enum does not."""
        return {**asdict(self), "verdict": str(self.verdict)}


class Reporter:
    """Gathers the results of a run, also from the workers of pytest-xdist."""

    def __init__(self, file: str | None, profile: str, seed: int) -> None:
        self._file = file
        self._profile = profile
        self._seed = seed
        self._results: dict[str, dict[str, dict[str, Any]]] = {}

    def pytest_report_header(self) -> str:
        """How to repeat the run."""
        return f"holdfast contract {CONTRACT}: profile {self._profile}, --holdfast-seed={self._seed}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a result."""
        for name, result in report.user_properties:
            if name == _RESULT and isinstance(result, dict):
                self._results.setdefault(result["contract"], {})[result["id"]] = result

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line a class, and why what was not proved was not."""
        for card in self.cards():
            counts = ", ".join(f"{number} {verdict}" for verdict, number in card["totals"].items())
            terminalreporter.write_line(f"holdfast contract {CONTRACT}, {card['contract_class']}: {counts}")
            for line in _not_proved(card["clauses"]):
                terminalreporter.write_line(f"  {line}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the cards; the workers leave that to the one who sent them."""
        if self._file and not hasattr(session.config, "workerinput"):
            cards = [{**card, "clauses": [*card["clauses"], *self._left_out(card)]} for card in self.cards()]
            Path(self._file).write_text(json.dumps({"cards": cards}, indent=2) + "\n", encoding="utf-8")

    def _left_out(self, card: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The clauses of the profile that were not selected: a card must not look fuller than it is."""
        there = {clause["id"] for clause in card["clauses"]}
        for clause in all_clauses().values():
            if clause.id not in there and clause.level <= Level[self._profile.upper()]:
                yield asdict(Result(clause.id, "", reason="not selected")) | {"verdict": str(Verdict.NOT_RUN)}

    def cards(self) -> list[dict[str, Any]]:
        """A card for each contract class."""
        return [self._card(name, results) for name, results in self._results.items()]

    def _card(self, name: str, results: dict[str, dict[str, Any]]) -> dict[str, Any]:
        from holdfast_contract_tests import __version__  # noqa: PLC0415 - the package imports this module

        about: dict[str, Any] = next((result["about"] for result in results.values() if result["about"]), {})
        shown = ("id", "verdict", "reason", "seconds", "witness")
        return {
            "suite": __version__,
            "contract": CONTRACT,
            "contract_class": name,
            **about,
            "python": platform.python_version(),
            "profile": self._profile,
            "seed": self._seed,
            "totals": dict(Counter(str(result["verdict"]) for result in results.values())),
            "clauses": [{key: results[id_][key] for key in shown} for id_ in sorted(results)],
        }


def _not_proved(clauses: list[dict[str, Any]]) -> Iterator[str]:
    """For each reason, which clauses were not proved for it."""
    named: dict[tuple[str, str], list[str]] = {}
    for clause in clauses:
        if clause["verdict"] in {Verdict.NOT_RUN, Verdict.UNSUPPORTED}:
            named.setdefault((str(clause["verdict"]), clause["reason"]), []).append(clause["id"])
    for (verdict, reason), ids in sorted(named.items()):
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        yield f"{verdict} {reason}: {', '.join(ids[:_NAMED])}{more}"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def to_markdown(card: dict[str, Any]) -> str:
    """A card for people."""
    lines = [f"# {card.get('adapter', card['contract_class'])}: holdfast contract {card['contract']}", ""]
    for key, value in card.items():
        if key in {"adapter", "contract", "clauses"}:
            continue
        lines.append(f"- {key}: {_words(value)}")
    lines += ["", "| Clause | Verdict | Reason | Seconds |", "|---|---|---|---|"]
    for clause in card["clauses"]:
        reason = clause["reason"].replace("|", "\\|")
        lines.append(f"| {clause['id']} | {clause['verdict']} | {reason} | {clause['seconds']} |")
    for clause in card["clauses"]:
        if clause["witness"]:
            lines += ["", f"## {clause['id']}", "", "```text", clause["witness"], "```"]
    return "\n".join(lines) + "\n"
