"""Cancellation: a caller may go away at any moment, and takes nothing from anybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from holdfast import Adapter, Capability, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.reading import all_messages

_DENSE = 24
_LAST = 4096

Call = Callable[[], Coroutine[Any, Any, Any]]


async def at_each_turn_of_the_loop(case: Case, what: str, call: Callable[[int], Call]) -> AsyncIterator[int]:
    """Cancel a call after 0, 1, 2… turns of the loop, then at wider steps, until one ends before that."""
    turns, points = 0, 0
    while turns <= _LAST:
        task = asyncio.ensure_future(call(turns)())
        for _ in range(turns):
            await asyncio.sleep(0)
        ended = task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not (task.cancelled() or ended or task.exception() is None):
            raise AssertionError(f"{what} was cancelled after {turns} turns and raised {task.exception()!r}")
        points += not ended
        with case.about(f"{what} cancelled after {turns} turns of the loop"):
            yield turns
        if ended:
            break
        turns += 1 if turns < _DENSE else turns // 3
    case.notes.append(f"{what}: {points} points")


@clause(
    "cancel.append",
    "An append that is cancelled at any point is stored whole or not at all; a retry stores it once.",
)
async def append(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))

    def call(number: int) -> Call:
        return lambda: adapter.messages.append("s", case.say(f"{number}a", f"{number}b"), turn_id=f"t{number}")

    stored = 0
    async for number in at_each_turn_of_the_loop(case, "an append", call):
        found = [message.id for message in await all_messages(adapter, "s")][stored:]
        assert found in ([], [f"{number}a", f"{number}b"]), f"of the append {found} is there"
        told = await call(number)()
        case.same([message.seq for message in told], [stored + 1, stored + 2], "the positions after the retry")
        stored += 2
    case.same([m.seq for m in await all_messages(adapter, "s")], list(range(1, stored + 1)), "all positions")


@clause(
    "cancel.turn",
    "A turn that is cancelled at any point is stored with its state or not at all; a retry stores it once.",
)
async def turn(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))

    def turn_of(number: int) -> Turn:
        changed = session.model_copy(update={"data": {"n": number}})
        return Turn(
            id=f"t{number}", session_id="s", session=changed, messages=case.say(f"{number}a", f"{number}b")
        )

    def call(number: int) -> Call:
        return lambda: adapter.commit(turn_of(number))

    async for number in at_each_turn_of_the_loop(case, "a turn", call):
        seen = {message.id for message in await all_messages(adapter, "s")} & {f"{number}a", f"{number}b"}
        assert len(seen) in {0, 2}, f"of the turn's two messages {seen} is there"
        done = await adapter.commit(turn_of(number))  # what was cancelled may still be on its way
        case.same(done.session.version, session.version + 1, "the version after the retry")
        loaded = await adapter.sessions.get("s")
        assert loaded is not None
        case.same(loaded.data, {"n": number}, "the state after the retry")
        session = loaded
    case.same(len(await all_messages(adapter, "s")), 2 * (session.version - 1), "how many messages are stored")


@clause(
    "cancel.save",
    "A save that is cancelled at any point is stored once by its retry, never a conflict.",
    level=Level.SMOKE,
)
async def save(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))

    def call(number: int) -> Call:
        changed = session.model_copy(update={"data": {"n": number}})
        return lambda: adapter.sessions.save(changed, turn_id=f"t{number}")

    async for number in at_each_turn_of_the_loop(case, "a save", call):
        saved = await call(number)()
        case.same((saved.version, saved.data), (session.version + 1, {"n": number}), "version and data")
        session = saved
    case.same(await adapter.sessions.get("s"), session, "the session as it is stored")


@clause(
    "cancel.removal",
    "A removal that is cancelled at any point is done once by its retry.",
    needs=[Capability.REMOVE],
)
async def removal(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say(*(f"m{number}" for number in range(200))))

    def call(number: int) -> Call:
        at = rounds * 2
        return lambda: adapter.messages.remove("s", after=at, through=at + 1, turn_id=f"t{number}")

    rounds = 0
    async for number in at_each_turn_of_the_loop(case, "a removal", call):
        case.same(await call(number)(), 1, "how many the retry says were removed")
        rounds += 1
    left = [message.seq for message in await all_messages(adapter, "s")]
    case.same(left, [seq for seq in range(1, 201) if seq % 2 == 0 or seq > rounds * 2], "what is left")


@clause(
    "cancel.deletion",
    "A deletion that is cancelled at any point is done by its retry, and never ends the next life.",
)
async def deletion(case: Case) -> None:
    adapter = await case.open()

    def call(number: int) -> Call:
        del number
        return lambda: adapter.sessions.delete("s")

    await _refill(case, adapter)
    async for _ in at_each_turn_of_the_loop(case, "a deletion", call):
        await adapter.sessions.delete("s")  # what was cancelled may still be on its way
        case.same(await adapter.sessions.get("s"), None, "the session after its deletion")
        await _refill(case, adapter)


async def _refill(case: Case, adapter: Adapter) -> None:
    """A session of three messages; nothing of an earlier life may be in it."""
    await adapter.sessions.save(Session(id="s"))
    case.same(await all_messages(adapter, "s"), [], "the messages of a new life")
    told = await adapter.messages.append("s", case.say(*"abc"))
    case.same([message.seq for message in told], [1, 2, 3], "their positions")


@clause(
    "cancel.read",
    "A read that is cancelled at any point leaves nothing behind: the next gets its own answer.",
    level=Level.SMOKE,
)
async def read(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "other"):
        await adapter.sessions.save(Session(id=name, data={"name": name}))
        await adapter.messages.append(name, case.say(f"{name} a"))
    calls: dict[str, Callable[[int], Call]] = {
        "sessions.get": lambda _: lambda: adapter.sessions.get("s"),
        "messages.find": lambda _: lambda: adapter.messages.find("s"),
        "messages.get": lambda _: lambda: adapter.messages.get("s", "s a"),
    }
    for what, call in calls.items():
        async for _ in at_each_turn_of_the_loop(case, what, call):
            other = await adapter.sessions.get("other")
            assert other is not None
            case.same(other.data, {"name": "other"}, "the state of the other session")
            case.same([m.id for m in await adapter.messages.find("other")], ["other a"], "its messages")


@clause("cancel.others", "Writes that are cancelled take nothing from those that were sent beside them.")
async def others(case: Case) -> None:
    adapter = await case.open()
    names = [f"s{number}" for number in range(12)]
    for name in names:
        await adapter.sessions.save(Session(id=name))
    for turns in (0, 1, 2, 3, 5, 8, 13, 30):
        tasks = [
            asyncio.ensure_future(adapter.messages.append(name, case.say(f"{turns}"), turn_id=f"{turns}"))
            for name in names
        ]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        with case.about(f"every third of twelve appends cancelled after {turns} turns of the loop"):
            for number, result in enumerate(results):
                if number % 3:
                    assert not isinstance(result, BaseException), f"{names[number]!r} was told {result!r}"
                await adapter.messages.append(names[number], case.say(f"{turns}"), turn_id=f"{turns}")
    for name in names:
        found = [(m.id, m.seq) for m in await all_messages(adapter, name)]
        expected = [(f"{turns}", at) for at, turns in enumerate((0, 1, 2, 3, 5, 8, 13, 30), 1)]
        case.same(found, expected, f"the messages of {name!r}")


@clause(
    "cancel.twin",
    "Of two callers who send one turn, one may go away, and the other gets his answer.",
    level=Level.SMOKE,
)
async def twin(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    for turns in range(12):
        sent = Turn(id=f"t{turns}", session_id="s", messages=case.say(f"m{turns}"))
        one, other = (asyncio.ensure_future(adapter.commit(sent)) for _ in range(2))
        for _ in range(turns):
            await asyncio.sleep(0)
        one.cancel()
        with case.about(f"the first cancelled after {turns} turns of the loop"):
            done = await other
            case.same([message.seq for message in done.messages], [turns + 1], "the position")
        await asyncio.gather(one, return_exceptions=True)


@clause(
    "cancel.storm",
    "In a storm of cancellations nobody gets another's answer, and what was acknowledged is there.",
)
async def storm(case: Case) -> None:
    adapter = await case.open()
    names = [f"s{number}" for number in range(8)]
    for name in names:
        await adapter.sessions.save(Session(id=name, data={"name": name}))
    acknowledged: dict[str, list[str]] = {name: [] for name in names}

    async def work(name: str) -> None:
        for number in range(case.size(10, 40, 400)):
            word = f"{name} {number}"
            [told] = await _or_gone(case, adapter.messages.append(name, case.say(word))) or [None]
            if told is not None:
                case.same(told.id, word, "the message of an answer")
                acknowledged[name].append(word)
            session = await _or_gone(case, adapter.sessions.get(name))
            if session is not None:
                case.same(session.data, {"name": name}, "the state of an answer")

    await asyncio.gather(*map(work, names))
    for name in names:
        found = [message.id for message in await all_messages(adapter, name)]
        lost = set(acknowledged[name]) - set(found)
        assert not lost, f"{len(lost)} of {name!r} were acknowledged and are lost: {sorted(lost)[:5]}"
        case.same(len(found), len(set(found)), "how often each is there")


async def _or_gone(case: Case, call: Awaitable[Any]) -> Any:
    """The answer, or None where chance cancelled the call before."""
    task = asyncio.ensure_future(call)
    if case.random.random() < 0.5:
        for _ in range(case.random.randrange(12)):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None
