"""Fixtures for all tests of core: every backend that needs no server, and a clock that tests can move."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.toolkit import StoreAdapter
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter


class FakeTime:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime()


def make_adapter(kind: str, path: Path, **options) -> StoreAdapter:
    """A new adapter, not opened yet."""
    if kind == "memory":
        return MemoryAdapter(**options)
    return SQLiteAdapter(":memory:" if kind == "sqlite-memory" else path / "chat.db", **options)


BACKENDS = ["memory", "sqlite", "sqlite-memory"]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(name="make_adapter")
def make_adapter_fixture() -> Callable[..., StoreAdapter]:
    return make_adapter


@pytest.fixture
async def adapter(backend: str, tmp_path: Path, clock: FakeTime) -> AsyncIterator[StoreAdapter]:
    """An open adapter on each backend; its time is ``clock``'s."""
    async with make_adapter(backend, tmp_path, clock=clock) as opened:
        yield opened
