"""What an adapter says of itself when it opens: abilities that somebody knows."""

from holdfast import Capability
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

KNOWN = frozenset(value for name, value in vars(Capability).items() if name.isupper())


@clause(
    "opening.capabilities",
    "Each capability that it declares is one of this version of the contract, spelled as there.",
    level=Level.SMOKE,
)
async def capabilities(case: Case) -> None:
    # They are open strings for the sake of later protocols, which bring their own clauses.
    adapter = await case.open()
    unknown = sorted(set(map(str, adapter.capabilities)) - KNOWN)
    assert not unknown, f"it declares {unknown}, which nobody knows; known are {sorted(KNOWN)}"
    kinds = {type(name).__name__ for name in adapter.capabilities}
    assert kinds <= {"str"}, f"capabilities are plain strings, not {sorted(kinds)}"
