"""Saving by hand: whole sessions, and messages alone."""

from collections.abc import Sequence
from typing import Any

from holdfast.errors import DuplicateIdConflict, InvalidArgument, NotFound, VersionConflict
from holdfast.ids import new_id
from holdfast.manager.context import Context
from holdfast.manager.copies import copied_message, copied_session
from holdfast.manager.live.snapshots import Snapshot
from holdfast.manager.live.status import note_completion
from holdfast.manager.loading import begin, check_owner, load, stored
from holdfast.manager.telling import tell_saved
from holdfast.models import Committed, Message, Session, Turn

__all__ = ["append", "load_or_create", "loaded_or_created", "save"]


async def save(context: Context[Any], session: Session, turn_id: str | None) -> Session:
    """Store a session's state as it is now, with the hooks around it.

    Raises:
        InvalidArgument: Its data does not fit the data type, or is of another version than this program's.
    """
    own = _checked(context, session)
    noted = own.completed_at != session.completed_at
    turn = Turn(id=turn_id or new_id(), session_id=own.id, session=own)
    await context.hooks.ask("before_save", turn.model_copy(deep=True))
    before = await _before(context, own)
    saved = await _saved(context, own, turn.id, retry=noted)
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
    own = copied_session(session, context.adapter.limits)
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
    """Store messages alone as they are now, with the hooks around it.

    Raises:
        InvalidArgument: Something in them breaks a rule.
    """
    limits = context.adapter.limits
    own = [copied_message(message, limits, f"messages[{index}]") for index, message in enumerate(messages)]
    turn = Turn(id=turn_id or new_id(), session_id=session_id, messages=tuple(own))
    await context.hooks.ask("before_save", turn.model_copy(deep=True))
    committed = await context.adapter.commit(turn)
    await tell_saved(context, turn, committed, None)
    return committed.messages


async def load_or_create(context: Context[Any], fresh: Session) -> Session:
    """A session with its state, stored now if there was none.

    Raises:
        NotFound: It belongs to another user.
    """
    session = await loaded_or_created(context, fresh)
    if session is None:
        raise NotFound(f"Session {fresh.id!r}.")
    await check_owner(context, session, fresh.user_id)
    return session


async def loaded_or_created(context: Context[Any], fresh: Session) -> Session | None:
    """The session of this id, stored now if there was none, whoever's it is; None: another user's, and hidden."""
    while True:
        session = await load(context, fresh.id)
        if session is not None:
            return session
        try:
            return await save(context, fresh, None)
        except VersionConflict:
            continue  # somebody else was faster
        except NotFound:
            return None
