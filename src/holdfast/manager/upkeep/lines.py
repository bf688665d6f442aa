"""What the lines of an export say: a header, sessions, messages, and a footer."""

import json
from datetime import datetime
from typing import Any

from holdfast.capabilities import Limits
from holdfast.codec import decode_message, decode_state, encode_message, encode_state
from holdfast.ids import check_id
from holdfast.manager.upkeep.chain import Damaged, parse, reading
from holdfast.models import Message, Session
from holdfast.strict import remade
from holdfast.values import dumps

__all__ = [
    "UNLIMITED",
    "check_header",
    "read_message",
    "read_session",
    "say_footer",
    "say_header",
    "say_message",
    "say_session",
]

_FORMAT = 1
_TIMES = {"created_at", "updated_at", "completed_at", "expires_at", "state_expires_at"}
_SESSION = ("id", "user_id", "agent", "parent_id", "status", *sorted(_TIMES))
_MESSAGE = ("id", "seq", "turn_id", "segment", "role", "created_at")

UNLIMITED = Limits(message_bytes=2**62, state_bytes=2**62, depth=10_000)
"""What is stored already was within the limits of its time; today's may be others."""


def say_header(user_id: str, at: datetime) -> dict[str, Any]:
    """The fields of the first line."""
    return {"holdfast": "export", "format": _FORMAT, "user_id": user_id, "at": at.isoformat()}


def check_header(line: str) -> str:
    """The user of an export, from its first line.

    Raises:
        Damaged: It is no export, or one of another format.
    """
    fields = parse(line)
    if fields.get("holdfast") != "export":
        raise Damaged("it is no header of an export")
    if fields.get("format") != _FORMAT:
        raise Damaged(f"its format is not {_FORMAT}; update holdfast")
    with reading():
        return check_id(fields["user_id"], "user_id")


def say_footer(sessions: int, messages: int) -> dict[str, Any]:
    """The fields of the last line: how many sessions and messages are in front of it."""
    return {"end": {"sessions": sessions, "messages": messages}}


def say_session(session: Session) -> dict[str, Any]:
    """The fields of a session's line: what means something elsewhere too, and its state."""
    return {"session": _said(session, _SESSION), "state": json.loads(encode_state(session, UNLIMITED).body)}


def read_session(fields: dict[str, Any]) -> Session:
    """The session of a line, as a new one.

    Raises:
        Damaged: It is none.
    """
    with reading():
        return Session(**_fields(fields["session"], _SESSION), **decode_state(dumps(fields["state"])))


def say_message(message: Message) -> dict[str, Any]:
    """The fields of a message's line."""
    return {"message": _said(message, _MESSAGE), "body": json.loads(encode_message(message, UNLIMITED).body)}


def read_message(fields: dict[str, Any]) -> Message:
    """The message of a line.

    Raises:
        Damaged: It is none.
    """
    with reading():
        envelope = _fields(fields["message"], _MESSAGE)
        message = remade(decode_message(dumps(fields["body"]), **envelope))
    if message.turn_id is None or message.segment < 0:
        raise Damaged("its message belongs to no turn")
    return message


def _said(model: Session | Message, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(model, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def _fields(said: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    if not said.keys() <= set(names):
        raise ValueError("an unknown field")
    return {name: datetime.fromisoformat(value) if name in _TIMES else value for name, value in said.items()}
