"""The pytest plugin: it collects the clauses whatever the settings, runs them, and tells what came of them."""

import argparse
import random
from collections.abc import Callable, Generator
from inspect import isclass
from typing import Any

import pytest

pytest.register_assert_rewrite("holdfast_contract_tests.clauses")

# ruff: noqa: E402 - assertions must be rewritten before the clauses are imported
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Clause, Level, clauses_by_test
from holdfast_contract_tests.contract import AdapterContract, add_tests
from holdfast_contract_tests.failure import screen
from holdfast_contract_tests.report import Reporter, Result
from holdfast_contract_tests.run import Place, run_clause
from holdfast_contract_tests.servers import find_server, stop_servers
from holdfast_contract_tests.verdict import NotRun, Verdict

__all__ = ["ClauseTest"]

_RESULT = "holdfast_contract"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options."""
    group = parser.getgroup("holdfast", "the holdfast contract suite")
    group.addoption("--holdfast-profile", choices=[level.name.lower() for level in Level], default="default")
    group.addoption("--holdfast-strict", action="store_true", help="What was not run has failed.")
    group.addoption("--holdfast-seed", type=int, help="Repeat a run's chance.")
    group.addoption("--holdfast-command", help=argparse.SUPPRESS)
    group.addoption("--holdfast-report", metavar="FILE", help="Write a card of each adapter, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """Note what was asked for."""
    seed = getattr(config, "workerinput", {}).get(_RESULT, config.getoption("--holdfast-seed"))
    settings = Settings(
        profile=Level[str(config.getoption("--holdfast-profile")).upper()],
        strict=bool(config.getoption("--holdfast-strict")),
        seed=random.SystemRandom().randrange(2**32) if seed is None else seed,
    )
    config.stash[_SETTINGS] = settings
    config.pluginmanager.register(
        Reporter(config.getoption("--holdfast-report"), settings.profile.name.lower(), settings.seed)
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Workers of pytest-xdist share the seed."""
    node.workerinput[_RESULT] = node.config.stash[_SETTINGS].seed


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the places left, and stop the servers."""
    settings = config.stash.get(_SETTINGS, None)
    for place in settings.places.values() if settings else ():
        place.close()
    stop_servers()


class Settings:
    """What a run was asked for, and the places of its contract classes."""

    def __init__(self, *, profile: Level, strict: bool, seed: int) -> None:
        self.profile = profile
        self.strict = strict
        self.seed = seed
        self.places: dict[type[AdapterContract], Place] = {}

    def place(self, contract: AdapterContract) -> Place:
        """The place of a class; its server is started if need be.

        Raises:
            NotRun: There is no server.
        """
        kind = type(contract)
        if kind not in self.places:
            self.places[kind] = Place(contract, find_server(kind.server) if kind.server else None)
        place = self.places[kind]
        place.contract = contract  # each test has an instance of its own, with what the author's fixtures set
        return place


_SETTINGS = pytest.StashKey[Settings]()


# --- collecting -----------------------------------------------------------------------------------


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> Any:
    """Collect contract classes and their clauses, by whatever names the author's settings collect tests."""
    if isclass(obj) and issubclass(obj, AdapterContract):
        return _contract_class(collector, name, obj)
    clause = _clause_of(collector, name)
    if clause is None:
        return None
    if clause.level > collector.config.stash[_SETTINGS].profile:
        return []
    fault = _fault(collector, name, obj)
    instead = {"callobj": fault} if fault else {}
    return [ClauseTest.from_parent(collector, name=name, clause=clause, fault=fault, **instead)]


def _contract_class(collector: pytest.Collector, name: str, kind: type[AdapterContract]) -> Any:
    if kind is AdapterContract or name.startswith("_"):
        return []
    if kind.__init__ is not object.__init__:
        raise pytest.Collector.CollectError(f"{name} has an __init__: pytest cannot make it. Use fixtures.")
    add_tests()
    return pytest.Class.from_parent(collector, name=name, obj=kind)


def _fault(collector: pytest.Collector, name: str, obj: object) -> Callable[[], None] | None:
    """What fails in a clause's place, where it is not the clause that would run."""
    if obj is not getattr(AdapterContract, name):
        return _overridden
    if any(mark.name == "parametrize" for mark in collector.iter_markers()):
        return _parametrized
    return None


def _clause_of(collector: pytest.Collector, name: str) -> Clause | None:
    kind = getattr(collector, "obj", None)
    if not (isinstance(collector, pytest.Class) and isclass(kind) and issubclass(kind, AdapterContract)):
        return None
    return clauses_by_test().get(name)


def _overridden() -> None:
    pytest.fail("A clause cannot be overridden or removed: the contract is the same for everyone.", pytrace=False)


def _parametrized() -> None:
    pytest.fail(
        "A contract class cannot be parametrised: derive one class for each way to make it.", pytrace=False
    )


class ClauseTest(pytest.Function):
    """The test of one clause."""

    def __init__(self, *, clause: Clause, fault: Callable[[], None] | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.clause = clause
        self.fault = fault
        self.case: Case | None = None
        self.result = Result(clause.id, self.parent.nodeid if self.parent else "")

    def runtest(self) -> None:
        """Prove the clause against the adapter of this class. No plugin stands between."""
        if self.fault:
            self.fault()
        settings = self.config.stash[_SETTINGS]
        contract: Any = self.instance
        try:
            place = settings.place(contract)
        except NotRun as why:
            pytest.skip(str(why))
        outcome = run_clause(place, self.clause, profile=settings.profile, seed=settings.seed)
        self.case, result = outcome.case, self.result
        result.verdict, result.reason, result.about = outcome.verdict, outcome.reason, place.facts
        if outcome.error is not None:
            raise outcome.error
        if outcome.verdict is Verdict.NOT_RUN:
            pytest.skip(outcome.reason)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        """What an author sees: one screen."""
        if self.case is None:
            return super().repr_failure(excinfo)
        return screen(self.case, excinfo, self._command())

    def _command(self) -> str:
        """How to run this clause again."""
        settings = self.config.stash[_SETTINGS]
        given = self.config.getoption("--holdfast-command")
        command = f"{given} -k {self.name}" if given else f"pytest '{self.nodeid}'"
        profile = settings.profile.name.lower()
        asked = "" if settings.profile is Level.DEFAULT else f" --holdfast-profile={profile}"
        return f"{command} --holdfast-seed={settings.seed}{asked}"


# --- telling ----------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the verdict to the report. A skip, whoever asked for it, is NOT_RUN."""
    report = yield
    if not isinstance(item, ClauseTest):
        return report
    result = item.result
    if report.skipped:
        result.verdict, result.reason = Verdict.NOT_RUN, _reason(report)
        if item.config.stash[_SETTINGS].strict:
            report.outcome, report.longrepr = "failed", f"NOT_RUN (strict): {result.reason}"
    elif report.failed:
        result.verdict, result.witness = Verdict.FAIL, str(report.longrepr)
    if report.when == "call" or report.outcome != "passed":
        result.seconds = round(call.duration, 3)
        report.user_properties.append((_RESULT, result.as_dict()))
    return report


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return f"xfail {report.wasxfail}" if hasattr(report, "wasxfail") else str(report.longrepr).partition("\n")[0]


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """UNSUPPORTED and NOT_RUN have words of their own."""
    properties = getattr(report, "user_properties", ())  # the reports of collectors have none
    verdict = next((value["verdict"] for name, value in properties if name == _RESULT), None)
    if verdict == Verdict.UNSUPPORTED and report.when == "call" and report.passed:
        return "unsupported", "U", "UNSUPPORTED"
    if verdict == Verdict.NOT_RUN and report.skipped:
        return "not run", "N", "NOT_RUN"
    return None
