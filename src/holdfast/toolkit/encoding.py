"""Between models and rows: a turn becomes a write, heads and rows become sessions and messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from holdfast.capabilities import Limits
from holdfast.clock import from_micros, to_micros
from holdfast.codec import (
    Codec,
    Encoded,
    Place,
    Plain,
    decode_message,
    decode_state,
    digest_of,
    encode_message,
    encode_state,
)
from holdfast.errors import CorruptRecord, DuplicateIdConflict, InvalidArgument, PayloadTooLarge
from holdfast.ids import check_id, new_key
from holdfast.models import Expected, Message, Session, SessionInfo, Turn
from holdfast.strict import assembled
from holdfast.toolkit.checks import check_int
from holdfast.toolkit.store import Head, Lifetime, Ref, Removal, Row, SessionKey, StateChange, Write

__all__ = [
    "Append",
    "encode_replacement",
    "encode_turn",
    "info_of",
    "message_of",
    "open_rows",
    "seal",
    "session_of",
]


class Append(NamedTuple):
    """A turn of messages alone, as ``append`` says it: no model, since ``encode_turn`` checks all of it."""

    id: str
    session_id: str
    messages: Sequence[Message]
    last_seq: int | None
    segment: int = 0
    key: None = None
    session: None = None
    expected: None = None
    remove: None = None


def encode_turn(
    turn: Turn | Append,
    *,
    tenant: str,
    now: int,
    limits: Limits,
    codec: Codec,
    lifetimes: dict[str, Lifetime],
) -> Write:
    """The write of a turn: checked, bounded and encoded, in one go, so that nobody can change it meanwhile.

    Raises:
        InvalidArgument: Something in it breaks a rule; the error, or one below it, says where.
        DuplicateIdConflict: A message id is in it twice.
    """
    if type(turn) not in {Turn, Append}:
        raise InvalidArgument(f"A turn is a Turn, not {type(turn).__name__}.")
    session_id = check_id(turn.session_id, "session_id")
    rows, size = _encode_messages(turn, now, limits)
    state = _encode_session(turn.session, limits, codec) if turn.session is not None else None
    expected, create = _expectation(turn)
    removal = _removal(turn.remove)
    return Write(
        ref=Ref(tenant, session_id),
        turn_id=check_id(turn.id, "turn_id"),
        segment=check_int(turn.segment, "segment", low=0),
        # Appends alone are known by their ids; no other write can be equal to one.
        digest=_write_digest(rows, state, removal) if state or removal else b"",
        now=now,
        size=size + (len(state.body) if state else 0),
        key=_optional_id(turn.key, "key") or (turn.session.key if turn.session else None),
        create=create,
        expected=expected,
        last_seq=None if turn.last_seq is None else check_int(turn.last_seq, "last_seq", low=0),
        remove=removal,
        state=state,
        rows=rows,
        lifetimes=lifetimes,
    )


def _expectation(turn: Turn | Append) -> tuple[int | None, str | None]:
    expected: Expected | None = turn.expected
    if expected is None and turn.session is not None:
        expected = turn.session.version
    if expected is None or expected == "any":
        return None, None
    check_int(expected, "expected", low=0)
    creates = expected == 0 and turn.session is not None
    return expected, new_key() if creates else None


def _removal(remove: tuple[int, int] | None) -> Removal | None:
    if remove is None:
        return None
    if type(remove) is not tuple or len(remove) != len(Removal._fields):
        raise InvalidArgument("remove is a pair: (after, through).")
    after, through = (
        check_int(value, name, low=0) for name, value in zip(("after", "through"), remove, strict=True)
    )
    if after >= through:
        raise InvalidArgument(f"remove: after={after} must be less than through={through}.")
    return Removal(after, through)


def _encode_messages(turn: Turn | Append, now: int, limits: Limits) -> tuple[tuple[Row, ...], int]:
    if type(turn.messages) not in {list, tuple}:
        raise InvalidArgument(f"messages is {type(turn.messages).__name__}, not a list.")
    if len(turn.messages) > limits.turn_messages:
        raise PayloadTooLarge("turn_messages", allowed=limits.turn_messages, actual=len(turn.messages))
    rows: list[Row] = []
    ids: set[str] = set()
    twice: list[str] = []
    size = 0
    for index, message in enumerate(turn.messages):
        row, encoded = _encode_row(message, turn, now, limits, f"messages[{index}]")
        if row.id in ids:
            twice.append(row.id)
        ids.add(row.id)
        size += encoded.size
        rows.append(row)
    if twice:
        raise DuplicateIdConflict(turn.session_id, twice)
    if size > limits.turn_bytes:
        raise PayloadTooLarge("turn_bytes", allowed=limits.turn_bytes, actual=size)
    return tuple(rows), size


def _encode_row(message: Message, turn: Turn | Append, now: int, limits: Limits, path: str) -> tuple[Row, Encoded]:
    if type(message) is not Message:
        raise InvalidArgument(f"{path} is {type(message).__name__}, not Message.")
    id_, role = check_id(message.id, f"{path}.id"), check_id(message.role, f"{path}.role")
    encoded = encode_message(message, limits, path)
    row = Row(
        id=id_,
        turn_id=turn.id,
        segment=turn.segment,
        role=role,
        created_at=now if message.created_at is None else _micros(message.created_at, f"{path}.created_at"),
        digest=encoded.digest,
        body=encoded.body,
    )
    return row, encoded


def _encode_session(session: Session, limits: Limits, codec: Codec) -> StateChange:
    if type(session) is not Session:
        raise InvalidArgument(f"A session is a Session, not {type(session).__name__}.")
    encoded = encode_state(session, limits)
    return StateChange(
        user_id=_indexed(codec, "user_id", session.user_id),
        parent_id=_optional_id(session.parent_id, "parent_id"),
        agent=_indexed(codec, "agent", session.agent),
        status=check_id(session.status, "status"),
        completed_at=_optional_micros(session.completed_at),
        expires_at=_optional_micros(session.expires_at),
        state_expires_at=_optional_micros(session.state_expires_at),
        digest=encoded.digest,
        body=encoded.body,
    )


def _optional_id(value: str | None, name: str) -> str | None:
    return None if value is None else check_id(value, name)


def _indexed(codec: Codec, field: str, value: str | None) -> str | None:
    return None if value is None else codec.index(field, check_id(value, field))


def _optional_micros(value: Any) -> int | None:
    return None if value is None else to_micros(value)


def _micros(value: Any, path: str) -> int:
    # A message is frozen, but model_copy(update=…) checks nothing.
    if not isinstance(value, datetime):
        raise InvalidArgument(f"{path} is {type(value).__name__}, not datetime.")
    return to_micros(value)


def _write_digest(rows: Sequence[Row], state: StateChange | None, removal: Removal | None) -> bytes:
    said: list[Any] = [[row.id, row.digest.hex()] for row in rows]
    if state:
        columns = [
            state.agent,
            state.status,
            state.completed_at,
            state.expires_at,
            state.state_expires_at,
        ]
        said.append({"state": state.digest.hex(), "columns": columns})
    if removal:
        said.append({"remove": removal})
    return digest_of(said)


def encode_replacement(message: Message, *, ref: Ref, now: int, limits: Limits, turn: Turn) -> Write:
    """The write that puts a message in the place of the one with its id."""
    row, encoded = _encode_row(message, turn, now, limits, "message")
    return Write(ref=ref, turn_id=turn.id, digest=row.digest, now=now, size=encoded.size, replace=row)


async def seal(write: Write, codec: Codec) -> Write:
    """The write with its bodies sealed."""
    if isinstance(codec, Plain):
        return write
    rows = [*write.rows, *([write.replace] if write.replace else [])]
    bodies = [row.body for row in rows]
    places = [Place(*write.ref, "message", row.id) for row in rows]
    if write.state:
        bodies.append(write.state.body)
        places.append(Place(*write.ref, "state", ""))
    sealed = list(await codec.seal(bodies, places))
    state = write.state._replace(body=sealed.pop()) if write.state else None
    rows = [row._replace(body=body) for row, body in zip(rows, sealed, strict=True)]
    replacement = rows.pop() if write.replace else None
    return write._replace(rows=tuple(rows), state=state, replace=replacement)


def info_of(head: Head) -> SessionInfo:
    """What a head says, for people."""
    return assembled(SessionInfo, _columns(head), set(SessionInfo.model_fields))


async def session_of(head: Head, now: int, codec: Codec) -> Session:
    """The session of a head that was read with its state.

    Raises:
        CorruptRecord: The state does not decode.
    """
    ref = head.key.ref
    if head.forgotten(now):
        return Session.model_construct(**_columns(head))
    try:
        [body] = await codec.open([head.body or ""], [Place(*ref, "state", "")])
        return Session(**_columns(head), **decode_state(body))
    except CorruptRecord as error:
        raise CorruptRecord(error.detail, session_id=ref.id) from error
    except InvalidArgument as error:
        raise CorruptRecord("not the state of a session.", session_id=ref.id) from error


def _columns(head: Head) -> dict[str, Any]:
    return {
        "id": head.key.id,
        "key": head.key.key,
        "user_id": head.user_id,
        "agent": head.agent,
        "parent_id": head.parent_id,
        "status": head.status,
        "version": head.version,
        "last_seq": head.next_seq - 1,
        "message_count": head.message_count,
        "last_message_at": _optional_time(head.last_message_at),
        "created_at": from_micros(head.created_at),
        "updated_at": from_micros(head.updated_at),
        "completed_at": _optional_time(head.completed_at),
        "expires_at": _optional_time(head.expires_at),
        "state_expires_at": _optional_time(head.state_expires_at),
    }


def _optional_time(value: int | None) -> Any:
    return None if value is None else from_micros(value)


async def open_rows(rows: Sequence[Row], key: SessionKey, codec: Codec) -> Sequence[str]:
    """The bodies of rows, opened all at once."""
    bodies = [row.body for row in rows]
    if isinstance(codec, Plain):
        return bodies
    return await codec.open(bodies, [Place(*key.ref, "message", row.id) for row in rows])


def message_of(row: Row, body: str, key: SessionKey) -> Message:
    """The message of a row and its opened body.

    Raises:
        CorruptRecord: It does not decode.
    """
    try:
        return decode_message(
            body,
            id=row.id,
            seq=row.seq,
            turn_id=row.turn_id,
            segment=row.segment,
            role=row.role,
            created_at=from_micros(row.created_at),
        )
    except CorruptRecord as error:
        raise CorruptRecord(error.detail, session_id=key.id, seq=row.seq) from error
