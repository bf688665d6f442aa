"""The rules of a write, once: what a store must decide inside its atomic step.

A store that runs its step in Python reads the head and the rows that a write names, asks ``judge``, and does
what the plan says. A store that runs it elsewhere (a script, one SQL statement) says the same there, in the
same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.errors import (
    DuplicateIdConflict,
    HoldfastError,
    InvalidArgument,
    NotFound,
    SessionExpired,
    SessionFenced,
    VersionConflict,
)
from holdfast.toolkit.lifetimes import prolong
from holdfast.toolkit.store import Done, Head, Recent, Refused, Row, SessionKey, StateChange, Write

__all__ = ["REMEMBERED", "Plan", "judge"]

REMEMBERED = 16
"""How many writes that carried state or a removal a head remembers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to store, all of it in this one step.

    Attributes:
        done: The answer once it is stored; ``done.head`` is the new head.
        append: Rows to insert.
        replace: A row to put in the place of the one with its position.
        body: The new state, where it changed.
        bury: A life to end: its key joins the dead. With it, and no creation, no head is left.
        create: Whether ``done.head`` is a new life.
    """

    done: Done
    append: tuple[Row, ...] = ()
    replace: Row | None = None
    body: str | None = None
    bury: SessionKey | None = None
    create: bool = False


def judge(write: Write, head: Head | None, known: Mapping[str, Row], removable: int = 0) -> Refused | Done | Plan:
    """Decide a write, in the order of the contract.

    Args:
        write: The write.
        head: The head of its session, expired or not.
        known: By id, the rows that are stored of the ids that the write names.
        removable: How many rows the write's removal would take.

    Returns:
        ``Refused``, with nothing to store; ``Done``, when it is stored already; or a ``Plan``.
    """
    if head is None or (head.dead(write.now) and not write.delete):
        return _without_head(write, head)
    refused = _other_session(write, head)
    if refused:
        return Refused(refused)
    return _replay(write, head, known) or _fresh(write, head, known, removable)


def _without_head(write: Write, head: Head | None) -> Refused | Plan:
    if head and write.state and write.create is None and write.state.user_id != head.user_id:
        return Refused(NotFound(f"Session {write.ref.id!r}."))
    if write.create is None or write.key is not None:
        return Refused(
            SessionExpired(f"Session {write.ref.id!r}.")
            if head and _is_life(write, head)
            else NotFound(f"Session {write.ref.id!r}.")
        )
    fresh = Head(
        key=SessionKey(*write.ref, write.create),
        parent_key=write.parent_key,
        parent_id=write.state.parent_id if write.state else None,
        created_at=write.now,
    )
    refused = _guards(write, fresh)
    if refused:
        return Refused(refused)
    return _apply(write, fresh, {}, 0, bury=head.key if head else None, create=True)


def _other_session(write: Write, head: Head) -> NotFound | InvalidArgument | None:
    if not _is_life(write, head):
        return NotFound(f"Session {write.ref.id!r}.")
    if write.state and write.state.user_id != head.user_id:
        return NotFound(f"Session {write.ref.id!r}.")
    if write.state and write.state.parent_id != head.parent_id:
        return InvalidArgument("parent_id is fixed at creation.")
    return None


def _is_life(write: Write, head: Head) -> bool:
    return write.key is None or write.key == head.key.key


def _replay(write: Write, head: Head, known: Mapping[str, Row]) -> Refused | Done | None:
    """Steps 1 and 2: an earlier try of the same write."""
    for recent in head.recent_turns:
        if (recent.turn_id, recent.segment) == (write.turn_id, write.segment):
            if recent.digest != write.digest:
                return Refused(DuplicateIdConflict(write.ref.id, [write.turn_id]))
            first = head._replace(version=recent.version, next_seq=recent.last_seq + 1)
            return Done(first, _seqs(write, known), recent.removed, replayed=True)
    if write.create == head.key.key:  # the very creation that made this life, sent again by a driver
        return Done(
            head._replace(version=1, next_seq=len(write.rows) + 1),
            _seqs(write, known),
            replayed=True,
        )
    if write.rows and all(_stored_by(write, row, known.get(row.id)) for row in write.rows):
        if _brings_more(write, head):
            return Refused(DuplicateIdConflict(write.ref.id, [write.turn_id]))
        # Past the remembered writes: its rows tell that it was stored, and its state with them.
        version = head.version if write.state is None or write.expected is None else write.expected + 1
        last = max(known[row.id].seq for row in write.rows)
        return Done(head._replace(version=version, next_seq=last + 1), _seqs(write, known), replayed=True)
    return None


def _brings_more(write: Write, head: Head) -> bool:
    """Whether this write carries what the one that stored its rows did not: that would get lost in a replay."""
    if not write.state and not write.remove:
        return False
    too_old = write.expected is not None and head.version <= write.expected
    return len(head.recent_turns) < REMEMBERED or bool(write.state and too_old)


def _stored_by(write: Write, row: Row, stored: Row | None) -> bool:
    return (
        stored is not None
        and (stored.turn_id, stored.segment) == (write.turn_id, write.segment)
        and _same_words(row, stored)
    )


def _same_words(row: Row, stored: Row) -> bool:
    return stored.digest in (row.digest, b"")  # a redacted row's digest is empty, and equals any


def _seqs(write: Write, known: Mapping[str, Row]) -> tuple[int | None, ...]:
    return tuple(known[row.id].seq if row.id in known else None for row in write.rows)


def _fresh(write: Write, head: Head, known: Mapping[str, Row], removable: int) -> Refused | Done | Plan:
    """Steps 3 to 7: a write that was not stored before."""
    if write.remove:
        known = {id_: row for id_, row in known.items() if not write.remove.holds(row.seq)}
    refused = _fenced_or_taken(write, head, known)
    if refused is None and _nothing_left(write, known):
        return Done(head, _seqs(write, known), replayed=True)
    refused = refused or _guards(write, head)
    if refused:
        return Refused(refused)
    if write.delete:
        return Plan(Done(head), bury=head.key)
    return _apply(write, head, known, removable)


def _fenced_or_taken(write: Write, head: Head, known: Mapping[str, Row]) -> HoldfastError | None:
    if head.fence is not None and write.fence is None:
        return SessionFenced(f"Session {write.ref.id!r}.")
    taken = [row.id for row in write.rows if row.id in known and not _same_words(row, known[row.id])]
    if taken:
        return DuplicateIdConflict(write.ref.id, taken)
    if write.replace and write.replace.id not in known:
        return NotFound(f"Message {write.replace.id!r} of session {write.ref.id!r}.")
    return None


def _nothing_left(write: Write, known: Mapping[str, Row]) -> bool:
    parts = (write.state, write.remove, write.replace, write.fence)
    carries = write.delete or write.touch or any(part is not None for part in parts)
    return not carries and all(row.id in known for row in write.rows)


def _guards(write: Write, head: Head) -> VersionConflict | InvalidArgument | None:
    last_seq = head.next_seq - 1
    if write.expected is not None and write.expected != head.version:
        return VersionConflict(write.ref.id, expected=write.expected, actual=head.version)
    if write.last_seq is not None and write.last_seq != last_seq:
        return VersionConflict(write.ref.id, expected=write.last_seq, actual=last_seq, guard="last_seq")
    if write.remove and write.remove.through > last_seq:
        return InvalidArgument(f"through={write.remove.through} is beyond the last position, {last_seq}.")
    return None


def _apply(
    write: Write,
    head: Head,
    known: Mapping[str, Row],
    removable: int,
    *,
    bury: SessionKey | None = None,
    create: bool = False,
) -> Plan:
    append = _numbered(write, head, known)
    seqs = {row.id: row.seq for row in append}
    removed = removable if write.remove else 0
    changes: dict[str, Any] = {
        "next_seq": head.next_seq + len(append),
        "message_count": head.message_count - removed + len(append),
        "body": None,
    }
    if append:
        changes["last_message_at"] = append[-1].created_at
    if not write.touch:
        changes["updated_at"] = write.now
    if write.fence is not None:
        changes["fence"] = write.fence or None
    if write.state:
        changes |= {"version": head.version + 1, **_columns(write.state)}
    if write.state or write.remove:
        version = changes.get("version", head.version)
        recent = Recent(write.turn_id, write.segment, write.digest, version, changes["next_seq"] - 1, removed)
        changes["recent_turns"] = (*head.recent_turns, recent)[-REMEMBERED:]
    new = prolong(head._replace(**changes), write)
    positions = tuple([seqs.get(row.id) or known[row.id].seq for row in write.rows])
    return Plan(
        Done(new, positions, removed, len(append)),
        append=append,
        replace=_in_place(write.replace, known),
        body=write.state.body if write.state else None,
        bury=bury,
        create=create,
    )


def _numbered(write: Write, head: Head, known: Mapping[str, Row]) -> tuple[Row, ...]:
    fresh = [row for row in write.rows if row.id not in known] if known else write.rows
    return tuple([row.at(seq) for seq, row in enumerate(fresh, head.next_seq)])


def _columns(state: StateChange) -> dict[str, Any]:
    """The columns of a head that a state owns; its parent is fixed at creation."""
    return {
        "user_id": state.user_id,
        "agent": state.agent,
        "status": state.status,
        "completed_at": state.completed_at,
        "expires_at": state.expires_at,
        "state_expires_at": state.state_expires_at,
        "digest": state.digest,
    }


def _in_place(row: Row | None, known: Mapping[str, Row]) -> Row | None:
    if row is None:
        return None
    old = known[row.id]
    return old._replace(role=row.role, body=row.body, digest=b"")
