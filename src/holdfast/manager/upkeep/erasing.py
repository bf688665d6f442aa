"""Erasing a user: all of his sessions are deleted, pass by pass, until a pass finds none."""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from holdfast.clock import Clock, utc
from holdfast.errors import InvalidArgument, SessionFenced
from holdfast.ids import check_id
from holdfast.manager.upkeep.walking import family, pages
from holdfast.models import Page, SessionInfo, SessionQuery
from holdfast.repositories import Adapter

__all__ = ["Erased", "erase_user"]

_NAMED = 20  # how many ids an error names


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did.

    Nothing of the user is left that was there when the last pass began: what is left was created after it, or
    was just being stored, and then its ``created_at`` may be a moment earlier.

    Attributes:
        user_id: Whose sessions were erased.
        sessions: About how many sessions died, with those below them, whoever their user was. What expired
            before has died already: it is freed, and only its top is counted.
        messages: About how many messages they held; what was appended or removed meanwhile is not counted.
        passes: How many passes there were.
        finished: Whether the last pass found nothing. If not, somebody keeps creating sessions for this user.
        last_pass_at: When the last pass began, by the clock.
    """

    user_id: str
    sessions: int
    messages: int
    passes: int
    finished: bool
    last_pass_at: datetime


async def erase_user(adapter: Adapter, user_id: str, *, clock: Clock, passes: int = 10) -> Erased:
    """Delete all sessions of a user, their messages, and what hangs below them.

    Each pass walks those that are there, a page at a time, and deletes each by its key: what is created under its
    id meanwhile is left to the next pass.
    At the end ``sweep`` frees what deletions have left that broke off, of this user or of others. It is safe to
    run again, after any error; until it returns, it is not done.

    Args:
        adapter: Where the sessions are. Where its listings lag (no ``LISTING_EXACT``), the promise is theirs.
        user_id: The user.
        clock: Tells when a pass begins.
        passes: At most so many passes, if others create sessions for him meanwhile.

    Raises:
        InvalidArgument: ``user_id`` is no identifier, or ``passes`` no positive integer.
        SessionFenced: Some sessions are fenced, which the error names; all others are erased.
        OutcomeUnknown: No answer came; run it again.
    """
    check_id(user_id, "user_id")
    if type(passes) is not int or passes < 1:
        raise InvalidArgument("passes must be a positive integer.")
    erasure = _Erasure(adapter, user_id, clock)
    while await erasure.finds() and erasure.passes < passes:
        pass
    while await adapter.sweep():
        pass
    return erasure.result()


class _Erasure:
    """The passes over one user's sessions, and what they have counted."""

    _began: datetime  # the last pass

    def __init__(self, adapter: Adapter, user_id: str, clock: Clock) -> None:
        self.passes = 0
        self._adapter = adapter
        self._user_id = user_id
        self._clock = clock
        self._sessions = self._messages = self._found = self._fenced = 0
        self._names: list[str] = []  # of the fenced, the first ones

    async def finds(self) -> bool:
        """One pass; whether there was anything to erase."""
        self._found = self._fenced = 0
        self._names = []
        self._began = utc(self._clock())
        self.passes += 1
        query = SessionQuery(user_id=self._user_id, nested=True, include_expired=True, order="created")
        async with aclosing(pages(self._adapter, query)) as found:
            async for page in found:
                for info in page:
                    await self._erase(info)
                if self._is_new(page):
                    break
        return self._found > 0

    def _is_new(self, page: Page[SessionInfo]) -> bool:
        """Whether all that follows was created since the pass began: whoever is faster must not hold it up."""
        created_at = page.items[-1].created_at if page.items else None
        return created_at is not None and created_at > self._began

    async def _erase(self, info: SessionInfo) -> None:
        sessions = messages = 0
        async for member in family(self._adapter, info):
            sessions += 1
            messages += member.message_count
        try:
            died = await self._adapter.sessions.delete(info.id, key=info.key)
        except SessionFenced:
            self._fenced += 1
            self._names += [info.id][: _NAMED - len(self._names)]
            return
        self._found += 1
        if died or self._expired(info):
            self._sessions += sessions
            self._messages += messages

    def _expired(self, info: SessionInfo) -> bool:
        """Deleting what has expired tells that there was none, though its rows were there until now."""
        return info.expires_at is not None and info.expires_at <= self._began

    def result(self) -> Erased:
        """What all passes did.

        Raises:
            SessionFenced: Some of the user's sessions are left.
        """
        if self._fenced:
            names = ", ".join(map(repr, self._names)) + (", …" if self._fenced > len(self._names) else "")
            raise SessionFenced(f"{self._fenced} of this user's sessions are not erased: {names}.")
        return Erased(
            user_id=self._user_id,
            sessions=self._sessions,
            messages=self._messages,
            passes=self.passes,
            finished=not self._found,
            last_pass_at=self._began,
        )
