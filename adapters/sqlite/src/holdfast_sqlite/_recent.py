"""What a session remembers of recent turns: a line of JSON each, so that one is added without reading the rest."""

import json
import re

from holdfast.errors import CorruptRecord
from holdfast.toolkit import REMEMBERED, Recent

__all__ = ["add_turn", "mentions", "read_turns"]


_LINES = re.compile(r'(\["[^\n]*\](\n(?=\[)|$))*')


def mentions(text: str, turn_id: str) -> bool:
    """Whether this turn may be among them. It may where the text is damaged, and whoever reads it will say so."""
    return json.dumps(turn_id) in text or not _LINES.fullmatch(text)


def read_turns(text: str, session_id: str) -> tuple[Recent, ...]:
    """All of them, the oldest first.

    Raises:
        CorruptRecord: They cannot be read.
    """
    try:
        entries = (json.loads(line) for line in text.splitlines())
        return tuple(Recent(turn, part, bytes.fromhex(hex_), *rest) for turn, part, hex_, *rest in entries)
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptRecord("its recent turns.", session_id=session_id) from error


def add_turn(text: str, turn: Recent) -> str:
    """The text with one more, and without the oldest if they are too many."""
    line = json.dumps([turn.turn_id, turn.segment, turn.digest.hex(), *turn[3:]], separators=(",", ":"))
    return "\n".join([*text.splitlines(), line][-REMEMBERED:])
