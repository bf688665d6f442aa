"""Order: positions are given by the store, in the order in which it is told."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from holdfast import Adapter, Message, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.reading import all_messages

MANY = 120  # more than one digit of positions: text sorts "10" before "9"


async def load(adapter: Adapter, session_id: str = "s") -> Session:
    """A session that is there."""
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"session {session_id!r} was stored, and is not there"
    return session


def positions(messages: Sequence[Message]) -> dict[str, int | None]:
    """Where messages stand, by id."""
    return {message.id: message.seq for message in messages}


@clause("order.dense", "Positions are 1, 2, 3… in each session, without a hole.", level=Level.SMOKE)
async def dense(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "other"):
        await adapter.sessions.save(Session(id=name))
        for number in range(MANY // 4):
            words = [f"m{number}-{part}" for part in range(4)]
            told = await adapter.messages.append(name, case.say(*words))
            case.same([message.seq for message in told], list(range(number * 4 + 1, number * 4 + 5)), "positions")
    for name in ("s", "other"):
        found = await adapter.messages.find(name, limit=MANY)
        case.same([message.seq for message in found], list(range(1, MANY + 1)), "positions as read")
        session = await load(adapter, name)
        case.same((session.last_seq, session.message_count), (MANY, MANY), "last_seq and message_count")


@clause("order.as_given", "Messages of one call get their positions in the order of the call.", level=Level.SMOKE)
async def as_given(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    words = ["z", "a", "10", "9", "m", "B", "é", "a b", "2"]
    told = await adapter.messages.append("s", case.say(*words))
    case.same(positions(told), {word: seq for seq, word in enumerate(words, 1)}, "positions as told")
    turn = Turn(session_id="s", messages=case.say("y", "b", "x"))
    done = await adapter.commit(turn)
    case.same(positions(done.messages), {"y": 10, "b": 11, "x": 12}, "positions as told by commit")
    [last] = await adapter.messages.append("s", case.say("c"))
    case.same(last.seq, 13, "the position of the next message")
    found = list(await adapter.messages.find("s"))
    case.same(found, [*told, *done.messages, last], "the messages as read, beside what the calls answered")


@clause(
    "order.sessions_at_once",
    "Each session counts for itself, also where many are appended to at once.",
    level=Level.SMOKE,
)
async def sessions_at_once(case: Case) -> None:
    adapter = await case.open()
    names = [f"s{number}" for number in range(8)]
    for name in names:
        await adapter.sessions.save(Session(id=name))
    for turn in range(3):
        words = [f"{turn}{part}" for part in "zab"]
        told = await asyncio.gather(*(adapter.messages.append(name, case.say(*words)) for name in names))
        expected = {word: turn * 3 + part for part, word in enumerate(words, 1)}
        for name, messages in zip(names, told, strict=True):
            case.same(positions(messages), expected, f"positions in {name!r}")


@clause(
    "order.writers_at_once",
    "Writers at once leave no holes, and what one appends stays together.",
    level=Level.SMOKE,
)
async def writers_at_once(case: Case) -> None:
    handles = await case.handles(4)
    await handles[0].sessions.save(Session(id="s"))
    words = [[f"{writer}-{part}" for part in "zab"] for writer in range(20)]
    calls = [handles[writer % 4].messages.append("s", case.say(*said)) for writer, said in enumerate(words)]
    told = await asyncio.gather(*calls)
    for said, messages in zip(words, told, strict=True):
        first = messages[0].seq or 0
        case.same(positions(messages), {word: first + part for part, word in enumerate(said)}, "one writer's part")
    every = sorted(message.seq or 0 for messages in told for message in messages)
    case.same(every, list(range(1, 61)), "all positions that were given")
    found = await all_messages(handles[-1], "s")
    expected = sorted((message for messages in told for message in messages), key=lambda one: one.seq or 0)
    case.same(list(found), expected, "the messages as read")


# --- what decides ---------------------------------------------------------------------------------


@clause("order.not_by_time", "The time of a message never decides where it stands.")
async def not_by_time(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    for hours in range(5):
        at = case.clock() - timedelta(hours=hours)
        await adapter.messages.append("s", case.say(f"m{hours}", created_at=at))
    case.clock.pass_(hours=-1)
    await adapter.messages.append("s", case.say("after the clock was set back"))
    expected = ["m0", "m1", "m2", "m3", "m4", "after the clock was set back"]
    case.same([message.id for message in await adapter.messages.find("s")], expected, "the order")
    case.same([message.id for message in await adapter.messages.find("s", last=2)], expected[-2:], "the last two")


@clause("order.last_message_at", "`last_message_at` is the time of the message that stands last.")
async def last_message_at(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    case.same((await load(adapter)).last_message_at, None, "last_message_at without messages")
    times = [case.clock() + timedelta(hours=hours) for hours in (3, -5, 9, 2)]
    said = [Message(id=f"m{number}", role="user", created_at=at) for number, at in enumerate(times)]
    await adapter.messages.append("s", said)
    case.same((await load(adapter)).last_message_at, times[-1], "last_message_at")
    await adapter.messages.append("s", said[2:3])
    case.same((await load(adapter)).last_message_at, times[-1], "last_message_at after a message sent again")
    await adapter.messages.append("s", case.say("old", created_at=times[1]))
    case.same((await load(adapter)).last_message_at, times[1], "last_message_at after an older message")
