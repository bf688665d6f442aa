"""The contract of holdfast as a test suite: derive from ``AdapterContract``, run pytest."""

from holdfast_contract_tests.clause import CONTRACT
from holdfast_contract_tests.contract import AdapterContract
from holdfast_contract_tests.env import Env
from holdfast_contract_tests.probe import Probe
from holdfast_contract_tests.verdict import NotRun, Unsupported, Verdict

__all__ = ["CONTRACT", "AdapterContract", "Env", "NotRun", "Probe", "Unsupported", "Verdict"]
__version__ = "0.1.0"
