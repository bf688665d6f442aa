"""What proofs of races share."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from holdfast_contract_tests.equality import shown
from holdfast_contract_tests.verdict import ContractError

__all__ = ["RACERS", "one_winner", "outcomes"]

RACERS = 6


async def outcomes(*calls: Awaitable[Any]) -> list[Any]:
    """What came of calls that run at once: answers, and errors."""
    return await asyncio.gather(*calls, return_exceptions=True)


def one_winner(results: Sequence[Any], loss: type[Exception]) -> Any:
    """The one answer; all others must have lost in this way.

    Raises:
        ContractError: None won, or several, or somebody lost in another way.
    """
    won = [result for result in results if not isinstance(result, BaseException)]
    if len(won) != 1:
        raise ContractError(f"{len(won)} of {len(results)} won, expected exactly one: {shown(results, 400)}")
    strange = [result for result in results if isinstance(result, BaseException) and type(result) is not loss]
    if strange:
        raise ContractError(f"a loser must get {loss.__name__}, found {shown(strange, 400)}")
    return won[0]
