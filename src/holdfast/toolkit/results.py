"""What a commit answers."""

from holdfast.clock import from_micros
from holdfast.models import Committed, Message, Turn
from holdfast.toolkit.encoding import info_of, message_of, open_rows
from holdfast.toolkit.runtime import Runtime
from holdfast.toolkit.store import Done, Span

__all__ = ["committed", "stored_messages"]


async def committed(run: Runtime, turn: Turn, done: Done) -> Committed:
    """The answer to a turn."""
    messages = await stored_messages(run, turn, done)
    return Committed(info_of(done.head), messages, done.replayed, done.removed)


async def stored_messages(run: Runtime, turn: Turn, done: Done) -> tuple[Message, ...]:
    """The turn's messages as they are stored."""
    if not turn.messages:
        return ()
    last = done.head.next_seq - 1
    if not done.replayed and done.seqs == tuple(range(last - len(done.seqs) + 1, last + 1)):
        return tuple(
            message.model_copy(
                update={
                    "seq": seq,
                    "turn_id": turn.id,
                    "segment": turn.segment,
                    "created_at": message.created_at or from_micros(done.head.updated_at),
                }
            )
            for message, seq in zip(turn.messages, done.seqs, strict=True)
            if seq is not None
        )
    # Some were there before: their turn and time are those of the first try.
    ids = tuple(message.id for message in turn.messages)
    rows = await run.store.rows(done.head.key, Span(ids=ids)) or ()
    bodies = await open_rows(rows, done.head.key, run.codec)
    messages = {row.id: message_of(row, body, done.head.key) for row, body in zip(rows, bodies, strict=True)}
    return tuple(messages[id_] for id_ in ids if id_ in messages)
