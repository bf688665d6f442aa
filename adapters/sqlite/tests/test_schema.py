"""The schema: created, checked, migrated when asked."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

import holdfast
from holdfast import AdapterClosed, ConfigurationError, Message, SchemaOutdated, SchemaTooNew, Session
from holdfast.toolkit import Step
from holdfast_sqlite import SQLiteAdapter, _schema


def change(path, statement: str) -> list:
    """Run a statement without the adapter, and give its rows."""
    with closing(sqlite3.connect(path)) as probe, probe:
        return probe.execute(statement).fetchall()


async def test_an_absent_schema_is_not_created_unasked_and_neither_is_the_file(path):
    with pytest.raises(ConfigurationError):
        await SQLiteAdapter(path).initialize(create=False)
    assert not path.exists()
    change(path, "CREATE TABLE theirs (x)")
    with pytest.raises(ConfigurationError, match="create=False"):
        await SQLiteAdapter(path).initialize(create=False)


async def test_create_false_is_enough_where_it_is_there(path):
    async with SQLiteAdapter(path):
        pass
    adapter = SQLiteAdapter(path)
    await adapter.initialize(create=False)
    await adapter.aclose()


async def test_tables_of_others_in_the_same_file_are_left_alone(path):
    change(path, "CREATE TABLE theirs (x)")
    change(path, "INSERT INTO theirs VALUES (5)")
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
    assert change(path, "SELECT x FROM theirs") == [(5,)]


async def test_a_newer_schema_that_forbids_this_program_is_refused(path):
    async with SQLiteAdapter(path):
        pass
    change(path, "UPDATE holdfast_meta SET schema = 7, min_writer = 7")
    with pytest.raises(SchemaTooNew) as caught:
        await SQLiteAdapter(path).initialize()
    assert (caught.value.stored, caught.value.known) == (7, 1)
    change(path, "UPDATE holdfast_meta SET schema = 7, min_writer = 1")
    async with SQLiteAdapter(path) as adapter:
        await adapter.ping()
        assert adapter.schema == 7


async def test_an_adapter_knows_the_number_of_its_schema(path, monkeypatch):
    with pytest.raises(AdapterClosed):
        _ = SQLiteAdapter(path).schema
    for place in (path, path, ":memory:"):  # created, found, created
        async with SQLiteAdapter(place) as adapter:
            assert adapter.schema == 1
    async with SQLiteAdapter(path) as adapter:
        assert adapter.for_tenant("t").schema == 1
    newer = [*_schema.SESSIONS, Step(2, "ALTER TABLE holdfast_head ADD COLUMN colour TEXT", 1, 1)]
    monkeypatch.setattr(_schema, "SESSIONS", newer)
    migrated = SQLiteAdapter(path)
    await migrated.initialize(migrate=True)
    assert migrated.schema == 2
    await migrated.aclose()


async def test_many_who_open_at_once_all_know_it(path):
    adapters = [SQLiteAdapter(path) for _ in range(5)]
    await asyncio.gather(*[adapter.initialize() for adapter in adapters])
    assert [adapter.schema for adapter in adapters] == [1] * 5
    for adapter in adapters:
        await adapter.aclose()


async def test_an_older_schema_is_migrated_when_asked_and_keeps_its_rows(path, monkeypatch):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s", data={"a": 1}))
        await adapter.messages.append("s", [Message(role="user", content="old")])
    newer = [*_schema.SESSIONS, Step(2, "ALTER TABLE holdfast_head ADD COLUMN colour TEXT", 1, 1)]
    monkeypatch.setattr(_schema, "SESSIONS", newer)
    with pytest.raises(SchemaOutdated, match=r"holdfast\.open\(url\)\.migrate\(\)"):
        await SQLiteAdapter(path).initialize()
    await holdfast.open(f"sqlite:///{path}").migrate()
    async with SQLiteAdapter(path) as adapter:
        assert (await adapter.sessions.get("s")).data == {"a": 1}
        assert [message.content for message in await adapter.messages.find("s")] == ["old"]


async def test_a_step_that_fails_changes_nothing(path, monkeypatch):
    broken = [Step(1, _schema.SESSIONS[0].script + ";\nCREATE TABLE holdfast_head (x);\n", 1, 1)]
    monkeypatch.setattr(_schema, "SESSIONS", broken)
    with pytest.raises(Exception, match="SQLITE_ERROR"):
        await SQLiteAdapter(path).initialize()
    assert change(path, "SELECT * FROM sqlite_schema") == []


async def test_no_statement_is_put_together_from_values():
    # B16, B20: names of tables are fixed, and values are bound; a hostile id is only an id.
    hostile = "x'); DROP TABLE holdfast_head; --"
    async with SQLiteAdapter(":memory:") as adapter:
        await adapter.sessions.save(Session(id=hostile, user_id=hostile, agent=hostile))
        await adapter.messages.append(hostile, [Message(id=hostile, role="user", content=hostile)])
        assert (await adapter.messages.get(hostile, hostile)).content == hostile
        assert await adapter.sessions.delete(hostile)
