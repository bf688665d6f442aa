"""Updating: a state is loaded, changed and saved, and that again where others were faster."""

from collections.abc import Callable
from inspect import isawaitable, iscoroutine
from typing import Any

from holdfast.errors import (
    HoldfastError,
    HookFailed,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    UpdateUnknown,
    VersionConflict,
)
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import D
from holdfast.manager.live.handle import Handle
from holdfast.manager.live.live_session import LiveSession
from holdfast.manager.loading import load
from holdfast.models import Session

__all__ = ["update"]

_TRIES = 100  # of a change that others keep overtaking; each try means that another one went through
_SENDINGS = 5  # of one turn to which no answer comes


async def update(context: Context[D], session_id: str, change: Callable[[LiveSession[D]], object]) -> Session:
    """Change a session's state: loaded, changed and saved, again if somebody else was faster.

    Raises:
        NotFound: There is no such session.
        VersionConflict: Others were faster a hundred times.
        UpdateUnknown: No answer came, and none to the same turn sent again.
    """
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
    await _make_durable(handle)
    return handle.held.session


async def _make_durable(handle: Handle[Any]) -> None:
    """Store a change; where no answer comes, the very same turn is sent again, and so the change is made once."""
    unknown: OutcomeUnknown | None = None
    for tries in range(1, _SENDINGS + 1):
        try:
            return await handle.make_durable()
        except OutcomeUnknown as error:
            unknown = error
        except HoldfastError as error:
            if unknown is None or isinstance(error, HookFailed | VersionConflict):
                raise
            raise UpdateUnknown(f"Session {handle.id!r}.") from error
        await handle.context.politeness.pause(tries)
    raise UpdateUnknown(f"Session {handle.id!r}.") from unknown
