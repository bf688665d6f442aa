"""Cursors: a place in a walk as an opaque string, good in other processes, bound to its query."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from holdfast.errors import InvalidArgument

__all__ = ["read_cursor", "write_cursor"]

_SEAL = 6  # bytes; against mix-ups, not against forgery: a cursor opens nothing that its query does not


def write_cursor(binding: list[Any], place: list[Any]) -> str:
    """The cursor of a place.

    Args:
        binding: What the cursor is good for: its tenant, its query.
        place: Where it points, as JSON values.
    """
    text = json.dumps(place, separators=(",", ":")).encode()
    return urlsafe_b64encode(_seal(binding, text) + text).decode().rstrip("=")


Kind = type | tuple[type, ...]


def read_cursor(cursor: object, binding: list[Any], kinds: Sequence[Kind]) -> list[Any]:
    """The place of a cursor.

    Args:
        cursor: What ``write_cursor`` gave.
        binding: What it was bound to.
        kinds: The types of the place's values. Anybody can make a cursor, so nothing in one is trusted.

    Raises:
        InvalidArgument: It is no cursor, or belongs to another query or tenant.
    """
    if type(cursor) is not str:
        raise InvalidArgument("A cursor is a str, as it was given in Page.next.")
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        sealed, text = raw[:_SEAL], raw[_SEAL:]
        place: Any = json.loads(text) if sealed == _seal(binding, text) else None
    except (ValueError, RecursionError):
        place = None
    if type(place) is not list or not _fits(place, kinds):
        raise InvalidArgument("This is no cursor of this query.")
    return place


def _fits(place: list[Any], kinds: Sequence[Kind]) -> bool:
    wanted = [kind if isinstance(kind, tuple) else (kind,) for kind in kinds]
    return len(place) == len(wanted) and all(type(one) in kind for one, kind in zip(place, wanted, strict=True))


def _seal(binding: list[Any], text: bytes) -> bytes:
    bound = json.dumps(binding, separators=(",", ":")).encode()
    return hashlib.blake2b(text, digest_size=_SEAL, key=hashlib.blake2b(bound, digest_size=32).digest()).digest()
