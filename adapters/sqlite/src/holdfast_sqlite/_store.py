"""The SQLite store: each flush is one immediate transaction."""

import json
import sqlite3
from collections.abc import Sequence
from functools import partial

from holdfast.capabilities import Capability, Durability, Finding
from holdfast.errors import OutcomeUnknown
from holdfast.toolkit import (
    Busy,
    Done,
    Facts,
    Found,
    Head,
    HeadQuery,
    Outcome,
    Ref,
    Row,
    SessionKey,
    Span,
    Write,
)
from holdfast_sqlite import _freeing
from holdfast_sqlite._appending import NotPlain, append
from holdfast_sqlite._connections import Connections
from holdfast_sqlite._errors import is_busy
from holdfast_sqlite._flush import flush
from holdfast_sqlite._listing import find
from holdfast_sqlite._queries import QUERIES
from holdfast_sqlite._rows import head_of, row_of
from holdfast_sqlite._schema import prepare

__all__ = ["SQLiteStore"]

_ABILITIES = {
    Capability.LISTING_EXACT,
    Capability.ACTIVITY_EXACT,
    Capability.TENANTS,
    Capability.PARENTS,
    Capability.EXPIRY,
    Capability.REMOVE,
    Capability.REPLACE,
}
_NO_END = 2**63 - 1


class SQLiteStore:
    """``Store`` over one SQLite file."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def flush(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        """See ``Store.flush``."""
        try:
            outcomes = await self._stored(writes)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            return [Busy()] * len(writes)  # another program holds the whole file
        return [self._finished(write, outcome) for write, outcome in zip(writes, outcomes, strict=True)]

    async def _stored(self, writes: Sequence[Write]) -> list[Outcome]:
        # Where lifetimes move with each write, the rules say how.
        if all(write.only_appends and not write.lifetimes for write in writes):
            try:
                return await self._connections.try_write(partial(append, writes=writes), begins=True)
            except (NotPlain, sqlite3.IntegrityError):
                pass  # nothing of it is stored; the rules say what is the matter
        return await self._connections.try_write(partial(flush, writes=writes))

    def _finished(self, write: Write, outcome: Outcome) -> Outcome:
        """A redaction is finished when no file holds the old text."""
        if write.replace and isinstance(outcome, Done):
            return outcome._replace(finish=partial(self._scrub, write.turn_id))
        return outcome

    async def _scrub(self, turn_id: str) -> None:
        try:
            await self._connections.scrub()
        except OutcomeUnknown as error:
            error.turn_id = turn_id
            raise

    async def heads(self, refs: Sequence[Ref], *, state: bool) -> Sequence[Head | None]:
        """See ``Store.heads``."""
        rows = await self._connections.read(QUERIES["heads"], {"refs": json.dumps(refs), "state": state})
        heads = {head.key.ref: head for head in map(head_of, rows)}
        return [heads.get(ref) for ref in refs]

    async def rows(self, key: SessionKey, span: Span) -> Sequence[Row] | None:
        """See ``Store.rows``."""
        values = {
            **key._asdict(),
            "after": span.after,
            "before": _NO_END if span.before is None else span.before,
            "limit": span.limit,
            "ids": json.dumps(span.ids),
        }
        query = "rows_named" if span.ids is not None else "rows_newest" if span.last else "rows_oldest"
        rows = await self._connections.read(QUERIES[query], values)
        if not rows:
            return None
        found = [row_of(row) for row in rows if row[0] is not None]
        return found[::-1] if span.last else found

    async def find(self, query: HeadQuery) -> Found:
        """See ``Store.find``."""
        return await find(self._connections, query)

    async def free(self, key: SessionKey, *, limit: int) -> int:
        """See ``Store.free``."""
        return await _freeing.free(self._connections, key, limit)

    async def sweep(self, *, tenant: str | None, limit: int, now: int) -> int:
        """See ``Store.sweep``. When nothing is left, no file holds what was deleted either."""
        freed = await _freeing.sweep(self._connections, tenant, limit, now)
        if not freed:
            await self._connections.scrub()
        return freed

    async def initialize(self, *, create: bool, migrate: bool) -> Facts:
        """See ``Store.initialize``."""
        connections = self._connections
        await connections.open(create=create)
        schema = await prepare(connections, create=create, migrate=migrate)
        await connections.begin()
        if connections.private:
            return Facts(frozenset(_ABILITIES), Durability.MEMORY, schema=schema)
        shared = frozenset({*_ABILITIES, Capability.SHARED, Capability.SURVIVES_PROCESS})
        if connections.synchronous == "FULL":
            return Facts(shared, Durability.DISK, schema=schema)
        return Facts(shared, Durability.PROCESS, [_NOT_FULL], schema)

    async def ping(self) -> None:
        """See ``Store.ping``."""
        await self._connections.read(QUERIES["ping"], {})

    async def aclose(self) -> None:
        """See ``Store.aclose``."""
        await self._connections.aclose()


_NOT_FULL = Finding(
    code="sqlite.synchronous",
    severity="warning",
    setting="synchronous",
    found="NORMAL",
    wanted="FULL",
    why="The loss of power may take the last acknowledged writes with it.",
)
