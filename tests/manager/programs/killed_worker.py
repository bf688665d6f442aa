"""Processes that chat on one SQLite file until they are killed: this one forks them, so that each begins at once.

A line of JSON starts one and is answered by its process id; {"reap": id} waits for its end, and answers how.
"""

import asyncio
import json
import os
import random
import signal
import sys
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.manager.chatting import chat, do_again
from tests.manager.writers import Writer, noting

from holdfast import Autosave, PersistenceManager
from holdfast_sqlite import SQLiteAdapter


class Journal:
    """A file that outlives its process: each line is handed to the system before the next step is made."""

    def __init__(self, path):
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __call__(self, **said):
        os.write(self._file, json.dumps(said).encode() + b"\n")


async def work(*, path, journal, seed, worker, life, autosave, on_conflict, shared, requests, visits=None):
    """Two writers on one manager; without a number of visits they go on for ever."""
    note = Journal(journal)
    when = Autosave(**autosave) if isinstance(autosave, dict) else autosave
    async with SQLiteAdapter(path) as adapter:
        options = {"autosave": when, "on_conflict": on_conflict, "hooks": noting(note)}
        async with PersistenceManager(adapter, **options) as manager:

            async def write(number):
                name = f"{worker}.{number}"
                writer = Writer(
                    manager, when, name, life=life, chance=random.Random(f"{seed} {name} {life}"), note=note
                )
                await do_again(writer, [asked for asked in requests if asked["turn"].startswith(f"{name}-")])
                for _ in count() if visits is None else range(visits):
                    await chat(writer, shared, f"{shared} of {name}")

            await asyncio.gather(write(0), write(1))


def fork(spec):
    child = os.fork()
    if child:
        return child
    errors = os.open(f"{spec['journal']}.err", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    status = 1
    try:
        asyncio.run(work(**spec))
        status = 0
    except BaseException:  # noqa: BLE001 - the parent reads it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def main():
    children = set()
    for line in sys.stdin:
        spec = json.loads(line)
        if "reap" in spec:
            children.discard(spec["reap"])
            print(os.waitpid(spec["reap"], 0)[1], flush=True)
        else:
            child = fork(spec)
            children.add(child)
            print(child, flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
