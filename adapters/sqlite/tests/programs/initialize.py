"""Open an adapter as soon as a file appears: PATH STARTING_SHOT."""

import asyncio
import sys
import time
from pathlib import Path

from holdfast_sqlite import SQLiteAdapter


async def main(path: str, shot: Path) -> None:
    print("ready", flush=True)
    while not shot.exists():
        time.sleep(0.0005)
    async with SQLiteAdapter(path) as adapter:
        await adapter.ping()


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
