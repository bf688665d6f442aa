"""The short way of a flush that only appends: three statements, and no look before.

Each session's head grows first, and says what it was; whatever is not plain then (no such session, a fence, an
id that is there already) sends the whole flush back, to be judged by the rules.
"""

import json
from collections.abc import Sequence
from typing import Any

from holdfast.toolkit import Done, Head, Outcome, Ref, Write
from holdfast_sqlite._changes import Changes
from holdfast_sqlite._connections import Transaction
from holdfast_sqlite._queries import QUERIES
from holdfast_sqlite._recent import mentions
from holdfast_sqlite._rows import head_of

__all__ = ["NotPlain", "append"]


class NotPlain(Exception):
    """The rules must be asked; what was done is rolled back."""


async def append(transaction: Transaction, writes: Sequence[Write]) -> list[Outcome]:
    """Store these appends.

    Raises:
        NotPlain: One of them needs a closer look.
        sqlite3.IntegrityError: Likewise: one of their ids is there already.
    """
    sessions = await _grow(transaction, writes)
    changes = Changes()
    outcomes: list[Outcome] = [sessions[write.ref].append(write, changes) for write in writes]
    await changes.store(transaction)
    return outcomes


async def _grow(transaction: Transaction, writes: Sequence[Write]) -> dict[Ref, "_Session"]:
    grown: dict[Ref, list[Any]] = {}
    for write in writes:
        added = grown[write.ref][2] if write.ref in grown else 0
        grown[write.ref] = [*write.ref, added + len(write.rows), write.rows[-1].created_at, write.now]
    found = await transaction.run(QUERIES["grow_heads"], {"rows": json.dumps(list(grown.values()))})
    if len(found) < len(grown):
        raise NotPlain
    return {Ref(row[1], row[2]): _Session(row, grown[Ref(row[1], row[2])][2]) for row in found}


class _Session:
    """A session whose head has grown already, while its messages are numbered."""

    __slots__ = ("_head", "_next_seq", "_number", "_recent_turns")

    def __init__(self, row: Sequence[Any], added: int) -> None:
        self._number: int = row[0]
        self._head = head_of(row, remembers=False)
        self._recent_turns: str | None = row[-2]
        self._next_seq = self._head.next_seq - added

    def append(self, write: Write, changes: Changes) -> Done:
        """Number the messages of a write."""
        if not self._plain(write):
            raise NotPlain
        first = self._next_seq
        self._next_seq += len(write.rows)
        rows = [row.at(seq) for seq, row in enumerate(write.rows, first)]
        changes.append(self._number, rows)
        return Done(self._then(write), tuple(range(first, self._next_seq)), 0, len(rows))

    def _plain(self, write: Write) -> bool:
        head = self._head
        return (
            head.fence is None
            and not head.dead(write.now)
            and write.key in {None, head.key.key}
            and self._recent_turns is not None
            and not mentions(self._recent_turns, write.turn_id)
        )

    def _then(self, write: Write) -> Head:
        """The head after this write: others may have followed it already."""
        head = self._head
        following = head.next_seq - self._next_seq
        if not following:
            return head
        return head._replace(
            next_seq=self._next_seq,
            message_count=head.message_count - following,
            last_message_at=write.rows[-1].created_at,
            updated_at=write.now,
        )
