"""Identifiers: what is legal, new ones, and one id made of several."""

import hashlib
import os
import re
import time
from threading import Lock

from holdfast.errors import InvalidIdentifier

__all__ = ["MAX_ID_BYTES", "check_id", "join", "new_id", "new_key"]

MAX_ID_BYTES = 255
"""The longest identifier, in UTF-8 bytes."""

# C0 and C1 controls, lone surrogates, and the characters that turn text around (Unicode TR9):
# they forge log lines and deceive readers, and some backends cannot store them.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_HASHED = "~#"  # never in an unhashed join: there a "~" is followed by "~" or "."


def check_id(value: object, name: str) -> str:
    """Return an identifier unchanged if it is legal.

    Legal is a ``str`` (no subclass) of 1 to 255 UTF-8 bytes without control characters, lone
    surrogates and bidi controls. Anything else is legal and harmless: ``:``, ``{}``, ``*``, ``../``,
    a trailing space. Identifiers are compared byte by byte: never trimmed, folded or normalised.

    Args:
        value: The identifier.
        name: What the caller calls it, for the error's text.

    Raises:
        InvalidIdentifier: It is not legal.
    """
    if type(value) is not str:
        raise InvalidIdentifier(f"{name} is {type(value).__name__}, not str.")
    if not value:
        raise InvalidIdentifier(f"{name} is empty.")
    if value.isspace():
        raise InvalidIdentifier(f"{name} is blank.")
    found = _FORBIDDEN.search(value)
    if found:
        raise InvalidIdentifier(f"{name} holds U+{ord(found[0]):04X} at {found.start()}.")
    size = len(value) if value.isascii() else len(value.encode())
    if size > MAX_ID_BYTES:
        raise InvalidIdentifier(f"{name} has {size:,} bytes.")
    return value


def join(*parts: str) -> str:
    """Make one identifier of several, so that different parts never give the same one.

    Frameworks name a session by user, app and thread; joined, their parts may be longer than one
    identifier (268 characters were seen). Above 255 bytes the result is a readable prefix and a hash.

    Args:
        *parts: Any strings without forbidden characters; a part may be empty.

    Raises:
        InvalidIdentifier: No part has a character, or one holds a forbidden character.
    """
    joined = ":".join(part.replace("~", "~~").replace(":", "~.") for part in parts)
    if _FORBIDDEN.search(joined) or len(joined) <= MAX_ID_BYTES // 4:
        return check_id(joined, "join(…)")
    raw = joined.encode()
    if len(raw) <= MAX_ID_BYTES:
        return check_id(joined, "join(…)")
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    prefix = raw[: MAX_ID_BYTES - len(_HASHED) - len(digest)].decode("utf-8", "ignore").rstrip("~")
    return check_id(f"{prefix}{_HASHED}{digest}", "join(…)")


def new_key() -> str:
    """A new session key: 128 random bits, which tell one life of a session id from the next."""
    return os.urandom(16).hex()


_lock = Lock()
_last = 0


def new_id() -> str:
    """A new UUIDv7 (RFC 9562, 5.7): unique everywhere, and rising within this process.

    The 12 bits after the milliseconds carry their fraction (method 3 of RFC 9562, 6.2). It is for people
    and indexes only: nothing in holdfast takes an order from an identifier.
    """
    global _last  # noqa: PLW0603 - one clock a process
    with _lock:
        ticks = time.time_ns() * 4096 // 1_000_000
        _last = ticks = max(ticks, _last + 1)
    millis, fraction = divmod(ticks, 4096)
    tail = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    text = f"{millis & 0xFFFF_FFFF_FFFF:012x}7{fraction:03x}{tail:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
