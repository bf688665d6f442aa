"""Saving by hand: whole sessions, messages alone, and changes that are made again when others were faster."""

from collections.abc import Callable, Sequence
from inspect import isawaitable, iscoroutine
from typing import Any

from holdfast.errors import DuplicateIdConflict, InvalidArgument, NotFound, VersionConflict
from holdfast.ids import new_id
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.live.handle import Handle
from holdfast.manager.live.live_session import LiveSession
from holdfast.manager.live.snapshots import Snapshot
from holdfast.manager.live.status import note_completion
from holdfast.manager.loading import begin, check_owner, load, stored
from holdfast.manager.telling import tell_saved
from holdfast.models import Committed, Message, Session, Turn

__all__ = ["append", "load_or_create", "save", "update"]

_TRIES = 100  # of a change that others keep overtaking; each try means that another one went through


async def save(context: Context[Any], session: Session, turn_id: str | None) -> Session:
    """Store a session's state, with the hooks around it.

    Raises:
        InvalidArgument: Its data does not fit the data type, or is of another version than this program's.
    """
    own = _checked(context, session)
    turn = Turn(id=turn_id or new_id(), session_id=own.id, session=own)
    await context.hooks.ask("before_save", turn.model_copy(deep=True))
    before = await _before(context, own)
    saved = await _saved(context, own, turn.id, retry=own.completed_at != session.completed_at)
    await tell_saved(context, turn, Committed(saved), before)
    return saved


async def _saved(context: Context[Any], own: Session, turn_id: str, *, retry: bool) -> Session:
    try:
        return await context.adapter.sessions.save(own, turn_id=turn_id)
    except DuplicateIdConflict:
        first = await context.adapter.sessions.get(own.id) if retry else None
        if first is None or first.completed_at in {None, own.completed_at}:
            raise
        # The time of completion was noted here: a retry says that of its first try.
        return await context.adapter.sessions.save(
            own.model_copy(update={"completed_at": first.completed_at}), turn_id=turn_id
        )


def _checked(context: Context[Any], session: Session) -> Session:
    own = session.model_copy()
    note_completion(own, context.clock)
    if not own.version:
        begin(context, own)
    known = context.migrations.version
    if (own.schema_version or 1) != known:
        raise InvalidArgument(f"schema_version is {own.schema_version}, and this program's is {known}.")
    if context.data_type is not None:
        context.data_type.made(own.data)
    return own


async def _before(context: Context[Any], session: Session) -> Snapshot | None:
    """What is stored now, where a hook wants to know what changes; the version guards that it is still there."""
    if not session.version or "on_data_change" not in context.hooks:
        return None
    there = await stored(context, session.id)
    return None if there is None else Snapshot.of(there, context.adapter.limits)


async def append(
    context: Context[Any], session_id: str, messages: Sequence[Message], turn_id: str | None
) -> Sequence[Message]:
    """Store messages alone, with the hooks around it."""
    for message in messages:
        if type(message) is not Message:
            raise InvalidArgument(f"append takes Messages, not {type(message).__name__}.")
    turn = Turn(id=turn_id or new_id(), session_id=session_id, messages=messages)
    await context.hooks.ask("before_save", turn.model_copy(deep=True))
    committed = await context.adapter.commit(turn)
    await tell_saved(context, turn, committed, None)
    return committed.messages


async def load_or_create(context: Context[Any], fresh: Session) -> Session:
    """A session with its state, stored now if there was none.

    Raises:
        NotFound: It belongs to another user.
    """
    loaded = await load(context, fresh.id)
    while loaded is None:
        try:
            loaded = await save(context, fresh, None)
        except (VersionConflict, NotFound):  # somebody else was faster
            loaded = await load(context, fresh.id)
            if loaded is None:
                raise
    await check_owner(context, loaded, fresh.user_id)
    return loaded


async def update(context: Context[D], session_id: str, change: Callable[[LiveSession[D]], object]) -> Session:
    """Change a session's state: loaded, changed and saved, again if somebody else was faster."""
    if not callable(change):
        raise InvalidArgument(f"change is {type(change).__name__}, which cannot be called.")
    once = context.alone()
    async with context.politeness.line(session_id):
        for tries in range(1, _TRIES):
            try:
                return await _try_update(once, session_id, change)
            except VersionConflict:
                await context.politeness.pause(tries)  # somebody else was faster; his change is in
        return await _try_update(once, session_id, change)


async def _try_update(context: Context[D], session_id: str, change: Callable[[LiveSession[D]], object]) -> Session:
    session = await load(context, session_id)
    if session is None:
        raise NotFound(f"Session {session_id!r}.")
    handle = Handle(context, session)
    answer = change(LiveSession(handle))
    if isawaitable(answer):
        if iscoroutine(answer):
            answer.close()
        raise InvalidArgument("A change awaits nothing: it is made in one go, and perhaps several times.")
    await handle.make_durable()
    return handle.held.session
