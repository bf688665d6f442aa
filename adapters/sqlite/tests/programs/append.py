"""Append from many tasks: PATH WRITER TASKS MESSAGES."""

import asyncio
import sys

from holdfast import Message
from holdfast_sqlite import SQLiteAdapter


async def main(path: str, writer: str, tasks: int, messages: int) -> None:
    async with SQLiteAdapter(path) as adapter:

        async def task(number: int) -> None:
            for index in range(messages):
                message = Message(id=f"{writer}/{number}/{index}", role="user", content=f"{index}")
                [stored] = await adapter.messages.append("hot", [message])
                print(stored.id, stored.seq)

        await asyncio.gather(*[task(number) for number in range(tasks)])


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
