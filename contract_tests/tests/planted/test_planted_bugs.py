"""The suite catches bugs: each planted one fails every clause that is named for it."""

import pytest
from contract_tests.tests.planted.planting import Bug, all_bugs

from holdfast import HoldfastError
from holdfast_contract_tests import case
from holdfast_contract_tests.clause import Level, all_clauses
from holdfast_contract_tests.clauses import lifecycle
from holdfast_contract_tests.run import Place, run_clause
from holdfast_contract_tests.verdict import Verdict

ENOUGH = 50
PLANTED = [pytest.param(bug, id_, id=f"{bug.id}-{id_}") for bug in all_bugs() for id_ in bug.clauses]


@pytest.mark.parametrize(("bug", "clause_id"), PLANTED)
def test_a_planted_bug_is_caught(bug: Bug, clause_id: str, monkeypatch):
    if bug.patience:
        monkeypatch.setattr(case, "CALL_TIMEOUT", bug.patience)
        monkeypatch.setattr(lifecycle, "_PATIENCE", bug.patience)
    place = Place(bug.contract, None)
    try:
        outcome = run_clause(place, all_clauses()[clause_id], profile=Level.DEFAULT, seed=1)
    finally:
        place.close()
    assert outcome.verdict is Verdict.FAIL, f"{clause_id} did not catch this: {bug.says} ({outcome.reason})"
    # An error of ours where none may be is the adapter's; any other would be a mistake in the planted bug itself.
    expected = (AssertionError, HoldfastError, *bug.raises)
    assert isinstance(outcome.error, expected), f"{clause_id} did not fail on its own: {outcome.error!r}"


def test_there_are_enough_bugs_and_each_is_caught_by_something():
    assert len(all_bugs()) >= ENOUGH
    assert all(bug.clauses for bug in all_bugs())
