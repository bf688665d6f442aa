"""What the clauses of turns share: a session with a change to commit, and all reasons to refuse a turn."""

from typing import Any

from holdfast import (
    Adapter,
    Committed,
    DuplicateIdConflict,
    HoldfastError,
    Message,
    NotFound,
    Session,
    SessionInfo,
    UnserializableValue,
    VersionConflict,
)
from holdfast_contract_tests.case import Case

__all__ = ["answer", "begin", "info", "most", "now", "refusals"]

_MOST, _ENCODED = 1000, 200  # messages, and bytes of a short one


async def begin(case: Case, **options: Any) -> tuple[Adapter, Session]:
    """A session with five messages, and its changed state, which is not saved yet."""
    adapter = await case.open(**options)
    await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 1}))
    await adapter.messages.append("s", case.say(*"abcde"))
    session = await now(adapter)
    session.data["n"] = 2
    session.status = "completed"
    return adapter, session


async def now(adapter: Adapter, session_id: str = "s") -> Session:
    """The session, which must be there."""
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is gone"
    return session


def info(session: Session) -> SessionInfo:
    """What is known of a session without its state."""
    return SessionInfo(**{name: getattr(session, name) for name in SessionInfo.model_fields})


def answer(done: Committed) -> dict[str, Any]:
    """All that a turn is told, to be compared type for type."""
    return {name: getattr(done, name) for name in ("session", "messages", "replayed", "removed")}


def most(adapter: Adapter) -> int:
    """How many short messages one write may bring, up to a thousand."""
    return max(1, min(_MOST, adapter.limits.turn_messages, adapter.limits.turn_bytes // _ENCODED))


def refusals() -> dict[str, tuple[dict[str, Any], type[HoldfastError]]]:
    """Changes that make a turn of that session wrong, and the errors that they must get."""

    def named(*ids: str, **fields: Any) -> list[Message]:
        return [Message(id=id_, role="user", content="new words", **fields) for id_ in ids]

    unserializable = [*named("new"), Message(role="user", raw=object())]
    return {
        "a version that is not there": ({"expected": 7}, VersionConflict),
        "a session that must not be there": ({"expected": 0}, VersionConflict),
        "a stale last position": ({"last_seq": 4}, VersionConflict),
        "the key of another life": ({"key": "0" * 32}, NotFound),
        "a last message whose id is taken": ({"messages": named("new", "a")}, DuplicateIdConflict),
        "a first message whose id is taken": ({"messages": named("e", "new")}, DuplicateIdConflict),
        "one id twice": ({"messages": named("new", "new")}, DuplicateIdConflict),
        "a value that cannot be stored": ({"messages": unserializable}, UnserializableValue),
    }
