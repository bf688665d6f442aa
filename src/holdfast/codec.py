"""From models to what stores keep, and back; digests; and the place where bodies will be sealed.

A body is JSON text, opaque to every adapter. It keeps the caller's key order, since reordering a tool call's
arguments changes prompts; canonical order is for digests alone. What is absent and what has its default
value are the same, so that a later field changes no digest.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, TypeAdapter, ValidationError

from holdfast.capabilities import Limits
from holdfast.errors import CorruptRecord, InvalidArgument, PayloadTooLarge
from holdfast.models import Message, RouteVisit, Session
from holdfast.parts import Part
from holdfast.values import canonical, dumps, loads, pack

__all__ = ["Codec", "Encoded", "Place", "Plain", "decode_message", "decode_state", "digest_of"]

_MESSAGE_FIELDS = ("content", "name", "route", "step", "user_id", "metadata", "raw", "format")
_STATE_FIELDS = (
    "data",
    "data_by_route",
    "current_route",
    "current_step",
    "route_history",
    "schema_version",
    "metadata",
)
_parts: TypeAdapter[list[Part]] = TypeAdapter(list[Part])


class Encoded(NamedTuple):
    """A body, its size in bytes, and the digest of what it says."""

    body: str
    size: int
    digest: bytes


def digest_of(tree: Any) -> bytes:
    """BLAKE2b-128 (RFC 7693) over the canonical spelling of a JSON tree."""
    return hashlib.blake2b(canonical(tree), digest_size=16).digest()


def encode_message(message: Message, limits: Limits, path: str = "message") -> Encoded:
    """What a message says, as text; its digest never counts id, position, turn or times.

    Raises:
        UnserializableValue: Something in it would not come back equal.
        PayloadTooLarge: It is over ``message_bytes``.
    """
    fields = _said(message, _MESSAGE_FIELDS)
    tree = pack(fields, path, depth=limits.depth + 2, limit=("message_bytes", limits.message_bytes))
    return _encoded(tree, {**tree, "role": message.role}, "message_bytes", limits.message_bytes)


def decode_message(body: str, **envelope: Any) -> Message:
    """The message of a row; ``envelope`` holds what the row's own columns say.

    Raises:
        CorruptRecord: It is not the body of a message.
    """
    fields = _object(body, _MESSAGE_FIELDS)
    content = fields.setdefault("content", "")
    if type(content) is not str:
        try:
            fields["content"] = _parts.validate_python(content)
        except ValidationError as error:
            raise CorruptRecord("not the parts of a message.") from error
    return Message.model_construct(**fields, **envelope)


def encode_state(session: Session, limits: Limits) -> Encoded:
    """The state of a session as text.

    Raises:
        UnserializableValue: Something in it would not come back equal.
        PayloadTooLarge: It is over ``state_bytes``.
    """
    fields = _said(session, _STATE_FIELDS)
    tree = pack(fields, "session", depth=limits.depth + 1, limit=("state_bytes", limits.state_bytes))
    return _encoded(tree, tree, "state_bytes", limits.state_bytes)


def decode_state(body: str) -> dict[str, Any]:
    """The fields of a session's state.

    Raises:
        CorruptRecord: It is not the body of a state.
    """
    fields = _object(body, _STATE_FIELDS)
    try:
        fields["route_history"] = [RouteVisit(**visit) for visit in fields.get("route_history", ())]
    except (TypeError, InvalidArgument) as error:
        raise CorruptRecord("not the routes of a session.") from error
    return fields


def _said(model: BaseModel, names: Collection[str]) -> dict[str, Any]:
    defaults = _defaults(type(model))
    values = {name: value for name, value in model.__dict__.items() if name in names}
    said = {name: _plain(value) for name, value in values.items() if not _same(value, defaults[name])}
    return said if model.__pydantic_extra__ is None else said | model.__pydantic_extra__


def _plain(value: Any) -> Any:
    if type(value) is not list:
        return value
    return [_said_by(item) if isinstance(item, BaseModel) else item for item in value]


def _said_by(item: BaseModel) -> dict[str, Any]:
    kind = getattr(item, "type", None)
    return ({"type": kind} if kind is not None else {}) | _said(item, item.__dict__.keys())


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


@cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {name: field.get_default(call_default_factory=True, validated_data={}) for name, field in fields}


def _encoded(tree: Any, said: Any, limit: str, allowed: int) -> Encoded:
    body = dumps(tree)
    size = len(body) if body.isascii() else len(body.encode())
    if size > allowed:
        raise PayloadTooLarge(limit, allowed=allowed, actual=size)
    return Encoded(body, size, digest_of(said))


def _object(body: str, names: Sequence[str]) -> dict[str, Any]:
    tree = loads(body)
    if type(tree) is not dict or not tree.keys() <= set(names):
        raise CorruptRecord("not the body that was expected.")
    return tree


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body belongs: what a seal binds it to."""

    tenant: str
    session_id: str
    kind: str
    id: str


class Codec(Protocol):
    """What stands between bodies and the store, on every backend: nothing now, sealing later."""

    def index(self, field: str, value: str) -> str:
        """What stands in the column of a searchable field (``user_id``, ``agent``), and in queries."""
        ...

    async def seal(self, bodies: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """What is stored in place of these bodies."""
        ...

    async def open(self, sealed: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """The bodies of what is stored."""
        ...


class Plain:
    """Bodies are stored as they are."""

    def index(self, field: str, value: str) -> str:  # noqa: ARG002
        """The value itself."""
        return value

    async def seal(self, bodies: Sequence[str], places: Sequence[Place]) -> Sequence[str]:  # noqa: ARG002
        """The bodies themselves."""
        return bodies

    async def open(self, sealed: Sequence[str], places: Sequence[Place]) -> Sequence[str]:  # noqa: ARG002
        """The bodies themselves."""
        return sealed
