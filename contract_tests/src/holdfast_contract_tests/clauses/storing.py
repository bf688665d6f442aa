"""What is really in the backend, seen by the author's probe."""

import asyncio
from time import perf_counter

from holdfast import Capability, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

_DELAY = 20  # times; to wait for the lock would be hundreds
WORDS = "a sentence that nobody else says"


@clause(
    "redaction.gone",
    "The words of a redacted message are gone from the store before the call returns.",
    needs=[Capability.REPLACE],
    level=Level.SMOKE,
)
async def gone(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", content=WORDS))
    probe = await case.probe(adapter)
    assert WORDS.encode() in await probe.raw(), "the probe's raw() does not show what is stored"
    for word in ("a", "b"):
        await adapter.messages.replace("s", case.say(word, content="redacted")[0])
    assert WORDS.encode() not in await probe.raw(), "the old words are still in the store"


@clause(
    "identity.rows_freed", "What a deleted session held is freed when the deletion returns.", level=Level.SMOKE
)
async def rows_freed(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="stays"))
    probe = await case.probe(adapter)
    before = await probe.rows()
    for _ in range(2):
        await adapter.sessions.save(Session(id="s", data={"a": 1}))
        await adapter.messages.append("s", case.say(*(f"m{number}" for number in range(600))))
        more = await probe.rows()
        assert more >= before + 600, f"the probe counts {more} rows, {before} before 600 messages"
        await adapter.sessions.delete("s")
        case.same(await probe.rows(), before, "how many rows are left")


@clause(
    "locks.others_go_on",
    "A session that somebody else holds locked delays no other, and waits for its turn.",
    level=Level.SMOKE,
)
async def others_go_on(case: Case) -> None:
    adapter = await case.open()
    names = ["held", *(f"s{number}" for number in range(8))]
    for name in names:
        await adapter.sessions.save(Session(id=name))

    async def round_of_others(number: int) -> float:
        started = perf_counter()
        calls = [adapter.messages.append(name, case.say(f"m{number}")) for name in names[1:]]
        await asyncio.gather(*calls)
        return perf_counter() - started

    free = min([await round_of_others(number) for number in range(3)])
    async with (await case.probe(adapter)).lock("held"):
        held = asyncio.ensure_future(adapter.messages.append("held", case.say("a")))
        await asyncio.sleep(0)
        beside = min([await round_of_others(number) for number in range(3, 6)])
        assert not held.done(), f"the write to the locked session came back: {held}"
    case.same([message.seq for message in await held], [1], "the position after the lock was lifted")
    case.notes.append(f"beside a lock the others took {beside / free:.1f} times as long")
    assert beside < _DELAY * free, f"beside a lock the others took {beside / free:.0f} times as long"
