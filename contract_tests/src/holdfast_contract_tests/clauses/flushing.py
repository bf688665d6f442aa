"""How writes are made durable: for everybody at once, and in nobody's name."""

import asyncio
from contextvars import ContextVar
from datetime import timedelta

from holdfast import Adapter, Capability, Session
from holdfast.toolkit import Observed
from holdfast_contract_tests.calls import calls_of
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

_caller: ContextVar[str] = ContextVar("holdfast_contract_caller", default="nobody")

_MEASURED = 20
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
    least: dict[str, float] = {}
    for name, call in calls_of(adapter.capabilities).items():
        await _begin(case, adapter)
        for _ in range(_MEASURED):
            await _make_room(case, adapter, name)
            before = case.loop().held()
            await call(adapter)
            held = max(0.0, case.loop().held() - before)
            least[name] = min(held, least.get(name, held))
        assert least[name] < _HELD, (
            f"{name} held the loop for {least[name] * 1000:.2f} ms or more, each of {_MEASURED} times"
        )
    worst = max(least, key=lambda name: least[name])
    case.notes.append(f"{worst} held the loop longest: {least[worst] * 1000:.2f} ms")


async def _begin(case: Case, adapter: Adapter) -> None:
    """The session "s" with a message "a"; whatever else was there is gone."""
    await adapter.sessions.delete("s")
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"))


async def _make_room(case: Case, adapter: Adapter, name: str) -> None:
    """See that the next call of this name does the whole of its work."""
    if name in ("sessions.delete", "messages.remove"):
        await _begin(case, adapter)
    elif name == "sessions.save":
        await adapter.sessions.delete("new")
    elif name == "sweep" and Capability.EXPIRY in adapter.capabilities:
        await adapter.sessions.save(Session(id="old", expires_at=case.clock() + timedelta(seconds=1)))
        case.clock.pass_(seconds=1)
