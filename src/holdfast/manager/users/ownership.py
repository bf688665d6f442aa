"""Whose a session is: asked before it is touched, and remembered, since a life never changes its user."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdfast.errors import CorruptRecord, CursorLost, NotFound, SessionFenced
from holdfast.models import SessionInfo, Turn
from holdfast.repositories import Adapter

__all__ = ["Denied", "Ownership"]

R = TypeVar("R")

Denied = Callable[[str], Awaitable[None]]
"""Called with a session's id when it is there, but belongs to somebody else."""

_REMEMBERED = 1024  # sessions whose last key is known to be the user's


class Ownership:
    """What one user owns, behind one adapter."""

    def __init__(self, adapter: Adapter, user_id: str, denied: Denied | None) -> None:
        self.adapter = adapter
        self.user_id = user_id
        self.denied = denied
        self._keys: OrderedDict[str, str] = OrderedDict()  # by session id, the last life seen to be the user's

    def knows(self, session_id: str, key: str | None) -> bool:
        """Whether this is the last life of the session that was seen to be the user's."""
        return key is not None and self.seen(session_id) == key

    def seen(self, session_id: str) -> str | None:
        """The key of the last life of the session that was seen to be the user's; it may be over."""
        if session_id in self._keys:
            self._keys.move_to_end(session_id)
        return self._keys.get(session_id)

    def remember(self, info: SessionInfo) -> None:
        """Note the life of a session that is the user's."""
        if info.key is not None:
            self._keys[info.id] = info.key
            self._keys.move_to_end(info.id)
            while len(self._keys) > _REMEMBERED:
                self._keys.popitem(last=False)

    async def admits(self, info: SessionInfo) -> bool:
        """Whether a session that is there is the user's; if it is not, ``denied`` is told."""
        if info.user_id == self.user_id:
            self.remember(info)
            return True
        if self.denied is not None:
            await self.denied(info.id)
        return False

    async def key(self, session_id: str) -> str | None:
        """The key of the session's life, if it is there now and the user's."""
        info = await self._envelope(session_id)
        return info.key if info is not None and await self.admits(info) else None

    async def key_of(self, session_id: str) -> str:
        """The key of the session's life.

        Raises:
            NotFound: It is not there, or not the user's.
            SessionExpired: It was seen to be the user's, and its lifetime is over.
        """
        seen = self.seen(session_id)
        key = await self.key(session_id)
        if key is None and seen is not None:
            # Only the adapter can tell an expired life from a deleted one: a turn of nothing asks it.
            key = (await self.adapter.commit(Turn(session_id=session_id, key=seen))).session.key
        if key is None:
            raise NotFound(f"Session {session_id!r}.")
        return key

    async def is_taken(self, session_id: str) -> bool:
        """Whether a session is there that is not the user's; ``denied`` is not told."""
        try:
            info: SessionInfo | None = await self.adapter.sessions.get(session_id)
        except CorruptRecord:
            info = await self._without_state(session_id)
            if info is None:
                return True  # whose it is cannot be told
        return info is not None and info.user_id != self.user_id

    async def tell(self, session_id: str) -> None:
        """A write was refused: tell ``denied``, if that is because the session is somebody else's."""
        if self.denied is not None:
            await self.key(session_id)

    async def read(self, session_id: str, call: Callable[[], Awaitable[R]], *, key: str | None = None) -> R:
        """What a call reads from a session: never from the life of another user.

        A life that is there before and after the call was there during it. What was seen earlier is good enough
        for "before", so that only one look is needed; what the call found is dropped if it was another life.

        Args:
            session_id: The session.
            call: Reads; it may be called again.
            key: The life that is there, if it was just looked up.

        Raises:
            NotFound: It is not there, or not the user's.
        """
        before = key or self.seen(session_id) or await self.key_of(session_id)
        while True:
            try:
                found = await call()
            except (NotFound, CursorLost, CorruptRecord):
                now = await self.key_of(session_id)
                if now == before:
                    raise
            else:
                now = await self.key_of(session_id)
                if now == before:
                    return found
            before = now

    async def write(self, session_id: str, call: Callable[[str], Awaitable[R]]) -> R:
        """What a call answers that writes to the life whose key it is given, and to no other.

        Raises:
            NotFound: It is not there, or not the user's.
        """
        key = self.seen(session_id) or await self.key_of(session_id)
        while True:
            try:
                return await call(key)
            except NotFound:
                now = await self.key(session_id)
                if now is None or now == key:
                    raise
                key = now  # the user's too, and begun since this one was seen; nothing was written to that one

    async def _envelope(self, session_id: str) -> SessionInfo | None:
        try:
            return await self.adapter.sessions.get(session_id)
        except CorruptRecord:
            return await self._without_state(session_id)

    async def _without_state(self, session_id: str) -> SessionInfo | None:
        """The session of a state that cannot be read; a turn of nothing answers without it."""
        try:
            return (await self.adapter.commit(Turn(session_id=session_id))).session
        except (NotFound, SessionFenced):
            return None  # whose it is cannot be told, so it is shown to nobody
