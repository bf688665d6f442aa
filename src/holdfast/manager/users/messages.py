"""The messages of one user's sessions, as if there were no others."""

from collections.abc import Sequence
from typing import Literal

from holdfast.errors import NotFound
from holdfast.ids import check_id, new_id
from holdfast.manager.copies import copied_message, copied_turn
from holdfast.manager.users.ownership import Ownership
from holdfast.models import Committed, Message, Page, Turn

__all__ = ["UserMessages", "commit_by_key"]


class UserMessages:
    """``MessageRepository`` of one user; the contract is the protocol's.

    Writes are turns that name the life that was checked, so that they can reach no other one.
    """

    def __init__(self, own: Ownership) -> None:
        self._own = own
        self._messages = own.adapter.messages

    async def append(
        self,
        session_id: str,
        messages: Sequence[Message],
        *,
        turn_id: str | None = None,
        last_seq: int | None = None,
    ) -> Sequence[Message]:
        """See ``MessageRepository.append``."""
        turn_id = new_id() if turn_id is None else turn_id
        turn = Turn(id=turn_id, session_id=session_id, messages=messages, last_seq=last_seq)
        return (await commit_by_key(self._own, turn)).messages

    async def find(
        self,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        last: int | None = None,
        limit: int | None = None,
        align: Literal["turn"] | None = None,
        cursor: str | None = None,
        on_corrupt: Literal["raise", "report"] = "raise",
    ) -> Page[Message]:
        """See ``MessageRepository.find``."""

        async def page() -> Page[Message]:
            return await self._messages.find(
                session_id,
                after=after,
                before=before,
                last=last,
                limit=limit,
                align=align,
                cursor=cursor,
                on_corrupt=on_corrupt,
            )

        return await self._own.read(check_id(session_id, "session_id"), page)

    async def get(self, session_id: str, message_id: str) -> Message | None:
        """See ``MessageRepository.get``."""
        check_id(message_id, "message_id")
        return await self._own.read(
            check_id(session_id, "session_id"), lambda: self._messages.get(session_id, message_id)
        )

    async def remove(self, session_id: str, *, after: int, through: int, turn_id: str | None = None) -> int:
        """See ``MessageRepository.remove``."""
        turn_id = new_id() if turn_id is None else turn_id
        turn = Turn(id=turn_id, session_id=session_id, remove=(after, through))
        return (await commit_by_key(self._own, turn)).removed

    async def replace(self, session_id: str, message: Message) -> Message:
        """See ``MessageRepository.replace``.

        The protocol takes no key here. So the session is looked up right before, and again after: what another
        user's life holds is never answered. But if the user's session is deleted, and its id begun anew by
        somebody else, between that look and the write, a message of the very same id there is replaced.
        """
        check_id(session_id, "session_id")
        said = copied_message(message, self._own.adapter.limits)
        key = await self._own.key_of(session_id)
        return await self._own.read(session_id, lambda: self._messages.replace(session_id, said), key=key)


async def commit_by_key(own: Ownership, turn: Turn) -> Committed:
    """Commit a turn without a state to a life that is the user's.

    Raises:
        NotFound: The session is not there, not his, or has begun another life than the turn's.
    """
    session_id = check_id(turn.session_id, "session_id")
    if turn.key is not None:
        check_id(turn.key, "key")
    if not own.knows(session_id, turn.key):
        turn = copied_turn(turn, own.adapter.limits)  # it waits for a look at the session, at least at times

    async def commit(key: str) -> Committed:
        if turn.key not in {None, key}:
            raise NotFound(f"Session {session_id!r}.")
        return await own.adapter.commit(turn.model_copy(update={"key": key}))

    return await own.write(session_id, commit)
