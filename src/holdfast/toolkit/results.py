"""What a commit answers."""

from holdfast.models import Committed, Message
from holdfast.toolkit.encoding import info_of, message_of, open_rows
from holdfast.toolkit.runtime import Runtime
from holdfast.toolkit.store import Done, Span, Write

__all__ = ["committed", "stored_messages"]


async def committed(run: Runtime, write: Write, done: Done) -> Committed:
    """The answer to a turn."""
    messages = await stored_messages(run, write, done)
    return Committed(info_of(done.head), messages, done.replayed, done.removed)


async def stored_messages(run: Runtime, write: Write, done: Done) -> tuple[Message, ...]:
    """The messages of a write as they are stored: made from what was sent, not from the caller's objects."""
    key = done.head.key
    if done.appended == len(write.rows):
        placed = zip(write.rows, done.seqs, strict=True)
        return tuple([message_of(row.at(seq), row.body, key) for row, seq in placed if seq is not None])
    # Some were there before: their turn and time are those of the first try.
    ids = tuple(row.id for row in write.rows)
    rows = await run.store.rows(key, Span(ids=ids)) or ()
    bodies = await open_rows(rows, key, run.codec)
    messages = {row.id: message_of(row, body, key) for row, body in zip(rows, bodies, strict=True)}
    return tuple(messages[id_] for id_ in ids if id_ in messages)
