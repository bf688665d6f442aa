"""The message repository over a store."""

from collections.abc import Sequence
from typing import Literal

from holdfast.capabilities import Capability
from holdfast.errors import CorruptRecord, InvalidArgument, NotFound
from holdfast.ids import check_id, new_id
from holdfast.models import Message, Page, Turn
from holdfast.toolkit.encoding import Append, encode_replacement, message_of, open_rows
from holdfast.toolkit.results import stored_messages
from holdfast.toolkit.runtime import Runtime
from holdfast.toolkit.store import Head, Ref, Row, Span
from holdfast.toolkit.walks import read_walk, start_walk

__all__ = ["StoreMessages"]


class StoreMessages:
    """``MessageRepository`` over a ``Store``; the contract is the protocol's."""

    def __init__(self, runtime: Runtime, tenant: str) -> None:
        self._run = runtime
        self._tenant = tenant

    async def append(
        self,
        session_id: str,
        messages: Sequence[Message],
        *,
        turn_id: str | None = None,
        last_seq: int | None = None,
    ) -> Sequence[Message]:
        """See ``MessageRepository.append``."""
        turn_id = new_id() if turn_id is None else turn_id
        write = self._run.encode(Append(turn_id, session_id, messages, last_seq), self._tenant)
        async with self._run.operation("messages.append") as running:
            done = await self._run.submit(write, running)
            return await stored_messages(self._run, write, done)

    async def find(
        self,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        last: int | None = None,
        limit: int | None = None,
        align: Literal["turn"] | None = None,
        cursor: str | None = None,
        on_corrupt: Literal["raise", "report"] = "raise",
    ) -> Page[Message]:
        """See ``MessageRepository.find``."""
        ref = self._ref(session_id)
        if align not in (None, "turn") or on_corrupt not in ("raise", "report"):
            raise InvalidArgument('align is "turn" or None, on_corrupt is "raise" or "report".')
        if cursor is None:
            walk = start_walk(after, before, last, limit, self._run.limits)
        else:
            walk = read_walk(cursor, ref, self._run.limits, after=after, before=before, last=last, limit=limit)
        walk.aligned = walk.aligned or align == "turn"
        async with self._run.operation("messages.find"):
            head = await self._run.live_head(ref)
            walk.check(head)
            rows = walk.page(await self._rows(head, walk.span()))
            if walk.aligned and walk.newest and rows:
                rows = await self._aligned(head, rows, walk.after)
            page = await self._page(head, rows, walk.next_cursor(head.key, rows), on_corrupt)
        await self._run.was_read(head)
        return page

    async def get(self, session_id: str, message_id: str) -> Message | None:
        """See ``MessageRepository.get``."""
        ref, message_id = self._ref(session_id), check_id(message_id, "message_id")
        async with self._run.operation("messages.get"):
            head = await self._run.live_head(ref)
            return await self._one(head, message_id)

    async def remove(self, session_id: str, *, after: int, through: int, turn_id: str | None = None) -> int:
        """See ``MessageRepository.remove``."""
        turn_id = new_id() if turn_id is None else turn_id
        turn = Turn(id=turn_id, session_id=session_id, remove=(after, through))
        write = self._run.encode(turn, self._tenant)
        async with self._run.operation("messages.remove") as running:
            return (await self._run.submit(write, running)).removed

    async def replace(self, session_id: str, message: Message) -> Message:
        """See ``MessageRepository.replace``."""
        ref = self._ref(session_id)
        self._run.require(Capability.REPLACE)
        turn = Turn(session_id=session_id)
        write = encode_replacement(message, ref=ref, now=self._run.now(), limits=self._run.limits, turn=turn)
        write = write._replace(lifetimes=self._run.lifetimes)
        async with self._run.operation("messages.replace") as running:
            done = await self._run.submit(write, running)
            replaced = await self._one(done.head, message.id)
            if replaced is None:  # removed by somebody else since
                raise NotFound(f"Message {message.id!r} of session {ref.id!r}.")
            return replaced

    def _ref(self, session_id: str) -> Ref:
        return Ref(self._tenant, check_id(session_id, "session_id"))

    async def _one(self, head: Head, message_id: str) -> Message | None:
        rows = await self._rows(head, Span(ids=(message_id,)))
        bodies = await open_rows(rows, head.key, self._run.codec)
        return message_of(rows[0], bodies[0], head.key) if rows else None

    async def _rows(self, head: Head, span: Span) -> Sequence[Row]:
        rows = await self._run.store.rows(head.key, span)
        if rows is None:
            raise NotFound(f"Session {head.key.id!r}.")
        return rows

    async def _aligned(self, head: Head, rows: Sequence[Row], after: int) -> Sequence[Row]:
        """The page, grown back to the beginning of its first turn."""
        step = self._run.limits.page_default
        while True:
            earlier = await self._rows(head, Span(after=after, before=rows[0].seq, last=True, limit=step))
            same = 0
            for row in reversed(earlier):
                if row.turn_id != rows[0].turn_id:
                    break
                same += 1
            rows = [*earlier[len(earlier) - same :], *rows]
            if same < step:
                return rows

    async def _page(self, head: Head, rows: Sequence[Row], cursor: str | None, on_corrupt: str) -> Page[Message]:
        messages: list[Message] = []
        corrupt: list[CorruptRecord] = []
        bodies = await open_rows(rows, head.key, self._run.codec)
        for row, body in zip(rows, bodies, strict=True):
            try:
                messages.append(message_of(row, body, head.key))
            except CorruptRecord as error:
                if on_corrupt == "raise":
                    raise
                corrupt.append(error)
        return Page(tuple(messages), cursor, tuple(corrupt))
