"""Rewinding and editing: the last turn undone, the oldest messages pruned, one message redacted.

Removals name the life and the positions that were read, and so never touch what the caller has not seen. The
state of the session stays as it is: what a turn has left in it is not undone by removing the turn's messages.
"""

from collections.abc import Sequence

from holdfast.errors import InvalidArgument, NotFound
from holdfast.manager.upkeep.pruning import last_to_go
from holdfast.models import Message, Session, Turn
from holdfast.parts import Part, Text, ToolCall, ToolResult
from holdfast.repositories import Adapter

__all__ = ["last_turn", "positions", "prune", "redact", "remove_last_turn"]


async def last_turn(adapter: Adapter, session_id: str) -> tuple[Message, ...]:
    """The messages of the last turn, whole, oldest first; () if there are none. They follow each other.

    Raises:
        InvalidArgument: They do not: others have spoken in the middle of it.
        NotFound: There is no such session.
        CorruptRecord: A message that had to be read does not decode.
    """
    messages = (await adapter.messages.find(session_id, last=1, align="turn")).items
    if messages and await _has_begun_before(adapter, session_id, messages[0]):
        raise InvalidArgument(
            "Others have spoken in the middle of the last turn: it cannot go without their words. "
            "Nothing was removed; adapter.messages.remove takes messages by their positions."
        )
    return messages


async def _has_begun_before(adapter: Adapter, session_id: str, first: Message) -> bool:
    """Whether its turn has messages in front of those that ``first`` is the first of.

    That is so only if it is of a later segment; and even then the earlier ones may have brought a state alone,
    or were removed since.
    """
    before = first.seq if first.segment else None
    while before is not None:
        page = await adapter.messages.find(session_id, before=before)
        if any(message.turn_id == first.turn_id for message in page):
            return True
        before = page.items[0].seq if page.next is not None else None
    return False


def positions(messages: Sequence[Message]) -> tuple[int, int]:
    """Where stored messages are, which follow each other: as ``Turn.remove`` says it."""
    first, last = (message.seq or 0 for message in (messages[0], messages[-1]))  # stored ones have a position
    return first - 1, last


async def remove_last_turn(adapter: Adapter, session_id: str) -> tuple[Message, ...]:
    """Remove the messages of the last turn, in one step; the state stays as it is.

    A turn that was kept behind what others have said since its checkpoint has their words in its middle. It is
    not removed, since its messages would not go without those.

    After ``OutcomeUnknown`` look first what the last turn is: another call might remove another turn.

    Returns:
        What was removed, oldest first; () if there was nothing, or somebody else has removed it meanwhile.

    Raises:
        InvalidArgument: Others have spoken in the middle of the last turn; nothing was removed.
        NotFound: There is no such session, or it has begun another life meanwhile.
        VersionConflict: Somebody has appended meanwhile; nothing was removed.
        CorruptRecord: A message that had to be read does not decode.
        UnsupportedCapability: The adapter cannot remove.
    """
    session = await _loaded(adapter, session_id)
    messages = await last_turn(adapter, session_id)
    if not messages:
        return ()
    turn = Turn(session_id=session_id, key=session.key, remove=positions(messages), last_seq=session.last_seq)
    removed = (await adapter.commit(turn)).removed
    return messages if removed else ()


async def prune(adapter: Adapter, session_id: str, *, keep: int) -> int:
    """Remove the oldest messages; what stays are whole turns, and no tool result without its call.

    Whoever appends meanwhile is not disturbed, and disturbs nothing: only positions that were there are removed,
    all of them in front of what was kept. It is as if he had appended afterwards.

    Args:
        adapter: Where the session is.
        session_id: The session.
        keep: How many of the newest messages stay at least. More stay, turn by turn, until each turn of which
            something stays is whole, though others have spoken in its middle, and each call is there that a
            message which stays has answered. What is not stored any more is not waited for.

    Returns:
        How many were removed.

    Raises:
        InvalidArgument: ``keep`` is not a positive integer.
        NotFound: There is no such session, or it has begun another life meanwhile.
        CorruptRecord: A message that had to be read does not decode; nothing was removed.
        UnsupportedCapability: The adapter cannot remove.
    """
    if type(keep) is not int or keep < 1:
        raise InvalidArgument("keep is a positive integer.")
    session = await _loaded(adapter, session_id)
    through = await last_to_go(adapter, session_id, keep)
    if not through:
        return 0
    turn = Turn(session_id=session_id, key=session.key, remove=(0, through))
    return (await adapter.commit(turn)).removed


async def redact(adapter: Adapter, session_id: str, message_id: str, *, text: str = "[redacted]") -> Message:
    """Put ``text`` in the place of a message's words; the last writer wins.

    Role, name, route, step and user stay, and so do tool calls and results with their names and ids, that every
    result still has its call: the calls with no arguments, the results with ``text``. All else goes: media and
    reasoning, metadata, the framework's own form. Where the message stands, its turn and its time stay.

    Returns:
        The message as it is stored now.

    Raises:
        InvalidArgument: ``text`` is no text.
        NotFound: There is no such session, or no such message in it.
        CorruptRecord: The message does not decode.
        UnsupportedCapability: The adapter cannot replace.
    """
    if type(text) is not str:
        raise InvalidArgument(f"text is {type(text).__name__}, not str.")
    message = await adapter.messages.get(session_id, message_id)
    if message is None:
        raise NotFound(f"Message {message_id!r} of session {session_id!r}.")
    kept = Message(
        id=message.id,
        role=message.role,
        name=message.name,
        route=message.route,
        step=message.step,
        user_id=message.user_id,
        content=_redacted(message.content, text),
    )
    return await adapter.messages.replace(session_id, kept)


def _redacted(content: str | list[Part], text: str) -> str | list[Part]:
    parts: list[Part] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, ToolCall):
            parts.append(ToolCall(id=part.id, name=part.name, args={}))
        elif isinstance(part, ToolResult):
            parts.append(ToolResult(call_id=part.call_id, name=part.name, content=text, error=part.error))
        elif not any(isinstance(one, Text) for one in parts):
            parts.append(Text(text=text))  # for all that are neither
    return parts if any(not isinstance(part, Text) for part in parts) else text


async def _loaded(adapter: Adapter, session_id: str) -> Session:
    session = await adapter.sessions.get(session_id)
    if session is None:
        raise NotFound(f"Session {session_id!r}.")
    return session
