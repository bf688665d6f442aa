"""Growth: what a call costs does not rise with the history. Ratios within one run, of the best of many tries."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from holdfast import Adapter, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause

_BOUND = 6.0
_TRIES = 15


async def _fill(case: Case, adapter: Adapter, name: str, count: int) -> None:
    await adapter.sessions.save(Session(id=name))
    for start in range(0, count, 500):
        words = [f"m{number}" for number in range(start, min(count, start + 500))]
        await adapter.messages.append(name, case.say(*words))


async def _ratio(short: Callable[[int], Awaitable[Any]], long: Callable[[int], Awaitable[Any]]) -> float:
    """How much more the long one costs, each by the best of several tries that take turns."""
    best = [float("inf"), float("inf")]
    for number in range(_TRIES):
        for index, call in enumerate((short, long)):
            started = perf_counter()
            await call(number)
            best[index] = min(best[index], perf_counter() - started)
    return best[1] / best[0]


def _check(case: Case, ratio: float, what: str) -> None:
    case.notes.append(f"{what}: {ratio:.1f} times")
    assert ratio < _BOUND, f"{what} costs {ratio:.1f} times as much, {_BOUND} are allowed"


@clause("growth.append", "An append costs the same behind 10 and behind 2,000 messages.")
async def append(case: Case) -> None:
    adapter = await case.open()
    long = case.size(2_000, 2_000, 20_000)
    await _fill(case, adapter, "short", 10)
    await _fill(case, adapter, "long", long)
    ratio = await _ratio(
        lambda number: adapter.messages.append("short", case.say(f"new{number}")),
        lambda number: adapter.messages.append("long", case.say(f"new{number}")),
    )
    _check(case, ratio, f"an append behind {long:,} messages, beside one behind 10,")


@clause("growth.newest", "The newest 20 cost the same of 200 and of 5,000 messages.")
async def newest(case: Case) -> None:
    adapter = await case.open()
    long = case.size(5_000, 5_000, 50_000)
    await _fill(case, adapter, "short", 200)
    await _fill(case, adapter, "long", long)
    ratio = await _ratio(
        lambda _: adapter.messages.find("short", last=20), lambda _: adapter.messages.find("long", last=20)
    )
    _check(case, ratio, f"reading the newest 20 of {long:,}, beside those of 200,")


@clause("growth.state", "A save costs the same behind 10 and behind 2,000 messages.")
async def state(case: Case) -> None:
    adapter = await case.open()
    await _fill(case, adapter, "short", 10)
    await _fill(case, adapter, "long", 2_000)

    async def save(name: str) -> None:
        session = await adapter.sessions.get(name)
        assert session is not None
        await adapter.sessions.save(session)

    ratio = await _ratio(lambda _: save("short"), lambda _: save("long"))
    _check(case, ratio, "a save behind 2,000 messages, beside one behind 10,")
