"""Holdfast as a user has it: the public interface, opened by a URL with the default options."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import holdfast
from benchmarks.contender import USER, Said, State, Stored
from holdfast import Adapter, Message, Session, SessionInfo, SessionQuery, Turn

__all__ = ["Ours"]

_WAVE = 256  # sessions created at once


class Ours:
    """``Contender`` over an adapter.

    Messages are built from role and content inside each call: a user pays for it too.
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        # What a program has in hand: the sessions that it has loaded or created.
        self._sessions: dict[str, Session] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator[Self]:
        """Open an adapter, and close it at the end."""
        async with holdfast.open(url) as adapter:
            yield cls(adapter)

    async def create(self, session_ids: Sequence[str]) -> None:
        """See ``Contender.create``."""
        new = [Session(id=session_id, user_id=USER) for session_id in session_ids]
        for start in range(0, len(new), _WAVE):
            saves = (self._adapter.sessions.save(session) for session in new[start : start + _WAVE])
            saved = await asyncio.gather(*saves)
            self._sessions.update((session.id, session) for session in saved)

    async def append(self, session_id: str, said: Sequence[Said]) -> Sequence[int]:
        """See ``Contender.append``."""
        return _seqs(await self._adapter.messages.append(session_id, _messages(said)))

    async def turn(self, session_id: str, said: Sequence[Said], state: State, version: int) -> Sequence[int]:
        """See ``Contender.turn``."""
        session = self._sessions[session_id]
        session.data = state
        turn = Turn(session_id=session_id, messages=_messages(said), session=session, expected=version)
        return _seqs((await self._adapter.commit(turn)).messages)

    async def save(self, session_id: str, state: State, version: int) -> None:
        """See ``Contender.save``."""
        session = self._sessions[session_id]
        session.data = state
        await self._adapter.sessions.save(session, expected=version)

    async def load(self, session_id: str) -> tuple[State, int]:
        """See ``Contender.load``."""
        session = await self._adapter.sessions.get(session_id)
        if session is None:
            raise LookupError(session_id)
        return session.data, session.version

    async def newest(self, session_id: str, count: int) -> Sequence[Message]:
        """See ``Contender.newest``."""
        return (await self._adapter.messages.find(session_id, last=count)).items

    async def page(self, session_id: str, after: int, count: int) -> Sequence[Message]:
        """See ``Contender.page``."""
        return (await self._adapter.messages.find(session_id, after=after, limit=count)).items

    async def listing(self, count: int) -> Sequence[SessionInfo]:
        """See ``Contender.listing``."""
        return (await self._adapter.sessions.find(SessionQuery(user_id=USER, limit=count))).items

    def stored(self, message: Any) -> Stored:
        """See ``Contender.stored``."""
        return Stored(message.seq, message.text)

    def session_id(self, session: Any) -> str:
        """See ``Contender.session_id``."""
        return str(session.id)


def _messages(said: Sequence[Said]) -> list[Message]:
    return [Message(**one) for one in said]


def _seqs(messages: Sequence[Message]) -> list[int]:
    return [message.seq or 0 for message in messages]
