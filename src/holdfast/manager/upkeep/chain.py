"""A chain of lines: one JSON object each, in ASCII, closed by a digest that runs over all lines up to it.

So a line that was changed, left out or put in is found when it is read, and not only at the end.
"""

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from holdfast.errors import HoldfastError

__all__ = ["Chain", "Damaged", "parse", "reading"]

_to_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode


class Damaged(Exception):
    """A line is not what an export has written there. The text says why, and nothing of the line."""


class Chain:
    """The running digest of an export's lines."""

    def __init__(self) -> None:
        self._digest = ""

    def close(self, fields: dict[str, Any]) -> str:
        """The next line: these fields, and the digest behind them."""
        said = _to_ascii(fields)[:-1]
        return said + self._ending(said)

    def open(self, line: str) -> dict[str, Any]:
        """The fields of the next line.

        Raises:
            Damaged: It was changed, or it is not the next one.
        """
        fields = parse(line)
        said = line[: line.rfind(",")]
        with reading():
            ending = self._ending(said)
        if line != said + ending:
            raise Damaged("it was changed, or a line in front of it is missing")
        del fields["digest"]
        return fields

    def _ending(self, said: str) -> str:
        self._digest = hashlib.blake2b((self._digest + said).encode(), digest_size=16).hexdigest()
        return f',"digest":"{self._digest}"}}'


def parse(line: str) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        Damaged: It is none.
    """
    with reading():
        fields = json.loads(line, parse_constant=_no_constant)
    if type(fields) is not dict:
        raise Damaged("it is no JSON object")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(name)


@contextmanager
def reading() -> Generator[None]:
    """Reading what an export should have written: what it raises may quote the line, and becomes ``Damaged``."""
    try:
        yield
    except (HoldfastError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Damaged("it cannot be read") from None
