"""One flush: the rules are asked for all writes at once, and all that they allow is stored at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from holdfast.errors import CorruptRecord
from holdfast.toolkit import Head, Outcome, Plan, Ref, Refused, Row, Write, judge
from holdfast_sqlite._changes import Changes
from holdfast_sqlite._connections import Transaction
from holdfast_sqlite._queries import QUERIES
from holdfast_sqlite._recent import mentions
from holdfast_sqlite._rows import head_of

__all__ = ["flush"]


@dataclass(slots=True)
class _Session:
    """What is stored of a session, as far as the writes of this flush need it."""

    number: int = 0
    head: Head | None = None
    recent_turns: str = ""
    known: Mapping[str, Row] = field(default_factory=dict[str, Row])
    removable: int = 0
    corrupt: CorruptRecord | None = None


async def flush(transaction: Transaction, writes: Sequence[Write]) -> list[Outcome]:
    """Store these writes; see ``Store.flush``."""
    sessions = await _look(transaction, writes)
    changes = Changes()
    outcomes = [_decide(write, sessions[write.ref], changes) for write in writes]
    await changes.store(transaction)
    return outcomes


async def _look(transaction: Transaction, writes: Sequence[Write]) -> dict[Ref, _Session]:
    by_session: dict[Ref, list[Write]] = {}
    for write in writes:
        by_session.setdefault(write.ref, []).append(write)
    sessions = {ref: _Session() for ref in by_session}
    asked = [_asked(ref, its_writes) for ref, its_writes in by_session.items()]
    values = {"sessions": json.dumps(asked), "state": False}
    for row in await transaction.run(QUERIES["judged"], values):
        ref = Ref(row[1], row[2])
        sessions[ref] = _session(row, by_session[ref])
    return sessions


def _asked(ref: Ref, writes: Sequence[Write]) -> list[Any]:
    """What ``judged`` is asked of a session; a write with a removal is alone in it."""
    ids = [row.id for write in writes for row in write.rows]
    ids += [write.replace.id for write in writes if write.replace]
    return [*ref, ids, *(writes[0].remove or ())]


def _session(row: Sequence[Any], writes: Sequence[Write]) -> _Session:
    *columns, known, removable = row
    recent_turns: str | None = columns[-2]
    # Most writes are no retries, and then nobody needs to read what they would be compared with.
    retried = recent_turns is None or known != "[]" or any(mentions(recent_turns, one.turn_id) for one in writes)
    try:
        head = head_of(columns, remembers=retried)
    except CorruptRecord as error:
        return _Session(corrupt=error)
    return _Session(columns[0], head, recent_turns or "", _known(known), removable)


def _known(text: str) -> dict[str, Row]:
    if text == "[]":
        return {}
    return {
        id_: Row(id_, turn_id, segment, role, created_at, bytes.fromhex(digest), "", seq)
        for seq, id_, turn_id, segment, role, created_at, digest in json.loads(text)
    }


def _decide(write: Write, session: _Session, changes: Changes) -> Outcome:
    if session.corrupt:
        return Refused(session.corrupt)
    verdict = judge(write, session.head, session.known, session.removable)
    if not isinstance(verdict, Plan):
        return verdict
    changes.add(session.number, write, verdict, session.recent_turns)
    session.head = verdict.done.head  # the next append of this session follows this one
    return verdict.done
