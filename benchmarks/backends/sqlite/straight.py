"""SQLite as a careful engineer uses it: one transaction for each write, one after the other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from benchmarks.backends.sqlite.database import Database, now
from benchmarks.contender import Said, Stale, State

__all__ = ["SAVE", "Straight", "Write"]

_INSERT = "INSERT INTO message (session, seq, id, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
SAVE = "UPDATE state SET body = ? WHERE session = ?"
_MOVE = """
UPDATE session SET count = count + :added, version = version + :states, updated_at = :now
WHERE id = :id AND (:version IS NULL OR version = :version)
RETURNING number, count - :added
"""
_KNOWN = """
SELECT m.id, m.seq FROM session AS s JOIN message AS m ON m.session = s.number
WHERE s.id = ? AND m.id IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True, slots=True)
class Write:
    """What one call stores, encoded.

    Attributes:
        rows: Ids and bodies of messages.
        state: The new state, and ``version``, the one that it was made from.
    """

    session_id: str
    rows: Sequence[tuple[str, str]] = ()
    state: str | None = None
    version: int | None = None

    @classmethod
    def of(
        cls, session_id: str, said: Sequence[Said], state: State | None = None, version: int | None = None
    ) -> Self:
        """Encode it."""
        rows = [(one.get("id") or uuid4().hex, json.dumps(one)) for one in said]
        return cls(session_id, rows, None if state is None else json.dumps(state), version)


class Straight(Database):
    """``Contender`` with three statements an append, four a turn; each is a hop to the connection's thread."""

    async def append(self, session_id: str, said: Sequence[Said]) -> Sequence[int]:
        """See ``Contender.append``."""
        return await self._write(Write.of(session_id, said))

    async def turn(self, session_id: str, said: Sequence[Said], state: State, version: int) -> Sequence[int]:
        """See ``Contender.turn``."""
        return await self._write(Write.of(session_id, said, state, version))

    async def save(self, session_id: str, state: State, version: int) -> None:
        """See ``Contender.save``."""
        await self._write(Write.of(session_id, (), state, version))

    async def _write(self, write: Write) -> Sequence[int]:
        async with self._writing:
            return await self.alone(write)

    async def alone(self, write: Write) -> Sequence[int]:
        """Store one write in a transaction of its own.

        Raises:
            Stale: The session is at another version, or not there.
        """
        known: dict[str, int] = {}
        try:
            while not await self._stored(write, known):
                await self._writer.rollback()
                ids = json.dumps([message_id for message_id, _ in write.rows])
                rows = await self._reader.execute_fetchall(_KNOWN, (write.session_id, ids))
                known = {row[0]: row[1] for row in rows}
        except BaseException:
            await self._writer.rollback()
            raise
        return [known[message_id] for message_id, _ in write.rows]

    async def _stored(self, write: Write, known: dict[str, int]) -> bool:
        """Store what is not known yet, and note its positions; or find out that more of it was there before."""
        fresh = {message_id: body for message_id, body in write.rows if message_id not in known}
        number, last = await self._moved(write, len(fresh))
        rows = [(number, seq, *row) for seq, row in enumerate(fresh.items(), last + 1)]
        if rows and await self._inserted(rows) < len(rows):
            return False
        if write.state is not None:
            await self._writer.execute(SAVE, (write.state, number))
        await self._writer.commit()
        known.update((message_id, seq) for _, seq, message_id, _ in rows)
        return True

    async def _moved(self, write: Write, added: int) -> tuple[int, int]:
        """The session's number, and its last position before these messages."""
        values = {
            "id": write.session_id,
            "added": added,
            "states": int(write.state is not None),
            "version": write.version,
            "now": now(),
        }
        for number, last in await self._writer.execute_fetchall(_MOVE, values):
            return number, last
        raise Stale(write.session_id)

    async def _inserted(self, rows: Sequence[tuple[int, int, str, str]]) -> int:
        if len(rows) == 1:  # an append has one as a rule, and this is quicker
            return (await self._writer.execute(_INSERT, rows[0])).rowcount
        return (await self._writer.executemany(_INSERT, rows)).rowcount
