"""Pruning: which of the oldest messages may go, so that whole turns stay, and no tool result without its call.

The words of others may stand between two segments of a turn. So what is read are runs: adjacent messages of one
turn. One that begins with a later segment than 0 has another run of its turn in front of it, unless the segments
before it brought no messages, or were removed.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import groupby
from typing import Literal

from holdfast.models import Message
from holdfast.parts import ToolCall, ToolResult
from holdfast.repositories import Adapter

__all__ = ["last_to_go"]

_Need = tuple[Literal["call", "turn"], str | None]
"""A call, or an earlier run of a turn, by its id."""


async def last_to_go(adapter: Adapter, session_id: str, keep: int) -> int:
    """The position up to which all messages may go; 0 if all of them stay.

    Raises:
        NotFound: There is no such session.
        CorruptRecord: A message that had to be read does not decode.
    """
    kept = _Kept(keep)
    async with aclosing(_runs_back(adapter, session_id)) as runs:
        async for run in runs:
            if kept.is_enough:
                return kept.first - 1
            kept.look_at(run)
    return kept.first - 1 if kept.passed else 0


async def _runs_back(adapter: Adapter, session_id: str) -> AsyncGenerator[Sequence[Message]]:
    """The runs of a session, newest first; the messages of each oldest first."""
    page = await adapter.messages.find(session_id, last=_page_size(adapter), align="turn")
    while True:
        for run in reversed([list(group) for _, group in groupby(page, key=lambda one: one.turn_id)]):
            yield run
        if page.next is None:
            return
        page = await adapter.messages.find(session_id, cursor=page.next)  # its pages are whole runs too


def _page_size(adapter: Adapter) -> int:
    return min(adapter.limits.page_default, adapter.limits.page)


class _Kept:
    """What stays, as it grows back run by run.

    Ids of calls may be used again in a later turn, as some providers do; so a result belongs to the nearest call
    in front of it, and the walk goes backwards. So does a run to the nearest one of its turn.

    Attributes:
        first: The position of the first message that stays.
        passed: Whether an older run was looked at that need not stay.
    """

    def __init__(self, keep: int) -> None:
        self.first = 0
        self.passed = False
        self._missing = keep  # how many messages are to stay beside those that do
        self._wanted: set[_Need] = set()  # what those that stay need, and that was not seen yet
        self._passed_wanted: set[_Need] = set()  # the same of the runs that were passed

    @property
    def is_enough(self) -> bool:
        """Whether nothing older has to stay."""
        return self._missing <= 0 and not self._wanted

    def look_at(self, run: Sequence[Message]) -> None:
        """Go one run further back; it stays if it is needed, with all that was passed on the way."""
        found = self._found(run)
        if self._missing <= 0 and not found:
            self.passed = True
            return
        self._wanted = (self._wanted - found) | self._passed_wanted
        self._passed_wanted = set()
        self._missing -= len(run)
        self.first, self.passed = run[0].seq or 0, False  # a stored message has a position

    def _found(self, run: Sequence[Message]) -> set[_Need]:
        """What is wanted of this run: itself, or its calls. What it needs is wanted from now on."""
        found: set[_Need] = set()
        for message in reversed(run):
            for part in reversed(message.content if isinstance(message.content, list) else ()):
                if isinstance(part, ToolResult):
                    self._passed_wanted.add(("call", part.call_id))
                elif isinstance(part, ToolCall):
                    found |= self._met(("call", part.id))
        found |= self._met(("turn", run[0].turn_id))
        if run[0].segment:
            self._passed_wanted.add(("turn", run[0].turn_id))
        return found

    def _met(self, need: _Need) -> set[_Need]:
        self._passed_wanted.discard(need)
        return {need} & self._wanted
