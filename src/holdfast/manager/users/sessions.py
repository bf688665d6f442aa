"""The sessions of one user, as if there were no others."""

from dataclasses import replace

from holdfast.errors import CorruptRecord, InvalidArgument, NotFound
from holdfast.ids import check_id
from holdfast.manager.copies import copied_session
from holdfast.manager.users.ownership import Ownership
from holdfast.manager.users.saves import claimed, creates_child, stored
from holdfast.models import Expected, Page, Session, SessionInfo, SessionQuery
from holdfast.strict import remade

__all__ = ["UserSessions"]


class UserSessions:
    """``SessionRepository`` of one user; the contract is the protocol's."""

    def __init__(self, own: Ownership) -> None:
        self._own = own
        self._sessions = own.adapter.sessions

    async def get(self, session_id: str) -> Session | None:
        """See ``SessionRepository.get``."""
        try:
            session = await self._sessions.get(session_id)
        except CorruptRecord:
            return await self._get_again(session_id)
        return session if session is not None and await self._own.admits(session) else None

    async def _get_again(self, session_id: str) -> Session | None:
        """The same, where the state is corrupt: that is told to the one whose it is."""
        try:
            return await self._own.read(session_id, lambda: self._sessions.get(session_id))
        except NotFound:
            return None

    async def save(
        self, session: Session, *, expected: Expected | None = None, turn_id: str | None = None
    ) -> Session:
        """See ``SessionRepository.save``. A new session without a user is stored as this one's.

        Raises:
            InvalidArgument: A new session names another user.
        """
        mine = await claimed(self._own, session)
        if creates_child(mine, expected):
            mine = copied_session(mine, self._own.adapter.limits)
        return await stored(
            self._own, mine, expected, lambda: self._sessions.save(mine, expected=expected, turn_id=turn_id)
        )

    async def find(self, query: SessionQuery) -> Page[SessionInfo]:
        """See ``SessionRepository.find``. A query for another user's sessions finds none."""
        if type(query) is not SessionQuery:
            raise InvalidArgument(f"find takes a SessionQuery, not {type(query).__name__}.")
        query = remade(query)
        if query.user_id not in {None, self._own.user_id}:
            return Page()
        theirs = query.model_copy(update={"user_id": self._own.user_id})
        if query.parent is None:
            return await self._find(theirs)
        try:
            return await self._own.read(query.parent, lambda: self._find(theirs))
        except NotFound:
            return Page()

    async def _find(self, query: SessionQuery) -> Page[SessionInfo]:
        page = await self._sessions.find(query)
        # The query says it all; this is for an adapter that does not listen.
        return replace(page, items=tuple([info for info in page if info.user_id == self._own.user_id]))

    async def delete(
        self,
        session_id: str,
        *,
        key: str | None = None,
        expected: int | None = None,
        last_seq: int | None = None,
    ) -> bool:
        """See ``SessionRepository.delete``. Children die with their parent, whoever's they are."""
        check_id(session_id, "session_id")
        key = None if key is None else check_id(key, "key")

        async def end(life: str) -> bool:
            told = key in {None, life} and await self._sessions.delete(
                session_id, key=life, expected=expected, last_seq=last_seq
            )
            if not told:
                raise NotFound
            return told

        try:
            return await self._own.write(session_id, end)
        except NotFound:
            return False
