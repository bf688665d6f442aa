"""Writers that are cancelled at any moment: what they were told is there, whole, once."""

import asyncio
import random

import pytest
from tests.manager.chatting import do_again
from tests.manager.in_process import FORMS, faults, noting_in, unanswered
from tests.manager.writers import Writer, noting

from holdfast import Autosave, PersistenceManager


def points():
    """After how many turns of the loop to cancel: each of the first, then at wider steps."""
    turns = 0
    while turns < 1500:
        yield turns
        turns += 1 if turns < 24 else turns // 3


async def cancelled_after(turns, call):
    """Run a call and cancel it; whether it had ended before."""
    task = asyncio.create_task(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    ended = task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and task.exception() is not None:
        raise task.exception()
    return ended


@pytest.mark.parametrize("form", FORMS)
async def test_a_turn_that_is_cancelled_anywhere_is_there_whole_or_not_at_all(adapter, form):
    notes = []
    note = noting_in(notes)
    async with PersistenceManager(adapter, autosave=FORMS[form], hooks=noting(note)) as manager:
        writer = Writer(manager, FORMS[form], "w", life=0, chance=random.Random(0), note=note)
        for turns in points():
            asked = {"turn": f"w-0-{turns}", "at": "s", "sizes": [2, 1], "key": "log"}
            ended = await cancelled_after(turns, do_again(writer, [asked]))
            writer.pending, writer.requests = [], []
            assert await faults(adapter, notes) == [], f"cancelled after {turns} turns of the loop"
            await manager.flush()
            await do_again(writer, [asked])
            assert await faults(adapter, notes) == [], f"asked again after {turns} turns of the loop"
            if ended:
                break
    assert unanswered(notes) == []


async def test_a_turn_that_is_cancelled_anywhere_and_committed_again_is_there_once(adapter):
    manager = PersistenceManager(adapter)

    async def say(session, number, turns):
        async with session.turn() as turn:
            turns.append(turn)
            turn.add("user", f"{number}")
            session.data["n"] = number
            turn.add("assistant", f"and {number}")

    async with manager.session("s") as session:
        said = []
        for number, turns in enumerate(points()):
            begun = []
            ended = await cancelled_after(turns, say(session, number, begun))
            if not begun:
                continue  # it was cancelled before its first turn of the loop
            await begun[0].commit()
            said += [f"{number}", f"and {number}"]
            assert [message.content for message in await manager.history("s")] == said
            assert (await manager.load("s")).data == session.data == {"n": number}
            if ended:
                break


async def test_a_flush_that_is_cancelled_anywhere_loses_nothing(adapter):
    async with PersistenceManager(adapter, autosave=Autosave(every=60)) as manager:
        flushes = {"manager": lambda session: manager.flush(), "session": lambda session: session.flush()}
        for name, flush in flushes.items():
            said = 0
            async with manager.session(name) as session:
                for turns in points():
                    for _ in range(3):
                        async with session.turn() as turn:
                            turn.add("user", str(said))
                            said += 1
                            session.data["said"] = said
                    ended = await cancelled_after(turns, flush(session))
                    await session.flush()
                    stored = [message.content for message in await manager.history(name)]
                    assert stored == [str(number) for number in range(said)], f"{name}, {turns}"
                    assert (await manager.load(name)).data == {"said": said}
                    if ended:
                        break


async def test_closing_that_is_cancelled_anywhere_stores_all_that_waits(adapter):
    for turns in points():
        manager = await PersistenceManager(adapter, autosave=Autosave(every=60)).__aenter__()
        names = [f"{turns} {number}" for number in range(5)]
        for name in names:
            async with manager.session(name) as session:
                pass
            for number in range(3):
                async with session.turn() as turn:
                    turn.add("user", str(number))
                    session.data["said"] = number
        ended = await cancelled_after(turns + 1, manager.aclose())  # before its first turn there is no call yet
        for name in names:
            assert [message.content for message in await manager.history(name)] == ["0", "1", "2"]
            assert (await manager.load(name)).data == {"said": 2}
        if ended:
            break
