"""How writes are made durable: for everybody at once, and in nobody's name."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from holdfast import Session
from holdfast.toolkit import Observed
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

_caller: ContextVar[str] = ContextVar("holdfast_contract_caller", default="nobody")

_HELD = 0.00005  # seconds; what a fast disk takes for one write is twice that, and what waits elsewhere takes none


@clause(
    "flush.in_nobodys_context",
    "What is flushed for several callers runs in the context of none: no log field, tenant or span leaks.",
    level=Level.SMOKE,
)
async def in_nobodys_context(case: Case) -> None:
    seen: list[str] = []

    def observe(observed: Observed) -> None:
        if observed.name == "flush":
            seen.append(_caller.get())

    adapter = await case.open(observer=observe)
    for name in ("jane", "joe"):
        _caller.set(name)
        await adapter.sessions.save(Session(id=name))
        calls = [adapter.messages.append(name, case.say(f"m{number}")) for number in range(4)]
        await asyncio.gather(*calls)
    assert seen, "no flush was told to the observer"
    case.same(set(seen), {"nobody"}, "the contexts in which flushes ran")


@clause(
    "flush.in_nobodys_task",
    "A write is never flushed in its caller's task, even if it is alone: the caller may be cancelled.",
    level=Level.SMOKE,
)
async def in_nobodys_task(case: Case) -> None:
    callers: list[asyncio.Task[object] | None] = []

    def observe(observed: Observed) -> None:
        if observed.name == "flush":
            callers.append(asyncio.current_task())

    adapter = await case.open(observer=observe)
    mine = asyncio.current_task()
    await adapter.sessions.save(Session(id="s"))
    for number in range(3):
        await adapter.messages.append("s", case.say(f"m{number}"))
    assert len(callers) >= 4, f"{len(callers)} flushes were told to the observer, of 4 writes one after the other"
    assert mine not in callers, "a write was flushed in its caller's task"


@clause(
    "flush.own_outcome",
    "Of writes that fly together each has its own outcome: one that is refused takes nothing from the others.",
    level=Level.SMOKE,
)
async def own_outcome(case: Case) -> None:
    adapter = await case.open()
    for name in ("a", "b", "c"):
        await adapter.sessions.save(Session(id=name))
    for number in range(4):
        names = ["a", "none", "b", "none either", "c"]
        results = await asyncio.gather(
            *(adapter.messages.append(name, case.say(f"m{number}")) for name in names), return_exceptions=True
        )
        kinds = [type(result).__name__ if isinstance(result, BaseException) else "stored" for result in results]
        case.same(kinds, ["stored", "NotFound", "stored", "NotFound", "stored"], "the outcomes")
    for name in ("a", "b", "c"):
        found = [(message.id, message.seq) for message in await adapter.messages.find(name)]
        case.same(found, [(f"m{number}", number + 1) for number in range(4)], f"the messages of {name!r}")


@clause(
    "flush.loop_stays_free",
    "While the backend works, the event loop is free for others.",
)
async def loop_stays_free(case: Case) -> None:
    # The least of many measurements: a call that blocks does so always, and a busy machine only now and then.
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    calls: dict[str, Callable[[str], Awaitable[Any]]] = {
        "messages.append": lambda word: adapter.messages.append("s", case.say(word)),
        "messages.find": lambda _: adapter.messages.find("s", last=5),
        "sessions.get": lambda _: adapter.sessions.get("s"),
        "sessions.save": lambda word: adapter.sessions.save(Session(id=word)),
    }
    for name, call in calls.items():
        held: list[float] = []
        for number in range(25):
            before = case.loop().held()
            await call(f"m{number}")
            held.append(max(0.0, case.loop().held() - before))
        case.notes.append(f"{name}: {min(held) * 1000:.2f} ms")
        assert min(held) < _HELD, f"{name} held the loop for {min(held) * 1000:.2f} ms or more, each of 25 times"
