"""What every contender can do: the same job, by whatever means."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import holdfast

__all__ = ["OURS", "RIVALS", "STALE", "USER", "Backend", "Contender", "Opener", "Said", "Stale", "State", "Stored"]

OURS = "ours"
RIVALS = ("straight", "coalesced")
USER = "jane"
"""Whose all sessions are."""

Said = Mapping[str, Any]
"""A message as a program has it: role and content, and an id where it brings one."""
State = dict[str, Any]


class Stored(NamedTuple):
    """What a stored message says, in one form for all contenders."""

    seq: int
    content: str


class Stale(Exception):
    """Another version is there than the one that a write expects."""


STALE = (Stale, holdfast.VersionConflict)


class Contender(Protocol):
    """One way to keep sessions, messages and state on a backend.

    A write returns when it is durable. Messages get the positions 1, 2, 3… of their session; a message whose id is
    there already keeps its position and is stored once. A session's version is 1 at first, and rises by 1 with
    every state; a state is stored only over the version that it expects.
    """

    async def create(self, session_ids: Sequence[str]) -> None:
        """Create sessions of ``USER`` without messages, in this order, each with an empty state; never timed."""
        ...

    async def append(self, session_id: str, said: Sequence[Said]) -> Sequence[int]:
        """Store messages, all or none, and give their positions."""
        ...

    async def turn(self, session_id: str, said: Sequence[Said], state: State, version: int) -> Sequence[int]:
        """Store messages and the state that they leave behind, both or neither, and give the positions."""
        ...

    async def save(self, session_id: str, state: State, version: int) -> None:
        """Store a state."""
        ...

    async def load(self, session_id: str) -> tuple[State, int]:
        """The state, and its version."""
        ...

    async def newest(self, session_id: str, count: int) -> Sequence[Any]:
        """The newest messages, oldest first, as this contender gives them to its user."""
        ...

    async def page(self, session_id: str, after: int, count: int) -> Sequence[Any]:
        """The oldest messages behind a position, likewise."""
        ...

    async def listing(self, count: int) -> Sequence[Any]:
        """The sessions of ``USER`` that were written last, without their state."""
        ...

    def stored(self, message: Any) -> Stored:
        """One of the messages that ``newest`` and ``page`` give, in the common form."""
        ...

    def session_id(self, session: Any) -> str:
        """The id of one of the sessions that ``listing`` gives."""
        ...


Opener = Callable[[Path], AbstractAsyncContextManager[Contender]]
"""Opens a contender on a fresh database of its own; the folder is empty, and removed afterwards."""


@dataclass(frozen=True)
class Backend:
    """A backend with its contenders.

    Attributes:
        contenders: By name: ``OURS`` and the ``RIVALS``.
        versions: What else the figures depend on: versions of server and driver.
    """

    contenders: Mapping[str, Opener]
    versions: Callable[[], Mapping[str, str]]
