"""Opening and closing while others are at it."""

import asyncio

import pytest

from holdfast import AdapterClosed, HoldfastError, Message, Session


async def test_what_runs_while_the_adapter_closes_ends_well_or_is_refused(make_adapter, backend, tmp_path):
    adapter = make_adapter(backend, tmp_path)
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    calls = [adapter.messages.append("s", [Message(role="user", content=str(n))]) for n in range(20)]
    calls += [adapter.messages.find("s") for _ in range(20)]
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    await adapter.aclose()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [error for error in results if isinstance(error, BaseException)] == []


async def test_closing_that_is_cancelled_answers_everybody(make_adapter, backend, tmp_path):
    adapter = make_adapter(backend, tmp_path)
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    tasks = [
        asyncio.create_task(adapter.messages.append("s", [Message(role="user", content=str(n))]))
        for n in range(20)
    ]
    await asyncio.sleep(0)
    closing = asyncio.create_task(adapter.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert not isinstance(result, BaseException) or isinstance(result, HoldfastError), repr(result)


async def test_whoever_opens_at_the_same_time_finds_it_open(make_adapter, backend, tmp_path):
    adapter = make_adapter(backend, tmp_path)

    async def use() -> None:
        await adapter.initialize()
        await adapter.ping()

    await asyncio.gather(*[use() for _ in range(5)])
    await adapter.aclose()
    await adapter.aclose()
    with pytest.raises(AdapterClosed):
        await adapter.initialize()


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_an_opening_that_was_cancelled_can_be_tried_again(make_adapter, backend, tmp_path, turns):
    adapter = make_adapter(backend, tmp_path)
    task = asyncio.create_task(adapter.initialize())
    for _ in range(turns):
        await asyncio.sleep(0.0002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with adapter:
        await adapter.sessions.save(Session(id="s"))
        await asyncio.gather(*[adapter.sessions.get("s") for _ in range(5)])


@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_sweeping_until_zero_leaves_nothing(adapter, clock, limit):
    for name in range(5):
        await adapter.sessions.save(Session(id=str(name), expires_at=clock.now))
    while await adapter.sweep(limit=limit):
        pass
    store = adapter._runtime.store
    if hasattr(store, "_dead"):
        assert (store._heads, store._rows, store._dead) == ({}, {}, {})
    else:
        for table in ("head", "state", "message", "dead"):
            assert await store._connections.read(f"SELECT * FROM holdfast_{table}", {}) == []
