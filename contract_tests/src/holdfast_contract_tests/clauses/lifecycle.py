"""New, open, closed; one loop; one process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from holdfast import (
    AdapterClosed,
    Capability,
    HoldfastError,
    Session,
    SessionQuery,
    WrongEventLoop,
    WrongProcess,
)
from holdfast_contract_tests.calls import CALLS, calls_of
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.forking import raised_in_a_fork
from holdfast_contract_tests.verdict import ContractError

_PATIENCE = 5.0  # seconds for threads to end
_READS = ("sessions.get", "sessions.find", "messages.find", "messages.get", "ping")


@clause(
    "lifecycle.not_open",
    "Before it is opened, and after it was closed, every call is `AdapterClosed`.",
    level=Level.SMOKE,
)
async def not_open(case: Case) -> None:
    calls = calls_of((await case.open()).capabilities)
    adapter = await case.new()
    for when in ("before it was opened", "after it was closed"):
        for name, call in calls.items():
            with case.about(f"{name} {when}"):
                await case.refused(AdapterClosed, call(adapter))
        if when.startswith("before"):
            await adapter.initialize()
            await adapter.aclose()


@clause(
    "lifecycle.facts", "What it can do is known once it is open; its limits are known before.", level=Level.SMOKE
)
async def facts(case: Case) -> None:
    adapter = await case.new()
    assert adapter.limits.page >= 1
    for name in ("capabilities", "durability", "findings", "schema"):
        try:
            found = getattr(adapter, name)
        except AdapterClosed:
            continue
        raise ContractError(f"before it was opened, {name} is {found!r}; expected AdapterClosed")
    async with adapter:
        assert isinstance(adapter.capabilities, frozenset), f"capabilities is {adapter.capabilities!r}"
        assert isinstance(adapter.durability.value, int)
        assert all(finding.code and finding.why for finding in adapter.findings)
        assert adapter.schema is None or adapter.schema >= 1, f"schema is {adapter.schema!r}"


@clause(
    "lifecycle.twice",
    "Opening twice and closing twice do nothing more, and closing what is new does nothing.",
    level=Level.SMOKE,
)
async def twice(case: Case) -> None:
    adapter = await case.new()
    await adapter.aclose()
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    await adapter.initialize()
    assert await adapter.sessions.get("s") is not None, "what was saved is gone after a second opening"
    await adapter.aclose()
    await adapter.aclose()


@clause("lifecycle.closed_for_good", "What was closed cannot be opened again.")
async def closed_for_good(case: Case) -> None:
    adapter = await case.new()
    async with adapter:
        await adapter.ping()
    await case.refused(AdapterClosed, adapter.initialize())


@clause("lifecycle.error_inside", "An error inside of `async with` closes it, and comes out as it is.")
async def error_inside(case: Case) -> None:
    adapter = unwatched(await case.new())  # what its own __aexit__ answers decides what becomes of an error

    async def fail() -> None:
        async with adapter:
            raise ZeroDivisionError

    await case.refused(ZeroDivisionError, fail())
    await case.refused(AdapterClosed, adapter.ping())


@clause("lifecycle.opened_at_once", "Whoever opens it at the same time finds it open.")
async def opened_at_once(case: Case) -> None:
    adapter = await case.new()

    async def use(name: str) -> frozenset[str]:
        await adapter.initialize()
        await adapter.sessions.save(Session(id=name))
        return adapter.capabilities

    try:
        names = [f"s{number}" for number in range(5)]
        answers = await asyncio.gather(*map(use, names))
        case.same(set(answers), {adapter.capabilities}, "the capabilities that each found")
        await case.listed(adapter, SessionQuery(order="created"), names)
    finally:
        await adapter.aclose()


@clause("lifecycle.handles_at_once", "Eight handles that are opened at once where nothing is yet are all usable.")
async def handles_at_once(case: Case) -> None:
    adapters = [await case.new() for _ in range(8)]
    try:
        await asyncio.gather(*(adapter.initialize() for adapter in adapters))
        for number, adapter in enumerate(adapters):
            await adapter.sessions.save(Session(id=f"s{number}"))
    finally:
        await asyncio.gather(*(adapter.aclose() for adapter in adapters))


@clause("lifecycle.cancelled_opening", "An opening that is cancelled at any point can be tried again.")
async def cancelled_opening(case: Case) -> None:
    for turns in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        with case.about(f"an opening that was cancelled after {turns} turns of the loop"):
            adapter = await case.new()
            task = asyncio.ensure_future(adapter.initialize())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await adapter.initialize()
            await adapter.sessions.save(Session(id=f"s{turns}"))
            await adapter.aclose()


@clause("lifecycle.closing_answers", "What runs while it closes ends well, or is refused with an error of ours.")
async def closing_answers(case: Case) -> None:
    adapter = await case.new()
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"))
    names = [*calls_of(adapter.capabilities)] * 2
    running = [asyncio.ensure_future(CALLS[name](adapter)) for name in names]
    await asyncio.sleep(0)
    await adapter.aclose()
    for name, answer in zip(names, await asyncio.gather(*running, return_exceptions=True), strict=True):
        if isinstance(answer, BaseException) and not isinstance(answer, HoldfastError):
            raise ContractError(f"while it closed, {name} raised {answer!r}") from answer


@clause(
    "lifecycle.closing_keeps",
    "What was acknowledged while it closed is there.",
    needs=[Capability.SURVIVES_PROCESS],
)
async def closing_keeps(case: Case) -> None:
    adapter = await case.new()
    await adapter.initialize()
    await adapter.sessions.save(Session(id="s"))
    words = [f"m{number}" for number in range(20)]
    running = [asyncio.ensure_future(adapter.messages.append("s", case.say(word))) for word in words]
    await asyncio.sleep(0)
    await adapter.aclose()
    answers = await asyncio.gather(*running, return_exceptions=True)
    told = {answer[0].id for answer in answers if not isinstance(answer, BaseException)}
    again = await case.open()
    lost = told - {message.id for message in await again.messages.find("s")}
    assert not lost, f"acknowledged while it closed, and lost: {sorted(lost)}"


@clause("lifecycle.nothing_left", "When it is closed, no task and no thread of it runs on.")
async def nothing_left(case: Case) -> None:
    async with await case.new() as first:
        await first.ping()  # what a process needs once, for all adapters, may begin here and stay
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    adapter = await case.new()
    async with adapter:
        await adapter.sessions.save(Session(id="s"))
        await asyncio.gather(*(adapter.messages.append("s", case.say(f"m{n}")) for n in range(8)))
        for read in _READS:
            await asyncio.gather(*(CALLS[read](adapter) for _ in range(4)))
    await asyncio.sleep(0)
    left = {task.get_name() for task in asyncio.all_tasks() - tasks}
    assert not left, f"tasks run on after it was closed: {left}"
    alive = [thread for thread in threading.enumerate() if thread not in threads and not _of_the_loop(thread)]
    for thread in alive:
        await asyncio.to_thread(thread.join, _PATIENCE)
    running = [thread.name for thread in alive if thread.is_alive()]
    assert not running, f"threads run on after it was closed: {running}"


def _of_the_loop(thread: threading.Thread) -> bool:
    """Whether it belongs to ``asyncio.to_thread``: it ends with the loop, and is nobody's in particular."""
    return thread.name.startswith("asyncio_")


@clause(
    "lifecycle.views",
    "Closing a view of a tenant closes nothing; closing the adapter closes its views.",
    needs=[Capability.TENANTS],
)
async def views(case: Case) -> None:
    adapter = await case.new()
    async with adapter:
        view = adapter.for_tenant("t")
        await view.aclose()
        async with view:
            await view.ping()
        await adapter.ping()
        calls = calls_of(adapter.capabilities)
    for name, call in calls.items():
        with case.about(f"{name} of a view"):
            await case.refused(AdapterClosed, call(view))


@clause("lifecycle.other_loop", "In another event loop than its own, every call is `WrongEventLoop`.")
async def other_loop(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    calls = {**calls_of(adapter.capabilities), "aclose": lambda a: a.aclose()}
    for name, call in calls.items():
        raised = await asyncio.to_thread(_raised_elsewhere, partial(call, adapter))
        case.same(raised, WrongEventLoop.__name__, f"what {name} raises in another loop")
    await adapter.messages.append("s", case.say("a"))


def _raised_elsewhere(call: Callable[[], Awaitable[Any]]) -> str:
    async def run() -> str:
        try:
            await call()
        except Exception as error:  # noqa: BLE001 - it is compared by the caller
            return type(error).__name__
        return "nothing"

    return asyncio.run(run())


@clause("lifecycle.other_process", "In a forked child, every call is `WrongProcess`, and the parent goes on.")
async def other_process(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    for name, call in calls_of(adapter.capabilities).items():
        raised = raised_in_a_fork(partial(call, adapter))
        case.same(raised, WrongProcess.__name__, f"what {name} raises in a forked child")
    await adapter.messages.append("s", case.say("a"))
    case.same([m.id for m in await adapter.messages.find("s")], ["a"], "what the parent wrote since")
