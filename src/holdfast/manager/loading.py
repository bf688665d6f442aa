"""Loading: what comes from the store is upgraded, checked, and shown to the hooks."""

from typing import Any

from holdfast.errors import InvalidData
from holdfast.manager.context import Context
from holdfast.models import Session

__all__ = ["begin", "check_owner", "load", "stored"]


async def load(context: Context[Any], session_id: str) -> Session | None:
    """A session, upgraded and shown to the hooks; or None.

    Raises:
        InvalidData: It cannot be upgraded, or does not fit the data type.
    """
    await context.hooks.ask("before_load", session_id)
    session = await stored(context, session_id)
    if session is not None:
        await context.hooks.ask("after_load", session)
    return session


async def stored(context: Context[Any], session_id: str) -> Session | None:
    """A session as it is in the store, upgraded; no hook is called."""
    session = await context.adapter.sessions.get(session_id)
    if session is not None:
        _upgrade(context, session)
    return session


async def check_owner(context: Context[Any], session: Session, user_id: str | None) -> None:
    """Return if a session is this user's, or no user is named.

    Raises:
        NotFound: It belongs to another user, of whom nothing is told.
    """
    if user_id is not None and user_id != session.user_id:
        await context.denied(session.id, user_id)


def begin(context: Context[Any], session: Session) -> None:
    """Give a session that has no data yet the data of a new one, and note of which version it is."""
    if context.data_type is not None and not _begun(session):
        session.data = context.data_type.fresh()
    if session.schema_version is None and (context.data_type is not None or context.migrations.version > 1):
        session.schema_version = context.migrations.version


def _begun(session: Session) -> bool:
    """Whether it has data: none was stored yet where it is empty, and of no version."""
    return bool(session.data) or session.schema_version is not None


def _upgrade(context: Context[Any], session: Session) -> None:
    raw = session.model_copy()  # what follows puts other data in its place, and changes none
    try:
        if not _begun(session):
            begin(context, session)
            return
        context.migrations.upgrade(session, context.adapter.limits)
        if context.data_type is not None:
            session.data = context.data_type.plain(context.data_type.read(session))
    except InvalidData as error:
        error.session = raw
        raise
