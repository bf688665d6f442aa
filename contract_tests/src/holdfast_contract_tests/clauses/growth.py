"""Growth: what a call costs does not rise with the history. Ratios within one run, of the best of many tries."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from holdfast import Adapter, Session
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.clauses.walks import save_all

_BOUND = 6.0
_TRIES = 15


async def _open(case: Case, **how: Any) -> Adapter:
    """An adapter without the suite's own journal, which would cost more than many a call."""
    return unwatched(await case.open(**how))


async def _fill(case: Case, adapter: Adapter, name: str, count: int) -> None:
    await adapter.sessions.save(Session(id=name))
    step = min(500, adapter.limits.turn_messages)
    for start in range(0, count, step):
        words = [f"m{number}" for number in range(start, min(count, start + step))]
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
    adapter = await _open(case)
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
    adapter = await _open(case)
    long = case.size(5_000, 5_000, 50_000)
    await _fill(case, adapter, "short", 200)
    await _fill(case, adapter, "long", long)
    size = min(20, adapter.limits.page)
    ratio = await _ratio(
        lambda _: adapter.messages.find("short", last=size), lambda _: adapter.messages.find("long", last=size)
    )
    _check(case, ratio, f"reading the newest {size} of {long:,}, beside those of 200,")


@clause("growth.state", "A save costs the same behind 10 and behind 2,000 messages.")
async def state(case: Case) -> None:
    adapter = await _open(case)
    await _fill(case, adapter, "short", 10)
    await _fill(case, adapter, "long", 2_000)

    async def save(name: str) -> None:
        session = await adapter.sessions.get(name)
        assert session is not None
        await adapter.sessions.save(session)

    ratio = await _ratio(lambda _: save("short"), lambda _: save("long"))
    _check(case, ratio, "a save behind 2,000 messages, beside one behind 10,")


@clause("growth.by_id", "A message by its id, and an append that is sent again, cost the same of 10 and of 2,000.")
async def by_id(case: Case) -> None:
    adapter = await _open(case)
    long = case.size(2_000, 2_000, 20_000)
    await _fill(case, adapter, "short", 10)
    await _fill(case, adapter, "long", long)
    ratio = await _ratio(
        lambda number: adapter.messages.get("short", f"m{number % 10}"),
        lambda number: adapter.messages.get("long", f"m{number * 100}"),
    )
    _check(case, ratio, f"reading one of {long:,} messages by its id, beside one of 10,")
    ratio = await _ratio(
        lambda number: adapter.messages.append("short", case.say(f"m{number % 10}")),
        lambda number: adapter.messages.append("long", case.say(f"m{number * 100}")),
    )
    _check(case, ratio, f"an append that is sent again behind {long:,} messages, beside one behind 10,")


@clause("growth.deep", "A page deep in 2,000 messages costs what one of 60 messages does.")
async def deep(case: Case) -> None:
    adapter = await _open(case)
    long, size = case.size(2_000, 2_000, 20_000), min(5, adapter.limits.page)
    await _fill(case, adapter, "short", 60)
    await _fill(case, adapter, "long", long)
    for bound in ("after", "before"):

        def page(name: str, at: int, bound: str = bound) -> Awaitable[Any]:
            where: dict[str, Any] = {bound: at}
            return adapter.messages.find(name, limit=size, **where)

        ratio = await _ratio(
            lambda number: page("short", 25 + number % 10), lambda number: page("long", long - 25 - number % 10)
        )
        _check(case, ratio, f"a page with `{bound}` near the end of {long:,} messages, beside one of 60,")


@clause("growth.sessions", "A session by its id costs the same among 10 sessions and among 1,000.")
async def sessions(case: Case) -> None:
    few, many = [await _open(case, env=case.elsewhere(f"{case.env.namespace}_{name}")) for name in ("few", "many")]
    count = case.size(1_000, 1_000, 10_000)
    await save_all(few, [f"s{number}" for number in range(10)])
    await save_all(many, [f"s{number}" for number in range(count)])
    ratio = await _ratio(
        lambda number: few.sessions.get(f"s{number % 10}"), lambda number: many.sessions.get(f"s{number * 60}")
    )
    _check(case, ratio, f"a session by its id among {count:,}, beside one among 10,")
