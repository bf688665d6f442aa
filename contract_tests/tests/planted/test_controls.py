"""The sound adapters that bugs are planted in pass every clause that is to catch one of them."""

import pytest
from contract_tests.tests.planted.planting import all_bugs
from contract_tests.tests.planted.sound import CONTROLS

from holdfast_contract_tests.clause import Level, all_clauses
from holdfast_contract_tests.run import Place, run_clause
from holdfast_contract_tests.verdict import Verdict

USED = sorted({id_ for bug in all_bugs() for id_ in bug.clauses})


@pytest.fixture(scope="module", params=CONTROLS, ids=list(CONTROLS))
def place(request):
    place = Place(CONTROLS[request.param], None)
    yield place
    place.close()


@pytest.mark.parametrize("clause_id", USED)
def test_a_sound_adapter_passes(place: Place, clause_id: str):
    outcome = run_clause(place, all_clauses()[clause_id], profile=Level.DEFAULT, seed=1)
    if outcome.verdict is Verdict.FAIL:
        raise AssertionError(f"{clause_id} fails on a sound adapter") from outcome.error


def test_each_clause_was_passed_by_some_sound_adapter():
    """Else a clause might fail for a reason of its own."""
    for clause_id in USED:
        assert any(_passes(contract, clause_id) for contract in CONTROLS.values()), clause_id


def _passes(contract, clause_id: str) -> bool:
    place = Place(contract, None)
    try:
        return run_clause(place, all_clauses()[clause_id], profile=Level.SMOKE).verdict is Verdict.PASS
    finally:
        place.close()
