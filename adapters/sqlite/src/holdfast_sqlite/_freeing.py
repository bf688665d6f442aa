"""Ends of lives: the head goes in one step, its rows in bounded ones."""

import json
from collections.abc import Collection

from holdfast.toolkit import SessionKey
from holdfast_sqlite._connections import Connections, Transaction
from holdfast_sqlite._queries import QUERIES

__all__ = ["bury", "free", "sweep"]


async def bury(transaction: Transaction, numbers: Collection[int]) -> None:
    """Move lives from the heads to the list of the dead."""
    values = {"numbers": json.dumps(list(numbers))}
    await transaction.run(QUERIES["bury"], values)
    await transaction.run(QUERIES["delete_heads"], values)


async def free(connections: Connections, key: SessionKey, limit: int) -> int:
    """Delete rows of a dead life, and in the end its mark."""

    async def run(transaction: Transaction) -> int:
        found = await transaction.run(QUERIES["dead"], {"key": key.key})
        return await _free(transaction, int(found[0][0]), limit) if found else 0

    return await connections.write(run)


async def _free(transaction: Transaction, number: int, limit: int) -> int:
    await transaction.run(QUERIES["free_messages"], {"number": number, "limit": limit})
    [[freed]] = await transaction.run(QUERIES["changes"])
    if freed == limit:
        return limit
    await transaction.run(QUERIES["free_state"], {"number": number})
    await transaction.run(QUERIES["free_mark"], {"number": number})
    [[marks]] = await transaction.run(QUERIES["changes"])
    return int(freed + marks)


async def sweep(connections: Connections, tenant: str | None, limit: int, now: int) -> int:
    """End what has expired and what hangs below the dead, and free rows: about ``limit``, in one step."""

    async def run(transaction: Transaction) -> int:
        freed = await _bury_doomed(transaction, tenant, limit, now)
        dead = await transaction.run(QUERIES["all_dead"], {"tenant": tenant, "limit": limit})
        for [number] in dead:
            if freed < limit:
                freed += await _free(transaction, number, limit - freed)
        return freed

    return await connections.write(run)


async def _bury_doomed(transaction: Transaction, tenant: str | None, limit: int, now: int) -> int:
    buried = 0
    while buried < limit:  # each round finds the children of the round before
        values = {"now": now, "tenant": tenant, "limit": limit - buried}
        doomed = {row[0] for row in await transaction.run(QUERIES["doomed"], values)}
        if not doomed:
            break
        await bury(transaction, doomed)
        buried += len(doomed)
    return buried
