"""Several processes on the same data."""

import asyncio
from contextlib import AsyncExitStack

from holdfast import Capability, Session, SessionQuery
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.checker import History
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.processes import Process, start
from holdfast_contract_tests.reading import all_messages, all_sessions

SHARED = [Capability.SHARED]
PROCESSES = 8


@clause(
    "processes.appends",
    "Eight processes that append to one session lose nothing, duplicate nothing and keep each writer's order.",
    needs=SHARED,
    level=Level.DEFAULT,
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
        writing = asyncio.gather(*map(follow, writers))
        while not writing.done():
            history.read("reader", await all_messages(adapter, "s"))
            await asyncio.sleep(0.005)
        await writing
    assert len(history.writes) == PROCESSES * 3 * count, f"{len(history.writes)} writes were acknowledged"
    history.check(await all_messages(adapter, "s"))


@clause(
    "processes.lost_updates",
    "Processes that raise one counter by optimistic locking lose no update.",
    needs=SHARED,
    level=Level.DEFAULT,
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
        await asyncio.gather(*(counter.reports() for counter in counters))
    session = await adapter.sessions.get("s")
    assert session is not None
    case.same((session.data["n"], session.version), (4 * each, 4 * each + 1), "the counter, and the version")


@clause(
    "processes.initialize",
    "Eight processes that open at once where there is no schema all find one, and can write.",
    needs=SHARED,
    level=Level.DEFAULT,
)
async def initialize(case: Case) -> None:
    names = [f"p{number}" for number in range(PROCESSES)]
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(start(case, "opens", name=name)) for name in names]
        for process, name in zip(started, names, strict=True):
            case.same(await process.report(), {"ready": name}, "what a process says first")
        await asyncio.gather(*(process.go() for process in started))
        said = await asyncio.gather(*(process.reports() for process in started))
    case.same([one for [one] in said], [{"saved": name} for name in names], "what the processes say")
    adapter = await case.open()
    found = await all_sessions(adapter, SessionQuery(order="created"))
    case.same(sorted(info.id for info in found), names, "the sessions that they saved")


@clause(
    "processes.sees",
    "What one process was told is stored, another sees at once.",
    needs=SHARED,
    level=Level.DEFAULT,
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


@clause(
    "processes.cursor",
    "A cursor is good in another process.",
    needs=SHARED,
    level=Level.DEFAULT,
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
