"""Fixtures for the manager's tests: a manager, an adapter that fails when told, and a seed for chance."""

import random

import pytest

from holdfast import PersistenceManager


@pytest.fixture(params=["memory", "sqlite"])
def backend(request):
    """SQLite in memory differs from a file in what the manager never sees."""
    return request.param


@pytest.fixture
def manager(adapter, clock) -> PersistenceManager:
    return PersistenceManager(adapter, clock=clock)


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
def seed(request):
    """The suite's, if one is given; another one each time, if not."""
    asked = request.config.getoption("--holdfast-seed")
    return random.SystemRandom().randrange(2**32) if asked is None else asked
