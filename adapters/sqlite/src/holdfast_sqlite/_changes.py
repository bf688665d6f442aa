"""What a flush writes: gathered row by row, then stored by one statement of each kind."""

import json
from collections.abc import Sequence
from typing import Any

from holdfast.toolkit import Head, Plan, Row, Write
from holdfast_sqlite._connections import Transaction
from holdfast_sqlite._freeing import bury
from holdfast_sqlite._queries import QUERIES
from holdfast_sqlite._recent import add_turn

__all__ = ["Changes"]

Values = list[Any]


class _Texts:
    """Digests and bodies, one behind the other in one blob."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._end = 1  # SQL counts from 1

    def place(self, part: bytes) -> tuple[int, int]:
        """Add one, and say where it starts and how long it is."""
        start = self._end
        self._parts.append(part)
        self._end += len(part)
        return start, len(part)

    def blob(self) -> bytes:
        """All of them; joined once, since several statements of a flush take slices of it."""
        self._parts = [b"".join(self._parts)]
        return self._parts[0]


class Changes:
    """The rows that one flush writes."""

    def __init__(self) -> None:
        self._texts = _Texts()
        self._buried: list[int] = []
        self._created: list[tuple[Head, str, tuple[Row, ...]]] = []
        self._heads: dict[int, Values] = {}
        self._states: list[Values] = []
        self._removed: list[Values] = []
        self._appended: list[Values] = []
        self._replaced: list[Values] = []

    def add(self, number: int, write: Write, plan: Plan, recent_turns: str) -> None:
        """Gather what a plan says of the session with this number, which remembers these turns."""
        if plan.bury:
            self._buried.append(number)
        if plan.create:
            self._created.append((plan.done.head, plan.body or "", plan.append))
        elif not plan.bury:
            self._change(number, write, plan, recent_turns)

    def _change(self, number: int, write: Write, plan: Plan, recent_turns: str) -> None:
        new = plan.done.head
        self._heads[number] = [number, *_changing(new)]
        if write.state or write.remove:
            self._states.append(self._state(number, new, plan.body, recent_turns))
        if write.remove:
            self._removed.append([number, *write.remove])
        self.append(number, plan.append)
        if plan.replace:
            row = plan.replace
            text = self._texts.place(row.body.encode())
            self._replaced.append([number, row.seq, row.role, *self._texts.place(row.digest), *text])

    def append(self, number: int, rows: Sequence[Row]) -> None:
        """Gather new messages of the session with this number."""
        place = self._texts.place
        for row in rows:
            envelope = (number, row.seq, row.id, row.turn_id, row.segment, row.role, row.created_at)
            self._appended.append([*envelope, *place(row.digest), *place(row.body.encode())])

    def _state(self, number: int, head: Head, body: str | None, recent_turns: str) -> Values:
        place = self._texts.place
        remembered = add_turn(recent_turns, head.recent_turns[-1])
        body_place = (None, None) if body is None else place(body.encode())
        return [number, *place(head.digest), *place(remembered.encode()), *body_place]

    async def store(self, transaction: Transaction) -> None:
        """Write all of it."""
        if self._buried:
            await bury(transaction, self._buried)
        await self._create(transaction)
        await self._run(transaction, "update_heads", list(self._heads.values()))
        await self._run(transaction, "update_states", self._states)
        await self._run(transaction, "remove_messages", self._removed)
        await self._run(transaction, "insert_messages", self._appended)
        await self._run(transaction, "replace_messages", self._replaced)

    async def _create(self, transaction: Transaction) -> None:
        """Insert new heads, and with the numbers that they got their states and messages."""
        heads = [_inserted(head) for head, _, _ in self._created]
        numbers = {key: int(number) for key, number in await self._run(transaction, "insert_heads", heads)}
        states: list[Values] = []
        for head, body, rows in self._created:
            number = numbers[head.key.key]
            states.append(self._state(number, head, body, ""))
            self.append(number, rows)
        await self._run(transaction, "insert_states", states)

    async def _run(self, transaction: Transaction, query: str, rows: list[Values]) -> list[Any]:
        if not rows:
            return []
        values: dict[str, Any] = {"rows": json.dumps(rows)}
        if ":texts" in QUERIES[query]:
            values["texts"] = self._texts.blob()
        return await transaction.run(QUERIES[query], values)


def _changing(head: Head) -> Values:
    """The columns of ``update_heads``."""
    return [
        head.agent,
        head.status,
        head.version,
        head.next_seq,
        head.message_count,
        head.last_message_at,
        head.updated_at,
        head.completed_at,
        head.expires_at,
        head.state_expires_at,
        head.fence,
    ]


def _inserted(head: Head) -> Values:
    """The columns of ``insert_heads``: all of the envelope."""
    return [*head.key, *head[1:16]]
