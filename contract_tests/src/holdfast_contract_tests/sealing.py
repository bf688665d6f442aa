"""A codec for the second pass of many clauses: what is stored says nothing, and differs at every write."""

import base64
import hashlib
import os
from collections.abc import Sequence

from holdfast.codec import Place
from holdfast.errors import CorruptRecord

__all__ = ["Sealing"]


class Sealing:
    """Writes each body under a new nonce, bound to its place. It hides nothing from anybody: it is for tests."""

    def index(self, field: str, value: str) -> str:  # noqa: ARG002
        """The value itself."""
        return value

    async def seal(self, bodies: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """Each body with a new nonce, in letters that no parser takes for JSON."""
        return [_sealed(body, place) for body, place in zip(bodies, places, strict=True)]

    async def open(self, sealed: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """The bodies.

        Raises:
            CorruptRecord: A body was changed, or belongs to another place.
        """
        return [_opened(text, place) for text, place in zip(sealed, places, strict=True)]


def _tag(nonce: bytes, body: bytes, place: Place) -> bytes:
    said = repr((place.tenant, place.session_id, place.kind, place.id)).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(body + said, key=nonce, digest_size=16).digest()


def _sealed(body: str, place: Place) -> str:
    nonce, raw = os.urandom(16), body.encode()
    return "sealed." + base64.b85encode(nonce + _tag(nonce, raw, place) + raw).decode()


def _opened(text: str, place: Place) -> str:
    try:
        raw = base64.b85decode(text.removeprefix("sealed.").encode())
    except ValueError as error:
        raise CorruptRecord("the seal is broken.") from error
    nonce, tag, body = raw[:16], raw[16:32], raw[32:]
    if not text.startswith("sealed.") or tag != _tag(nonce, body, place):
        raise CorruptRecord("the seal is of another place, or broken.")
    return body.decode()
