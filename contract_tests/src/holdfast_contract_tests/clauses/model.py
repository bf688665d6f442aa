"""The model test: random calls, compared with the memory adapter, shrunk to the shortest game that differs."""

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.model import machine_for


@clause(
    "model.games",
    "Whatever is called in whatever order, it answers and stores what the reference does.",
)
def games(case: Case) -> None:
    chosen = hypothesis.settings(
        case.hypothesis_settings(case.size(5, 25, 400)), stateful_step_count=case.size(15, 30, 60)
    )
    run_state_machine_as_test(hypothesis.seed(case.seed)(machine_for(case)), settings=chosen)
