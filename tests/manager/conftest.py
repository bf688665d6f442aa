"""Fixtures for the manager's tests: managers, an adapter that fails when told, and what several files share."""

import asyncio
import random

import pytest
from tests.manager.answers import talk
from tests.manager.versions import STEPS
from tests.manager.waiting import NEVER, Told

from holdfast import PersistenceManager
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter


@pytest.fixture(params=["memory", "sqlite"])
def backend(request):
    """SQLite in memory differs from a file in what the manager never sees."""
    return request.param


@pytest.fixture
def manager(adapter, clock) -> PersistenceManager:
    return PersistenceManager(adapter, clock=clock)


@pytest.fixture
def others(adapter, clock) -> PersistenceManager:
    """Another worker on the same store, who saves at once and has no hooks."""
    return PersistenceManager(adapter, clock=clock)


@pytest.fixture
def make_manager(adapter, clock):
    """Makes managers; unless a test asks for more, what waits is not stored by itself."""
    return lambda autosave=NEVER, **options: PersistenceManager(adapter, autosave=autosave, clock=clock, **options)


@pytest.fixture
def failing(adapter, monkeypatch):
    """Makes the store fail the next flushes: before they are executed, or after."""

    def fail(*errors: Exception, executed: bool = False) -> None:
        store = adapter._runtime.store
        flush = adapter._runtime.commits._flusher._flush
        left = list(errors)

        async def failing_flush(writes):
            if not left:
                return await flush(writes)
            if executed:
                await flush(writes)
            raise left.pop(0)

        monkeypatch.setattr(adapter._runtime.commits._flusher, "_flush", failing_flush)
        assert store is adapter._runtime.store

    return fail


@pytest.fixture
def slow(adapter, monkeypatch):
    """The store's flushes wait for this event; ``slow.under_way`` says that one has begun."""
    flusher, goes_on = adapter._runtime.commits._flusher, asyncio.Event()
    flush, goes_on.under_way = flusher._flush, asyncio.Event()

    async def wait(writes):
        goes_on.under_way.set()
        await goes_on.wait()
        return await flush(writes)

    monkeypatch.setattr(flusher, "_flush", wait)
    goes_on.set()
    return goes_on


@pytest.fixture
def seed(request):
    """The suite's, if one is given; another one each time, if not."""
    asked = request.config.getoption("--holdfast-seed")
    return random.SystemRandom().randrange(2**32) if asked is None else asked


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def calls():
    """For hooks: a list of what they were called with."""
    return []


@pytest.fixture
def program(adapter, clock):
    """The manager of a version of the program."""

    def at(version, **options):
        if version > 1:
            options = {"schema_version": version, "migrations": {n: STEPS[n] for n in range(1, version)}} | options
        return PersistenceManager(adapter, clock=clock, **options)

    return at


@pytest.fixture
async def spoken(manager):
    """A session with two turns."""
    async with manager.session("s") as session:
        session.data["n"] = 1
        await talk(session, "u1", "a1")
        await talk(session, "u2", "a2")
    return manager


@pytest.fixture(params=["memory", "sqlite"])
async def target(request, clock):
    """Where it is imported: another backend, empty."""
    other = MemoryAdapter(clock=clock) if request.param == "memory" else SQLiteAdapter(":memory:", clock=clock)
    async with other as opened:
        yield opened


@pytest.fixture
async def source(clock):
    """Where it is exported."""
    async with MemoryAdapter(clock=clock) as opened:
        yield opened
