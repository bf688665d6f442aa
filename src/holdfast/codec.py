"""From models to what stores keep, and back; digests; and the place where bodies will be sealed.

A body is JSON text, opaque to every adapter. It keeps the caller's key order, since reordering a tool call's
arguments changes prompts; canonical order is for digests alone. What is absent and what has its default
value are the same, so that a later field changes no digest.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, TypeAdapter, ValidationError

from holdfast.capabilities import Limits
from holdfast.errors import CorruptRecord, InvalidArgument, PayloadTooLarge, UnserializableValue
from holdfast.ids import check_id
from holdfast.models import Message, RouteVisit, Session
from holdfast.parts import KNOWN_TYPES, PART_TYPES, Other, Part
from holdfast.strict import assembled, remade
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
    fields = _kept(message, _MESSAGE_FIELDS)
    _check_kinds(fields, path)
    if message.user_id is not None:
        check_id(message.user_id, f"{path}.user_id")
    if "content" in fields:
        fields["content"] = _parts_said(message.content, path)
    tree = _packed(fields, path, limits, ("message_bytes", limits.message_bytes))
    return _encoded(tree, {**tree, "role": message.role}, "message_bytes", limits.message_bytes)


def decode_message(body: str, **envelope: Any) -> Message:
    """The message of a row; ``envelope`` holds what the row's own columns say.

    Raises:
        CorruptRecord: It is not the body of a message.
    """
    said = _object(body, _MESSAGE_FIELDS)
    try:
        _check_kinds(said, "message")
    except UnserializableValue as error:
        raise CorruptRecord("not the fields of a message.") from error
    said |= envelope
    fields: dict[str, Any] = {**_defaults(Message), "metadata": {}, **said}
    if type(fields["content"]) is not str:
        try:
            fields["content"] = _parts().validate_python(fields["content"])
        except (ValidationError, InvalidArgument) as error:
            raise CorruptRecord("not the parts of a message.") from error
    return assembled(Message, fields, {"content", *said})


def encode_state(session: Session, limits: Limits) -> Encoded:
    """The state of a session as text.

    Raises:
        InvalidArgument: A field was changed to something that it cannot be.
        UnserializableValue: Something in it would not come back equal.
        PayloadTooLarge: It is over ``state_bytes``.
    """
    session = remade(session)
    fields = _kept(session, _STATE_FIELDS)
    if session.route_history:
        fields["route_history"] = [_said(remade(visit)) for visit in session.route_history]
    tree = _packed(fields, "session", limits, ("state_bytes", limits.state_bytes))
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


def _kept(model: BaseModel, names: Iterable[str]) -> dict[str, Any]:
    """Of these fields of a model those that say something: that have not their default values."""
    defaults, fields = _defaults(type(model)), model.__dict__
    return {name: fields[name] for name in names if name in fields and not _same(fields[name], defaults[name])}


def _said(model: BaseModel) -> dict[str, Any]:
    """All that a model says."""
    return _kept(model, model.__dict__) | (model.__pydantic_extra__ or {})


_OUR_LEVELS = {"content": 2, "route_history": 2}  # a list of objects is ours; what is in them is the user's


def _packed(fields: dict[str, Any], path: str, limits: Limits, limit: tuple[str, int]) -> dict[str, Any]:
    return {
        name: pack(value, f"{path}.{name}", depth=limits.depth + _OUR_LEVELS.get(name, 0), limit=limit)
        for name, value in fields.items()
    }


def _parts_said(content: Any, path: str) -> Any:
    if type(content) is str:
        return content
    if type(content) is not list:
        raise UnserializableValue(f"{path}.content", f"{type(content).__name__} is neither text nor parts")
    for index, part in enumerate(content):
        if type(part) not in PART_TYPES:
            raise UnserializableValue(f"{path}.content[{index}]", f"{type(part).__name__} is no part")
        if type(part) is Other and part.type in KNOWN_TYPES:
            raise UnserializableValue(f"{path}.content[{index}]", f"a part of the type {part.type!r} is no Other")
    return [{"type": part.type, **_said(remade(part))} for part in content]


_TEXTS = ("name", "route", "step", "user_id", "format")


def _check_kinds(said: Mapping[str, Any], path: str) -> None:
    # A message is frozen, but model_copy(update=…) checks nothing, and a stored one may be damaged.
    for name in _TEXTS:
        if type(said.get(name)) not in {str, type(None)}:
            raise UnserializableValue(f"{path}.{name}", f"{type(said[name]).__name__} is not str")
    if type(said.get("metadata", {})) is not dict:
        raise UnserializableValue(f"{path}.metadata", f"{type(said['metadata']).__name__} is not dict")


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


@cache
def _parts() -> TypeAdapter[list[Part]]:
    return TypeAdapter(list[Part])


@cache
def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {name: field.get_default(call_default_factory=True) for name, field in fields}


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
