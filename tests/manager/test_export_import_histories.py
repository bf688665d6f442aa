"""Exporting and importing a user with any history."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.manager.exports import NOON, everything, exported, said

from holdfast import InvalidArgument, Message, NotFound, Session, Text, ToolCall, Turn, VersionConflict
from holdfast.manager.upkeep.importing import Imported, import_user
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter

# --- any history ---------------------------------------------------------------------------------

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
    | st.uuids()
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner), max_leaves=6
)
tables = st.dictionaries(st.text() | st.sampled_from(["$", "$date", "$tuple"]), values, max_size=3)
names = st.sampled_from("abcd")
texts = st.text(st.characters(exclude_categories=["Cs"]))
contents = texts | st.lists(
    st.builds(Text, text=texts) | st.builds(ToolCall, id=texts, name=texts, args=values), max_size=3
)
words = st.tuples(contents, tables, values)
steps = st.lists(
    st.tuples(st.just("begin"), names, names, tables)
    | st.tuples(st.just("say"), names, st.lists(words, max_size=4), st.none() | tables)
    | st.tuples(st.just("remove"), names, st.integers(0, 6), st.integers(1, 3))
    | st.tuples(st.just("redact"), names, st.integers(0, 12), texts)
    | st.tuples(st.just("status"), names, st.sampled_from(["active", "completed", "odd"]), st.booleans())
    | st.tuples(st.just("delete"), names),
    min_size=1,
    max_size=12,
)


class History:
    """Plays steps on an adapter; what is impossible just then does not happen."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.number = 0

    async def play(self, step):
        verb, name, *rest = step
        if verb == "begin" or await self.adapter.sessions.get(name):
            with suppress(VersionConflict, NotFound, InvalidArgument):
                await getattr(self, verb)(name, *rest)

    async def begin(self, name, parent, data):
        parent_id = parent if parent < name else None
        user_id = None if parent_id and data else "u"
        await self.adapter.sessions.save(Session(id=name, user_id=user_id, parent_id=parent_id, data=data))

    async def say(self, name, several, data):
        session = await self.adapter.sessions.get(name)
        messages = [self.message(*one) for one in several]
        if data is not None:
            session.data = data
        turn = Turn(session_id=name, messages=messages, session=session if data is not None else None)
        await self.adapter.commit(turn)
        rest = [self.message(*one) for one in several[:1]]
        await self.adapter.commit(Turn(id=turn.id, segment=1, session_id=name, messages=rest))

    def message(self, content, metadata, raw):
        self.number += 1
        return Message(id=f"m{self.number}", role="user", content=content, metadata=metadata, raw=raw)

    async def remove(self, name, after, count):
        await self.adapter.messages.remove(name, after=after, through=after + count)

    async def redact(self, name, number, text):
        await self.adapter.messages.replace(name, Message(id=f"m{number}", role="user", content=text))

    async def status(self, name, status, expires):
        session = await self.adapter.sessions.get(name)
        session.status, session.completed_at = status, NOON if status == "completed" else None
        session.expires_at = datetime(2999, 1, 1, tzinfo=UTC) if expires else None
        await self.adapter.sessions.save(session)

    async def delete(self, name):
        await self.adapter.sessions.delete(name)


@given(steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_history_makes_round_trips_and_can_be_imported_again(history):
    async def run():
        async with MemoryAdapter() as source, SQLiteAdapter(":memory:") as between, MemoryAdapter() as last:
            playing = History(source)
            for step in history:
                await playing.play(step)
            lines = await exported(source)
            first = await import_user(between, lines)
            again = await exported(between)
            await import_user(last, again)
            assert said(lines) == said(again) == said(await exported(last))
            assert await everything(source) == await everything(between) == await everything(last)
            for adapter in (source, between):
                assert await import_user(adapter, lines) == Imported(
                    sessions=0, messages=0, present=first.sessions
                )

    asyncio.run(run())
