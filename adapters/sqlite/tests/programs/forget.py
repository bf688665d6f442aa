"""Open an adapter, write, and forget to close it: PATH."""

import asyncio
import sys

from holdfast import Session
from holdfast_sqlite import SQLiteAdapter

ADAPTER = SQLiteAdapter(sys.argv[1])


async def main() -> None:
    await ADAPTER.initialize()
    await ADAPTER.sessions.save(Session(id="s"))


asyncio.run(main())
print("end of main")
