"""The sound adapters that bugs are planted in pass every clause that is to catch one of them."""

import pytest
from contract_tests.tests.planted.bases import Contract
from contract_tests.tests.planted.planting import all_bugs
from contract_tests.tests.planted.sound import controls

from holdfast_contract_tests.clause import all_clauses
from holdfast_contract_tests.run import Place, run_clause
from holdfast_contract_tests.verdict import Verdict

USED = sorted({id_ for bug in all_bugs() for id_ in bug.clauses})


@pytest.mark.parametrize("clause_id", USED)
def test_sound_adapters_pass(clause_id: str):
    """All of them may, and at least one must: else the clause might fail for a reason of its own."""
    verdicts = {name: _verdict(name, contract, clause_id) for name, contract in controls(clause_id).items()}
    assert Verdict.PASS in verdicts.values(), f"{clause_id}: {verdicts}"


def _verdict(name: str, contract: Contract, clause_id: str) -> Verdict:
    place = Place(contract, None)
    try:
        clause = all_clauses()[clause_id]
        outcome = run_clause(place, clause, profile=clause.level, seed=1)
    finally:
        place.close()
    if outcome.verdict is Verdict.FAIL:
        raise AssertionError(f"{clause_id} fails on the sound adapter {name!r}") from outcome.error
    return outcome.verdict
