"""Health: what is said of a backend that answers, and of one that does not."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from holdfast import Capability, Durability, Finding
from holdfast.manager.upkeep.health import Health, health
from holdfast.toolkit import Facts, StoreAdapter
from holdfast_memory import MemoryAdapter
from holdfast_memory._store import MemoryStore
from holdfast_sqlite import SQLiteAdapter


def ticks(*times: float):
    """A clock that shows these seconds, one after the other."""
    return iter(times).__next__


async def test_a_backend_that_answers(adapter, backend):
    found = await health(adapter, monotonic=ticks(10.0, 10.25))
    assert found == Health(
        reachable=True,
        latency=0.25,
        schema=None if backend == "memory" else 1,
        durability=Durability.DISK if backend == "sqlite" else Durability.MEMORY,
        capabilities=adapter.capabilities,
        findings=(),
    )
    assert "reachable in 250.0 ms" in str(found)


async def test_the_time_is_the_systems_own_if_none_is_given(adapter):
    assert (await health(adapter)).latency >= 0


async def test_findings_are_told(tmp_path):
    async with SQLiteAdapter(tmp_path / "chat.db", synchronous="NORMAL") as adapter:
        found = await health(adapter)
    [finding] = found.findings
    assert (finding.code, found.durability) == ("sqlite.synchronous", Durability.PROCESS)
    assert "synchronous is NORMAL, better FULL" in str(found)


async def test_a_file_whose_tables_were_taken_away(tmp_path):
    path = tmp_path / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DROP TABLE holdfast_meta")
        found = await health(adapter)
        assert not found.reachable
        assert found.latency is None
        assert found.error.startswith("BackendUnavailable: ")
        assert "no such table" not in str(found)  # those are the driver's words
        assert (found.durability, found.schema) == (Durability.DISK, 1)


async def test_a_backend_that_never_answers():
    class Silent(MemoryStore):
        async def ping(self):
            await asyncio.Event().wait()

    options = {"timeout": 0.02}
    async with StoreAdapter(Silent(), translate=lambda error, running: None, options=options) as adapter:
        found = await health(adapter)
    assert not found.reachable
    assert found.error.startswith("BackendTimeout: ")


async def test_an_adapter_that_was_never_opened_has_learned_nothing(make_adapter, backend, tmp_path):
    found = await health(make_adapter(backend, tmp_path))
    assert found.error.startswith("AdapterClosed: ")
    assert found == Health(reachable=False, error=found.error)
    assert str(found) == f"not reachable\n{found.error}"


async def test_a_closed_adapter_is_not_reachable(adapter, make_adapter, backend, tmp_path):
    await adapter.aclose()
    found = await health(adapter)
    assert (found.reachable, found.latency) == (False, None)
    assert found.error.startswith("AdapterClosed: ")
    assert str(found).startswith("not reachable\nAdapterClosed: ")


def test_an_adapter_of_another_loop_is_not_reachable():
    adapter = MemoryAdapter()
    asyncio.run(adapter.initialize())
    found = asyncio.run(health(adapter))
    assert not found.reachable
    assert found.error.startswith("WrongEventLoop: ")


async def test_what_is_no_error_of_ours_is_a_bug_and_is_raised():
    class Broken(MemoryStore):
        async def ping(self):
            raise ZeroDivisionError

    async with StoreAdapter(Broken(), translate=lambda error, running: None, options={}) as adapter:
        with pytest.raises(ZeroDivisionError):
            await health(adapter)


async def test_a_store_tells_the_number_of_its_schema():
    finding = Finding(code="c", severity="warning", setting="s", found="f", wanted="w", why="Because.")

    class Numbered(MemoryStore):
        async def initialize(self, **asked):
            return Facts(frozenset({Capability.SHARED}), Durability.REPLICATED, [finding], 5)

    async with StoreAdapter(Numbered(), translate=lambda error, running: None, options={}) as adapter:
        found = await health(adapter, monotonic=ticks(0, 1))
    assert (found.schema, found.findings) == (5, (finding,))
    assert str(found).splitlines() == [
        "reachable in 1000.0 ms",
        "durability: replicated",
        "schema: 5",
        "capabilities: shared",
        "warning: s is f, better w. Because.",
    ]
