"""Listings: one statement, put together from fixed pieces; values are bound."""

from typing import Any

from holdfast.toolkit import Found, HeadQuery, Position
from holdfast_sqlite._connections import Connections
from holdfast_sqlite._queries import QUERIES
from holdfast_sqlite._rows import head_of

__all__ = ["find"]

_SELECT = f"""
SELECT {QUERIES["head_columns"]}
FROM holdfast_head AS h LEFT JOIN holdfast_state AS s ON s.number = h.number
WHERE """  # noqa: S608 - fixed pieces

_ACTIVITY = "(h.updated_at, h.id) < (:at, :begin)", "h.updated_at DESC, h.id DESC"
_CREATED = "(h.created_at, h.id) > (:at, :begin)", "h.created_at, h.id"


async def find(connections: Connections, query: HeadQuery) -> Found:
    """One page of heads."""
    statement, values = _statement(query)
    rows = await connections.read(statement, values)
    heads = [head_of(row) for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return Found(heads, None)
    last = heads[-1]
    return Found(heads, Position(last.updated_at if query.by_activity else last.created_at, last.key.id))


def _statement(query: HeadQuery) -> tuple[str, dict[str, Any]]:
    behind, order = _ACTIVITY if query.by_activity else _CREATED
    children = query.parent_key is not None
    conditions = [
        condition
        for condition, wanted in (
            ("h.tenant = :tenant", not children),
            # The plus sign makes SQLite find children by their parent, not by walking the tenant.
            ("+h.tenant = :tenant AND h.parent_key = :parent_key", children),
            ("h.user_id = :user_id", query.user_id is not None),
            ("h.agent = :agent", query.agent is not None),
            ("h.status = :status", query.status is not None),
            ("h.parent_key IS NULL", not children and not query.nested),
            ("h.updated_at < :updated_before", query.updated_before is not None),
            (
                "(h.expires_at IS NULL OR h.expires_at > :now OR h.fence IS NOT NULL)",
                not query.include_expired,
            ),
            (behind, query.begin is not None),
        )
        if wanted
    ]
    statement = _SELECT + " AND ".join(conditions) + f" ORDER BY {order} LIMIT :limit"
    values = {
        "state": query.with_state,
        "tenant": query.tenant,
        "user_id": query.user_id,
        "agent": query.agent,
        "status": query.status,
        "parent_key": query.parent_key,
        "updated_before": query.updated_before,
        "now": query.now,
        "at": query.begin and query.begin.at,
        "begin": query.begin and query.begin.id,
        "limit": query.limit + 1,
    }
    return statement, values
