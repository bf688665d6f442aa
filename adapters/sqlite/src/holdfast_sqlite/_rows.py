"""Between SQLite's rows and the toolkit's."""

from collections.abc import Sequence
from typing import Any

from holdfast.toolkit import Head, Row, SessionKey
from holdfast_sqlite._recent import read_turns

__all__ = ["head_of", "row_of"]


def head_of(row: Sequence[Any], *, remembers: bool = True) -> Head:
    """The head of a row of the query ``heads``.

    Args:
        row: The row.
        remembers: Whether to read what it remembers of recent turns.

    Raises:
        CorruptRecord: What it remembers of recent writes cannot be read.
    """
    _, tenant, id_, key, *columns, digest, recent, body = row
    turns = read_turns(recent, id_) if remembers else ()
    return Head._make([SessionKey(tenant, id_, key), *columns, turns, digest, body])


def row_of(row: Sequence[Any]) -> Row:
    """The message of a row of the ``rows_…`` queries."""
    seq, id_, turn_id, segment, role, created_at, digest, body = row
    return Row(
        seq=seq,
        id=id_,
        turn_id=turn_id,
        segment=segment,
        role=role,
        created_at=created_at,
        digest=digest,
        body=body,
    )
