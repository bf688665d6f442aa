"""The session repository over a store."""

from typing import Any

from holdfast.capabilities import Capability
from holdfast.clock import to_micros
from holdfast.codec import Plain
from holdfast.errors import InvalidArgument
from holdfast.ids import check_id, new_id
from holdfast.models import Expected, Page, Session, SessionInfo, SessionQuery, Turn
from holdfast.strict import remade
from holdfast.toolkit.checks import check_int, check_limit
from holdfast.toolkit.committing import commit
from holdfast.toolkit.cursors import read_cursor, write_cursor
from holdfast.toolkit.encoding import info_of, session_of
from holdfast.toolkit.ending import end_life
from holdfast.toolkit.runtime import Runtime
from holdfast.toolkit.store import Found, HeadQuery, Position, Ref

__all__ = ["StoreSessions"]

_PLAIN = Plain()


class StoreSessions:
    """``SessionRepository`` over a ``Store``; the contract is the protocol's."""

    def __init__(self, runtime: Runtime, tenant: str) -> None:
        self._run = runtime
        self._tenant = tenant

    async def get(self, session_id: str) -> Session | None:
        """See ``SessionRepository.get``."""
        ref = Ref(self._tenant, check_id(session_id, "session_id"))
        async with self._run.operation("sessions.get"):
            head = await self._run.head(ref, state=True)
            now = self._run.now()
            if head is None or head.dead(now):
                return None
            session = await session_of(head, now, self._run.codec)
        await self._run.was_read(head)
        return session

    async def save(
        self, session: Session, *, expected: Expected | None = None, turn_id: str | None = None
    ) -> Session:
        """See ``SessionRepository.save``."""
        if type(session) is not Session:
            raise InvalidArgument(f"save takes a Session, not {type(session).__name__}.")
        turn_id = new_id() if turn_id is None else turn_id
        turn = Turn(id=turn_id, session_id=session.id, session=session, expected=expected)
        write = self._run.encode(turn, self._tenant)
        async with self._run.operation("sessions.save") as running:
            done = await commit(self._run, write, session.parent_id, running)
            body = write.state.body if write.state else None
            return await session_of(done.head._replace(body=body), write.now, _PLAIN)

    async def find(self, query: SessionQuery) -> Page[SessionInfo]:
        """See ``SessionRepository.find``."""
        if type(query) is not SessionQuery:
            raise InvalidArgument(f"find takes a SessionQuery, not {type(query).__name__}.")
        query = remade(query)
        if query.parent is not None:
            self._run.require(Capability.PARENTS)
        limit = check_limit(query.limit, "limit", self._run.limits)
        binding = [self._tenant, query.model_dump_json(exclude={"cursor", "limit"})]
        begin = None if query.cursor is None else _position(query.cursor, binding)
        async with self._run.operation("sessions.find"):
            parent_key = None
            if query.parent is not None:
                parent = await self._run.head(Ref(self._tenant, query.parent))
                if parent is None or parent.dead(self._run.now()):
                    return Page()
                parent_key = parent.key.key
            now = self._run.now()
            found = await self._run.store.find(self._head_query(query, parent_key, limit, begin, now))
            items = await self._items(found, now, with_state=query.with_state)
            return Page(items, write_cursor(binding, list(found.next)) if found.next else None)

    def _head_query(
        self,
        query: SessionQuery,
        parent_key: str | None,
        limit: int,
        begin: Position | None,
        now: int,
    ) -> HeadQuery:
        index = self._run.codec.index
        return HeadQuery(
            tenant=self._tenant,
            user_id=None if query.user_id is None else index("user_id", query.user_id),
            agent=None if query.agent is None else index("agent", query.agent),
            status=query.status,
            parent_key=parent_key,
            nested=query.nested,
            updated_before=None if query.updated_before is None else to_micros(query.updated_before),
            by_activity=query.order == "activity",
            include_expired=query.include_expired,
            with_state=query.with_state,
            now=now,
            limit=limit,
            begin=begin,
        )

    async def _items(self, found: Found, now: int, *, with_state: bool) -> tuple[SessionInfo, ...]:
        if with_state:
            return tuple([await session_of(head, now, self._run.codec) for head in found.heads])
        return tuple(info_of(head) for head in found.heads)

    async def delete(
        self,
        session_id: str,
        *,
        key: str | None = None,
        expected: int | None = None,
        last_seq: int | None = None,
    ) -> bool:
        """See ``SessionRepository.delete``."""
        ref = Ref(self._tenant, check_id(session_id, "session_id"))
        key = None if key is None else check_id(key, "key")
        guards: dict[str, Any] = {
            "expected": None if expected is None else check_int(expected, "expected", low=0),
            "last_seq": None if last_seq is None else check_int(last_seq, "last_seq", low=0),
        }
        async with self._run.operation("sessions.delete") as running:
            head = await self._run.head(ref)
            if head is None or key not in {None, head.key.key}:
                return False
            expired = head.dead(self._run.now())
            await end_life(self._run, head, running, **({} if expired else guards))
            return not expired


def _position(cursor: str, binding: list[Any]) -> Position:
    at, id_ = read_cursor(cursor, binding, (int, str))
    return Position(at, id_)
