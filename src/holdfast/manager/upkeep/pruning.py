"""Pruning: which of the oldest messages may go, so that whole turns stay, and no tool result without its call."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import groupby
from typing import TYPE_CHECKING

from holdfast.models import Message
from holdfast.parts import ToolCall, ToolResult

if TYPE_CHECKING:
    from holdfast.repositories import Adapter

__all__ = ["last_to_go"]


async def last_to_go(adapter: "Adapter", session_id: str, keep: int) -> int:
    """The position up to which all messages may go; 0 if all of them stay.

    Raises:
        NotFound: There is no such session.
        CorruptRecord: A message that had to be read does not decode.
    """
    kept = _Kept(keep)
    async with aclosing(_turns_back(adapter, session_id)) as turns:
        async for turn in turns:
            if kept.is_enough:
                return kept.first - 1
            kept.look_at(turn)
    return kept.first - 1 if kept.passed else 0


async def _turns_back(adapter: "Adapter", session_id: str) -> AsyncGenerator[Sequence[Message]]:
    """The turns of a session, newest first; the messages of each oldest first."""
    page = await adapter.messages.find(session_id, last=_page_size(adapter), align="turn")
    while True:
        for turn in reversed([list(group) for _, group in groupby(page, key=lambda one: one.turn_id)]):
            yield turn
        if page.next is None:
            return
        page = await adapter.messages.find(session_id, cursor=page.next)  # its pages are whole turns too


def _page_size(adapter: "Adapter") -> int:
    return min(adapter.limits.page_default, adapter.limits.page)


class _Kept:
    """What stays, as it grows back turn by turn.

    Ids of calls may be used again in a later turn, as some providers do; so a result belongs to the nearest call
    in front of it, and the walk goes backwards.

    Attributes:
        first: The position of the first message that stays.
        passed: Whether an older turn was looked at that need not stay.
    """

    def __init__(self, keep: int) -> None:
        self.first = 0
        self.passed = False
        self._missing = keep  # how many messages are to stay beside those that do
        self._wanted: set[str] = set()  # calls that what stays has answered, and that were not seen yet
        self._passed_wanted: set[str] = set()  # the same of the turns that were passed

    @property
    def is_enough(self) -> bool:
        """Whether nothing older has to stay."""
        return self._missing <= 0 and not self._wanted

    def look_at(self, turn: Sequence[Message]) -> None:
        """Go one turn further back; it stays if it is needed, with all that was passed on the way."""
        found = self._calls_found(turn)
        if self._missing <= 0 and not found:
            self.passed = True
            return
        self._wanted = (self._wanted - found) | self._passed_wanted
        self._passed_wanted = set()
        self._missing -= len(turn)
        self.first, self.passed = turn[0].seq or 0, False  # a stored message has a position

    def _calls_found(self, turn: Sequence[Message]) -> set[str]:
        """The wanted calls that this turn makes; its own results are wanted from now on."""
        found: set[str] = set()
        for message in reversed(turn):
            for part in reversed(message.content if isinstance(message.content, list) else ()):
                if isinstance(part, ToolResult):
                    self._passed_wanted.add(part.call_id)
                elif isinstance(part, ToolCall):
                    self._passed_wanted.discard(part.id)
                    found |= {part.id} & self._wanted
        return found
