"""Several processes on the same data."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any

from holdfast import Adapter, Capability, Session, SessionQuery
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.checker import History
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.processes import Process, start
from holdfast_contract_tests.reading import all_messages, all_sessions

SHARED = [Capability.SHARED]
PROCESSES = 8


async def _all_of(*calls: Awaitable[Any]) -> list[Any]:
    """All answers. Where one fails nobody reads on: a process that is ended must have no other reader."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@clause(
    "processes.appends",
    "Eight processes that append to one session lose nothing, duplicate nothing and keep each writer's order.",
    needs=SHARED,
)
async def appends(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    history = History()
    count = case.size(4, 8, 60)

    async def follow(process: Process) -> None:
        for said in await process.reports():
            sent = history.send(said["writer"], said["ids"])
            sent.seqs = tuple(said["seqs"])

    async with AsyncExitStack() as stack:
        writers = [
            await stack.enter_async_context(start(case, "appends", writer=f"w{number}", tasks=3, count=count))
            for number in range(PROCESSES)
        ]
        await _all_of(*map(follow, writers), _read_on(history, adapter, PROCESSES * 3 * count))
    assert len(history.writes) == PROCESSES * 3 * count, f"{len(history.writes)} writes were acknowledged"
    history.check(await all_messages(adapter, "s"))


async def _read_on(history: History, adapter: Adapter, writes: int) -> None:
    """Read until so many writes were acknowledged."""
    while sum(write.seqs is not None for write in history.writes) < writes:
        history.read("reader", await all_messages(adapter, "s"))
        await asyncio.sleep(0.005)


@clause(
    "processes.lost_updates",
    "Processes that raise one counter by optimistic locking lose no update.",
    needs=SHARED,
)
async def lost_updates(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s", data={"n": 0}))
    each = case.size(5, 10, 100)
    async with AsyncExitStack() as stack:
        counters = [
            await stack.enter_async_context(start(case, "counts", count=each, seed=case.seed + number))
            for number in range(4)
        ]
        await _all_of(*(counter.reports() for counter in counters))
    session = await adapter.sessions.get("s")
    assert session is not None
    case.same((session.data["n"], session.version), (4 * each, 4 * each + 1), "the counter, and the version")


@clause(
    "processes.initialize",
    "Eight processes that open at once where there is no schema all find one, and can write.",
    needs=SHARED,
)
async def initialize(case: Case) -> None:
    names = [f"p{number}" for number in range(PROCESSES)]
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(start(case, "opens", name=name)) for name in names]
        for process, name in zip(started, names, strict=True):
            case.same(await process.report(), {"ready": name}, "what a process says first")
        await asyncio.gather(*(process.go() for process in started))
        said = await _all_of(*(process.reports() for process in started))
    case.same([one for [one] in said], [{"saved": name} for name in names], "what the processes say")
    adapter = await case.open()
    found = await all_sessions(adapter, SessionQuery(order="created"))
    case.same(sorted(info.id for info in found), names, "the sessions that they saved")


@clause(
    "processes.sees",
    "What one process was told is stored, another sees at once.",
    needs=SHARED,
)
async def sees(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    async with start(case, "appends", writer="w", tasks=1, count=30) as process:
        while (said := await process.report()) is not None:
            for id_, seq in zip(said["ids"], said["seqs"], strict=True):
                found = await adapter.messages.get("s", id_)
                assert found is not None, f"{id_!r} was acknowledged at {seq} in another process, and is not seen"
                case.same(found.seq, seq, f"the position of {id_!r}")
            await _up_to_date(adapter, said["seqs"][-1])


async def _up_to_date(adapter: Adapter, seq: int) -> None:
    """Check that nothing that is read of the session is older than this position."""
    session = await adapter.sessions.get("s")
    [info] = await adapter.sessions.find(SessionQuery(order="created"))
    [newest] = await adapter.messages.find("s", last=1)
    assert session is not None, "the session is gone"
    for what, found in (("get", session.last_seq), ("a listing", info.last_seq), ("the newest page", newest.seq)):
        if what == "a listing" and Capability.LISTING_EXACT not in adapter.capabilities:
            continue
        assert (found or 0) >= seq, f"{what} knows of {found} messages, {seq} were acknowledged in another process"


@clause(
    "processes.cursor",
    "A cursor is good in another process.",
    needs=SHARED,
)
async def cursor(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say(*"abcdefg"))
    page = await adapter.messages.find("s", limit=3)
    async with start(case, "walks", cursor=page.next) as process:
        [said] = await process.reports()
    case.same(said["ids"], ["d", "e", "f"], "the page that the other process read")
    page = await adapter.messages.find("s", cursor=said["next"])
    case.same([message.id for message in page], ["g"], "the page behind its cursor")
