"""Chats on one SQLite file, as the users u and v, until told to stop; notes what was acknowledged."""

import asyncio
import json
import sys
from pathlib import Path

from holdfast import Message, NotFound, Session, Turn, VersionConflict
from holdfast_sqlite import SQLiteAdapter

IDS = 4  # of each user and worker; a user who is erased comes back under the same ones


async def chat(adapter, worker, stopped, note):
    """Go on until ``stopped()``; ``note`` hears of each message, once it is acknowledged."""
    number = 0
    while not stopped():
        number += 1
        for user in ("u", "v"):
            name = f"{user}-{worker}-{number % IDS}"
            await say(adapter, Session(id=name, user_id=user, data={"n": number}), note)
            await say(adapter, Session(id=f"{name}-child", user_id=user, parent_id=name, data={"n": 1}), note)


async def say(adapter, session, note):
    """Say something in a session, new or not. Only u's may be gone the next moment."""
    message = Message(role="user", content=f"I am {session.user_id}.")
    try:
        try:
            await adapter.commit(Turn(session_id=session.id, session=session, messages=[message]))
        except VersionConflict:  # it is there already
            await adapter.messages.append(session.id, [message])
        note({"said": session.id})
    except NotFound:
        if session.user_id == "v":
            raise


async def main(path, worker, noted, stop):
    with Path(noted).open("w") as file:

        def note(line):
            file.write(json.dumps(line) + "\n")
            file.flush()

        async with SQLiteAdapter(path) as adapter:
            await chat(adapter, worker, Path(stop).exists, note)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
