"""Regenerating: a turn that takes the place of the last one."""

from itertools import takewhile
from typing import Any

from holdfast.errors import InvalidArgument, NotFound
from holdfast.manager.live.handle import Handle
from holdfast.manager.live.writing import Writing
from holdfast.manager.upkeep.rewinding import last_turn, positions
from holdfast.models import Message

__all__ = ["Regeneration"]

_ASKING = ("user", "system", "developer")  # who speaks before the answers


class Regeneration:
    """What a turn takes over from the last one, and what it removes."""

    def __init__(self, handle: Handle[Any], writing: Writing) -> None:
        self._handle = handle
        self._writing = writing
        self._kept: list[str] = []  # the messages with which both begin

    async def begin(self) -> tuple[Message, ...]:
        """Begin with what the user has said in the last turn; all that followed is to go.

        Returns:
            The last turn as it was.

        Raises:
            InvalidArgument: There is none, or others have spoken in the middle of it.
            NotFound: The session is gone.
        """
        handle, draft = self._handle, self._writing.draft
        await handle.outbox.store_all()
        session = await handle.context.adapter.sessions.get(handle.id)
        if session is None and handle.held.session.version:
            raise NotFound(f"Session {handle.id!r}.")
        replaced = () if session is None else await last_turn(handle.context.adapter, handle.id)
        if session is None or not replaced:
            raise InvalidArgument(f"Session {handle.id!r} has no turn to regenerate.")
        self._writing.replace_tail(positions(replaced), session.last_seq)
        asked = takewhile(lambda message: message.role in _ASKING, replaced)
        self._kept = [draft.add(message).id for message in asked]
        draft.refresh = self._refresh
        return replaced

    async def _refresh(self) -> None:
        """What is kept of the last turn may have been redacted, or removed, since it was read."""
        adapter, draft = self._handle.context.adapter, self._writing.draft
        for message_id in self._kept:
            draft.say_again(message_id, await adapter.messages.get(self._handle.id, message_id))
