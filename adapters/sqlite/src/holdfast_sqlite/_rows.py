"""Between SQLite's rows and the toolkit's."""

import json
from collections.abc import Sequence
from typing import Any

from holdfast.errors import CorruptRecord
from holdfast.toolkit import Head, Recent, Row, SessionKey

__all__ = ["head_of", "head_values", "message_values", "recent_text", "row_of", "state_values"]


def head_of(row: Sequence[Any]) -> Head:
    """The head of a row of the query ``heads``.

    Raises:
        CorruptRecord: What it remembers of recent writes cannot be read.
    """
    _, tenant, id_, key, *columns, digest, recent, body = row
    try:
        turns = tuple(
            Recent(turn, part, bytes.fromhex(hex_), *rest) for turn, part, hex_, *rest in json.loads(recent)
        )
    except (ValueError, TypeError) as error:
        raise CorruptRecord("its recent turns.", session_id=id_) from error
    return Head(
        key=SessionKey(tenant, id_, key),
        **dict(zip(_COLUMNS, columns, strict=True)),
        digest=digest,
        recent_turns=turns,
        body=body,
    )


_COLUMNS = (
    "parent_key",
    "parent_id",
    "user_id",
    "agent",
    "status",
    "version",
    "next_seq",
    "message_count",
    "last_message_at",
    "created_at",
    "updated_at",
    "completed_at",
    "expires_at",
    "state_expires_at",
    "fence",
)


def head_values(head: Head) -> dict[str, Any]:
    """The columns of a head, by name."""
    return {**head.key._asdict(), **{name: getattr(head, name) for name in _COLUMNS}}


def state_values(number: int, head: Head, body: str | None) -> dict[str, Any]:
    """The columns of a head's wide row, by name."""
    return {
        "number": number,
        "digest": head.digest,
        "recent_turns": recent_text(head),
        "body": body,
    }


def recent_text(head: Head) -> str:
    """What a head remembers, as JSON."""
    turns = [[turn.turn_id, turn.segment, turn.digest.hex(), *turn[3:]] for turn in head.recent_turns]
    return json.dumps(turns, separators=(",", ":"))


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


def message_values(session: int, row: Row) -> tuple[Any, ...]:
    """The columns of a message, in the order of ``insert_message``."""
    return (
        session,
        row.seq,
        row.id,
        row.turn_id,
        row.segment,
        row.role,
        row.created_at,
        row.digest,
        row.body,
    )
