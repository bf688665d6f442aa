"""Races of those who append, over several handles where others can see the data."""

import asyncio

from holdfast import Adapter, Capability, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.checker import History
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.racing import RACERS
from holdfast_contract_tests.reading import all_messages


@clause(
    "races.appends",
    "Many who append to one session at once lose nothing, duplicate nothing, and keep each his own order.",
)
async def appends(case: Case) -> None:
    handles = await case.handles(4)
    await handles[0].sessions.save(Session(id="s"))
    history = History()
    writing = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(case.size(5, 12, 60)):
            words = [f"w{writer} n{number} {part}" for part in range(1 + (writer + number) % 3)]
            sent = history.send(f"writer {writer}", words)
            adapter = handles[writer % len(handles)]
            history.acknowledge(sent, await adapter.messages.append("s", case.say(*words)))

    async def read(reader: int) -> None:
        while not writing.is_set():
            history.read(f"reader {reader}", await all_messages(handles[-1 - reader], "s"))
            await asyncio.sleep(0)

    readers = [asyncio.ensure_future(read(reader)) for reader in range(2)]
    await asyncio.gather(*map(write, range(8)))
    writing.set()
    await asyncio.gather(*readers)
    history.check(await all_messages(handles[0], "s"))


@clause(
    "races.turns_whole",
    "A reader never sees a part of a turn: its messages stand together, and its state is there with them.",
)
async def turns_whole(case: Case) -> None:
    handles = await case.handles(3)
    await handles[0].sessions.save(Session(id="s", data={"turns": 0}))
    rounds = case.size(5, 15, 60)
    history = History()

    async def write() -> None:
        for number in range(rounds):
            session = await handles[0].sessions.get("s")
            assert session is not None
            session.data = {"turns": number + 1}
            words = [f"{number} {part}" for part in range(3)]
            sent = history.send("writer", words)
            turn = Turn(session_id="s", session=session, messages=case.say(*words))
            history.acknowledge(sent, (await handles[0].commit(turn)).messages)

    async def read(name: str, adapter: Adapter) -> None:
        while not done.done():
            before = await adapter.sessions.get("s")
            found = await all_messages(adapter, "s")
            after = await adapter.sessions.get("s")
            assert before is not None
            assert after is not None
            history.read(name, found)
            low, high = before.data["turns"] * 3, after.data["turns"] * 3
            assert low <= len(found) <= high, f"{len(found)} messages between states of {low} and of {high}"
            assert len(found) % 3 == 0, f"{len(found)} messages, of turns of 3"
            await asyncio.sleep(0)

    done = asyncio.ensure_future(write())
    await asyncio.gather(done, read("one reader", handles[1]), read("another", handles[2]))
    history.check(await all_messages(handles[0], "s"))


@clause("races.first_append", "Messages that are appended by many to a session just created are all there.")
async def first_append(case: Case) -> None:
    handles = await case.handles(RACERS)
    await handles[0].sessions.save(Session(id="s"))
    words = [f"m{number}" for number in range(5 * RACERS)]
    calls = [handles[number % RACERS].messages.append("s", case.say(word)) for number, word in enumerate(words)]
    told = [messages[0] for messages in await asyncio.gather(*calls)]
    found = await all_messages(handles[0], "s")
    case.same(sorted(message.id for message in found), sorted(words), "the messages")
    case.same([message.seq for message in found], list(range(1, len(words) + 1)), "their positions")
    case.same({(m.id, m.seq) for m in told}, {(m.id, m.seq) for m in found}, "the positions that were told")


@clause("races.duplicate", "A duplicate is acknowledged only when its message can be read, by anybody.")
async def duplicate(case: Case) -> None:
    handles = await case.handles(4)
    await handles[0].sessions.save(Session(id="s"))

    async def send_and_look(word: str, adapter: Adapter) -> None:
        [told] = await adapter.messages.append("s", case.say(word))
        for other in handles:
            found = await other.messages.get("s", word)
            assert found is not None, f"{word!r} was acknowledged at {told.seq}, and cannot be read"
            case.same(found.seq, told.seq, f"the position of {word!r}")

    for number in range(10):
        await asyncio.gather(*(send_and_look(f"m{number}", adapter) for adapter in handles))


@clause(
    "races.pops",
    "Of many who take the same last message away at once, each message goes to exactly one.",
    needs=[Capability.REMOVE],
)
async def pops(case: Case) -> None:
    handles = await case.handles(RACERS)
    await handles[0].sessions.save(Session(id="s"))
    for words in ("abcdef", "ghijkl"):
        await handles[0].messages.append("s", case.say(*words))

    async def pop(adapter: Adapter, seq: int) -> int:
        return await adapter.messages.remove("s", after=seq - 1, through=seq)

    for seq in (12, 11, 10, 5):
        taken = await asyncio.gather(*(pop(adapter, seq) for adapter in handles))
        case.same(sum(taken), 1, f"how many took the message at {seq}")
    left = await all_messages(handles[0], "s")
    case.same([message.seq for message in left], [1, 2, 3, 4, 6, 7, 8, 9], "what is left")


@clause(
    "races.removal",
    "A removal that races with appends takes exactly what it names, and the positions stay dense.",
    needs=[Capability.REMOVE],
)
async def removal(case: Case) -> None:
    handles = await case.handles(4)
    await handles[0].sessions.save(Session(id="s"))
    last = 0
    for number in range(6):
        told = await handles[0].messages.append("s", case.say(*(f"{number} {part}" for part in "abc")))
        low, high = told[0].seq or 0, told[-1].seq or 0
        calls = [a.messages.append("s", case.say(f"{number} new {by}")) for by, a in enumerate(handles[1:])]
        removed, *_ = await asyncio.gather(handles[0].messages.remove("s", after=low - 1, through=high), *calls)
        case.same(removed, 3, "how many were removed")
        found = await all_messages(handles[1], "s")
        case.same([m.seq for m in found if (m.seq or 0) > high], [high + 1, high + 2, high + 3], "the new ones")
        last = high + 3
        session = await handles[2].sessions.get("s")
        assert session is not None
        counted = (session.last_seq, session.message_count)
        case.same(counted, (last, 3 * (number + 1)), "last_seq and message_count")
