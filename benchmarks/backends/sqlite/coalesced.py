"""SQLite as an expert uses it for exactly this job: group commit, written by hand."""

import json
from collections import defaultdict
from collections.abc import Sequence

import aiosqlite

from benchmarks.backends.sqlite.database import now
from benchmarks.backends.sqlite.straight import SAVE, Straight, Write
from benchmarks.batching import Batching

__all__ = ["Coalesced"]

# All sessions of a batch at once. Numbering in Python and executemany are quicker than one INSERT … SELECT over
# json_each with a window function (27,000 to 30,000 appends a second against 20,000 to 25,000).
_MOVE = """
UPDATE session
SET count = count + moved.added, version = session.version + (moved.version IS NOT NULL), updated_at = ?
FROM (
  SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS added,
    json_extract(value, '$[2]') AS version
  FROM json_each(?)
) AS moved
WHERE session.id = moved.id AND (moved.version IS NULL OR session.version = moved.version)
RETURNING session.id, session.number, session.count
"""


class Coalesced(Straight):
    """``Contender`` with three statements for a batch of appends, four with states among them.

    A batch is stored if nothing in it is out of the ordinary: a stale version, a message that was there before,
    two states of one session. If something is, the batch is undone and each of its writes goes alone.
    """

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        super().__init__(writer, reader)
        self._batching = Batching(self._flush)

    async def _write(self, write: Write) -> Sequence[int]:
        return await self._batching.submit(write)

    async def _flush(self, batch: Sequence[Write]) -> Sequence[Sequence[int] | Exception]:
        try:
            seqs = await self._all(batch)
        except BaseException:
            await self._writer.rollback()
            raise
        if seqs is not None:
            await self._writer.commit()
            return seqs
        await self._writer.rollback()
        return [await self._outcome(write) for write in batch]

    async def _outcome(self, write: Write) -> Sequence[int] | Exception:
        try:
            return await self.alone(write)
        except Exception as error:  # noqa: BLE001 - it is this caller's
            return error

    async def _all(self, batch: Sequence[Write]) -> list[list[int]] | None:
        """The positions of everything; None if something is out of the ordinary."""
        moved = await self._moved_all(batch)
        if moved is None:
            return None
        rows: list[tuple[int, int, str, str]] = []
        states: list[tuple[str, int]] = []
        seqs: list[list[int]] = []
        for write in batch:
            number, last = moved[write.session_id]
            seqs.append(list(range(last + 1, last + 1 + len(write.rows))))
            rows += [(number, seq, *row) for seq, row in zip(seqs[-1], write.rows, strict=True)]
            moved[write.session_id] = number, last + len(write.rows)
            if write.state is not None:
                states.append((write.state, number))
        if rows and await self._inserted(rows) < len(rows):
            return None
        if states:
            await self._writer.executemany(SAVE, states)
        return seqs

    async def _moved_all(self, batch: Sequence[Write]) -> dict[str, tuple[int, int]] | None:
        """For each session its number, and its last position before this batch."""
        added: defaultdict[str, int] = defaultdict(int)
        versions: dict[str, int] = {}
        for write in batch:
            added[write.session_id] += len(write.rows)
            if write.version is None:
                continue
            if write.session_id in versions:
                return None
            versions[write.session_id] = write.version
        values = json.dumps([(session_id, count, versions.get(session_id)) for session_id, count in added.items()])
        found = await self._writer.execute_fetchall(_MOVE, (now(), values))
        moved = {session_id: (number, count - added[session_id]) for session_id, number, count in found}
        return moved if len(moved) == len(added) else None
