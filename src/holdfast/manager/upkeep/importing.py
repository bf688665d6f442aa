"""Importing what an export has written: again and again with the same result, and over nothing that is there."""

from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from holdfast.capabilities import Limits
from holdfast.errors import DuplicateIdConflict, HoldfastError, InvalidArgument, NotFound, VersionConflict
from holdfast.ids import check_id, join
from holdfast.manager.upkeep.incoming import Incoming, incoming_sessions
from holdfast.manager.upkeep.matching import already_there, there_as_nobodys
from holdfast.models import Message, Session, SessionInfo, Turn
from holdfast.repositories import Adapter

__all__ = ["Imported", "import_user"]

_NAMED = 20  # how many refusals an error tells of, beside the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import has stored.

    Attributes:
        sessions: How many sessions it has created, or filled up where an earlier import broke off.
        messages: How many messages it has stored.
        present: How many sessions were there already, with all of their messages.
    """

    sessions: int
    messages: int
    present: int


async def import_user(
    adapter: Adapter,
    lines: Iterable[str] | AsyncIterable[str],
    *,
    user_id: str | None = None,
    beneath: Adapter | None = None,
) -> Imported:
    """Store what ``export_user`` has written.

    Ids, turns, order and times of messages, state, status and lifetimes come back as they were; versions,
    positions and the times of storing are the store's own. A session is stored once all of its lines were
    checked, and held until then. One that is there and differs is left alone; all others are stored, and then
    the error is raised. Where it ends early, for whatever reason, run it again: it goes on from there.

    A session whose lifetime is over by now is left out, with all below it. Times that an adapter gives lifetimes
    of its own move with each write, as ever.

    In a user's view all of them become his, those of nobody too, and nothing is reached that is not in the view.
    Only a session of nobody that is there below one of his counts as present, if nothing is missing of it: so
    what was exported in a view can be imported there as long as it is there, or once it is erased.

    Args:
        adapter: Where they are stored; it may be a view of ``user_id``.
        lines: The lines, such as an open file.
        user_id: Whose they become; without it, the user's whose they were. Those of nobody stay nobody's.
        beneath: What the view is a view of, if ``adapter`` is one.

    Raises:
        InvalidArgument: A line, which it names, is not what an export has written there, or the footer is
            missing. Sessions in front of it may be stored, each of them whole.
        PayloadTooLarge: Something is larger than this adapter takes; nothing of its session is stored.
        VersionConflict: A session is there with another state, or with other messages; it is left alone.
        DuplicateIdConflict: A message is there with other words; it is left alone.
        NotFound: A session is there and belongs to another user, or the parent of one is not there, or not in
            the view.
    """
    if isinstance(lines, str | bytes):
        raise InvalidArgument(f"lines is {type(lines).__name__}: give its lines, as text.splitlines() does.")
    if not hasattr(lines, "__iter__") and not hasattr(lines, "__aiter__"):
        raise InvalidArgument(f"lines is {type(lines).__name__}, and no lines.")
    if user_id is not None:
        check_id(user_id, "user_id")
    importing = _Import(adapter, user_id, beneath)
    claim = beneath is not None
    async with aclosing(incoming_sessions(lines, adapter.limits, user_id, claim=claim)) as sessions:
        async for incoming in sessions:
            await importing.try_to_store(incoming)
    return importing.result()


class _Import:
    """What was stored up to now."""

    def __init__(self, adapter: Adapter, user_id: str | None, beneath: Adapter | None) -> None:
        self._adapter = adapter
        self._user_id = user_id
        self._beneath = beneath
        self._sessions = self._messages = self._present = 0
        self._over: set[str] = set()  # sessions whose lifetime is over
        self._kept_out: set[str] = set()
        self._refused: list[HoldfastError] = []

    def result(self) -> Imported:
        """What was stored in all.

        Raises:
            HoldfastError: Why the first of the sessions was refused that are there and differ.
        """
        if self._refused:
            first, *others = self._refused
            for other in others:
                first.add_note(f"Refused as well: {other}")
            raise first
        return Imported(sessions=self._sessions, messages=self._messages, present=self._present)

    async def try_to_store(self, incoming: Incoming) -> None:
        """Store a session; one that is there and differs keeps out those below it, and no others."""
        session = incoming.session
        if session.parent_id in self._kept_out:
            self._kept_out.add(session.id)
            return
        try:
            await self.store(incoming)
        except (VersionConflict, DuplicateIdConflict, NotFound) as error:
            self._kept_out.add(session.id)
            if len(self._refused) <= _NAMED:
                self._refused.append(error)

    async def store(self, incoming: Incoming) -> None:
        """Store a session, or what is missing of it."""
        if await self._comes_with_its_parent(incoming):
            self._present += 1
            return
        stored = await self._adapter.sessions.get(incoming.session.id)
        info = await self._create(incoming.session) if stored is None else stored
        if info is None:
            return
        there = 0 if stored is None else await already_there(self._adapter, stored, incoming)
        await self._append(info, incoming, there)
        missing = len(incoming.messages) - there
        self._messages += missing
        if stored is not None and not missing:
            self._present += 1
        else:
            self._sessions += 1

    async def _comes_with_its_parent(self, incoming: Incoming) -> bool:
        """Whether it is there, though not in the view: as nobody's, below one of the user's."""
        if self._beneath is None or self._user_id is None or incoming.session.parent_id is None:
            return False
        return await there_as_nobodys(self._beneath, self._user_id, incoming)

    async def _create(self, session: Session) -> SessionInfo | None:
        """The new session, without messages; None if its lifetime is over.

        Its turn has the same id each time, so that two imports at once do not stand in each other's way.
        """
        turn = Turn(id=join("import", session.id), session_id=session.id, session=session)
        try:
            info = (await self._adapter.commit(turn)).session
        except NotFound:
            if session.parent_id not in self._over:
                raise
            self._over.add(session.id)
            return None
        if info.expires_at is None or info.updated_at is None or info.expires_at > info.updated_at:
            return info
        await self._adapter.sessions.delete(info.id, key=info.key)
        self._over.add(session.id)
        return None

    async def _append(self, info: SessionInfo, incoming: Incoming, there: int) -> None:
        last_seq = there  # if more positions were given, messages were removed, and these do not come back
        for chunk in _chunks(incoming, there, self._adapter.limits):
            turn = Turn(
                id=chunk[0].turn_id or "",
                segment=chunk[0].segment,
                session_id=info.id,
                key=info.key,
                messages=chunk,
                last_seq=last_seq,
            )
            last_seq = (await self._adapter.commit(turn)).session.last_seq


def _chunks(incoming: Incoming, there: int, limits: Limits) -> Iterator[list[Message]]:
    """What is not there yet, in writes: by segments of turns, and these in parts where they are too large here."""
    chunk: list[Message] = []
    size = 0
    for message, more in list(zip(incoming.messages, incoming.sizes, strict=True))[there:]:
        full = len(chunk) == limits.turn_messages or size + more > limits.turn_bytes
        if chunk and (full or _segment(message) != _segment(chunk[0])):
            yield chunk
            chunk, size = [], 0
        chunk.append(message)
        size += more
    if chunk:
        yield chunk


def _segment(message: Message) -> tuple[str | None, int]:
    return message.turn_id, message.segment
