"""What the tests of autosave share: ways to wait, a turn, and what is stored of it."""

import asyncio

from holdfast import Autosave, Hooks

SOON = Autosave(every=0.001)
NEVER = Autosave(every=3600)  # in these tests, not by itself
WAITING = ["session", "off", NEVER]


async def yielding(*said):
    await asyncio.sleep(0)


HOOKS = Hooks(before_save=yielding, after_save=yielding, on_conflict=yielding, on_error=yielding)


class Told:
    """Hooks that tell a test what happens in the background."""

    def __init__(self):
        self.saved = asyncio.Queue()
        self.errors = asyncio.Queue()
        self.hooks = Hooks(
            after_save=lambda turn, committed: self.saved.put_nowait(turn.session_id),
            on_error=lambda session_id, error: self.errors.put_nowait(error),
        )

    async def next_save(self):
        async with asyncio.timeout(20):
            return await self.saved.get()

    async def next_error(self):
        async with asyncio.timeout(20):
            return await self.errors.get()


async def stored(manager, session_id="s"):
    """What the store has: the words, and the data."""
    session = await manager.load(session_id)
    if session is None:
        return None
    return [message.content for message in await manager.history(session_id)], session.data


async def say(session, number, key="n"):
    """One turn: two messages, and the number in the state."""
    async with session.turn() as turn:
        turn.add("user", f"{number}a")
        session.data[key] = number
        turn.add("assistant", f"{number}b")


def words(*numbers):
    return [f"{number}{letter}" for number in numbers for letter in "ab"]


async def until_idle(session):
    """What was put down as saved is noted by the handle a few turns of the loop later."""
    async with asyncio.timeout(20):
        while session.waits:
            await asyncio.sleep(0)
