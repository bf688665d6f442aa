"""Commit turns of three messages and 200 KB of state until killed: PATH FIRST. Prints each acknowledged one."""

import asyncio
import sys

from holdfast import Message, Session, Turn
from holdfast_sqlite import SQLiteAdapter


async def main(path: str, first: int) -> None:
    async with SQLiteAdapter(path) as adapter:
        session = await adapter.sessions.get("s") or await adapter.sessions.save(Session(id="s"))
        number = first
        while True:
            session.data = {"turn": number, "ballast": f"{number:06d}" * 33_000}
            messages = [Message(id=f"{number}/{index}", role="user", content=str(number)) for index in range(3)]
            turn = Turn(id=str(number), session_id="s", messages=messages, session=session)
            print("sent", number, flush=True)
            done = await adapter.commit(turn)
            print("acked", number, flush=True)
            session.version = done.session.version
            number += 1


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
