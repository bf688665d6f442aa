"""Several calls that must all be refused."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from holdfast import HoldfastError
from holdfast_contract_tests.case import Case

__all__ = ["all_refused"]


async def all_refused(
    case: Case, kind: type[HoldfastError], calls: Mapping[str, Callable[[], Awaitable[Any]]]
) -> None:
    """Check that each of some calls is refused with exactly this error."""
    for what, call in calls.items():
        with case.about(what):
            await case.refused(kind, call())
