"""Two processes serve one chat at once, and nothing that either of them writes is lost.

Install ``holdfast[sqlite]`` and run this file; give it a path (``two_workers.py chat.db``) to keep the database.

It runs itself twice more, as the workers ``red`` and ``blue``. They wait for each other until both have loaded the
same state, so that there is a conflict each time. Messages need no care: they get one order. For the state there
are three ways. At the end it counts what is stored, and ends with 1 if anything is missing.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import holdfast
from holdfast import Adapter, LiveSession, Message, PersistenceManager, VersionConflict

WORKERS = ("red", "blue")
TIMES = 25  # how often each worker appends, and counts
MEETING = "  both"  # how the line begins after which a worker waits for the other one


# --- a worker -------------------------------------------------------------------------------------------


async def append(adapter: Adapter, session_id: str, name: str) -> None:
    """Messages never conflict. Here both create the session, too."""
    async with PersistenceManager(adapter).session(session_id) as session:
        await meet(f"say {TIMES} things")
        for number in range(TIMES):
            async with session.turn() as turn:
                turn.add("assistant", f"{name} {number}")


async def merge(adapter: Adapter, session_id: str, name: str) -> None:
    """First way: the manager puts together what was changed under different keys."""
    manager = PersistenceManager(adapter, on_conflict="merge")
    async with manager.session(session_id) as session:
        await meet('set a key of their own, with on_conflict="merge"')
        async with session.turn() as turn:
            turn.add("assistant", f"{name} was here")
            session.data[name] = "was here"


async def choose(adapter: Adapter, session_id: str, name: str) -> None:
    """Second way, the default: whoever is later is told. The words were paid for, so they are kept."""
    async with PersistenceManager(adapter).session(session_id) as session:
        await meet("set one key, with the default")
        try:
            async with session.turn() as turn:
                turn.add("assistant", f"{name} chooses")
                session.data["choice"] = name
        except VersionConflict as conflict:
            await conflict.turn.commit(state="theirs")  # the turn still holds everything
            print(f"  {name} was later: its words are kept, and its session says {session.data['choice']}")


async def raise_counter(adapter: Adapter, session_id: str, name: str) -> None:
    """Third way: a change that is made again, on top of what the other one has stored."""
    tries = 0

    def change(session: LiveSession) -> None:
        nonlocal tries
        tries += 1
        session.data["count"] = session.data.get("count", 0) + 1

    await meet(f"raise a counter {TIMES} times, with manager.update")
    for _ in range(TIMES):
        await PersistenceManager(adapter).update(session_id, change)
    print(f"  {name} has raised it {TIMES} times, in {tries} tries")


async def meet(doing: str = "") -> None:
    """Wait until the other worker is here too."""
    print(f"{MEETING} {doing}".rstrip())
    await asyncio.to_thread(sys.stdin.readline)


async def work(name: str, url: str, session_id: str) -> None:
    """One process, with an adapter of its own on the same database."""
    async with holdfast.open(url) as adapter:
        for task in (append, merge, choose, raise_counter):
            await meet()  # so that what is loaded next is what both have left
            await task(adapter, session_id, name)


# --- what is promised -----------------------------------------------------------------------------------


def main(path: Path) -> None:
    """Let both work, then count."""
    url, session_id = f"sqlite:///{quote(path.as_posix())}", f"chat-{uuid4()}"
    print("Two processes open one session:")
    codes, lines = run_both(url, session_id)
    check("both came to their end", codes == [0, 0])
    check("one of the two was told of the other one's choice", sum("was later" in line for line in lines) == 1)
    print("What is in the database now:")
    messages, state = asyncio.run(read(url, session_id))
    for name in WORKERS:
        said = [*(f"{name} {number}" for number in range(TIMES)), f"{name} was here", f"{name} chooses"]
        found = [message.text for message in messages if message.text.startswith(name)]
        check(f"{len(said)} messages of {name}, each once, in its order", found == said)
    seqs = [message.seq for message in messages]
    check(f"all of them in one order, 1 to {len(seqs)}", seqs == list(range(1, 2 * (TIMES + 2) + 1)))
    check("what each has set under its own key", [state.get(name) for name in WORKERS] == ["was here"] * 2)
    first = next(message.text for message in messages if message.text.endswith("chooses"))
    check("the choice of the one who was first", f"{state.get('choice')} chooses" == first)
    check(f"the counter, at {2 * TIMES}", state.get("count") == 2 * TIMES)


async def read(url: str, session_id: str) -> tuple[list[Message], dict[str, Any]]:
    """What is stored."""
    async with holdfast.open(url) as adapter:
        manager = PersistenceManager(adapter)
        messages, session = await manager.history(session_id), await manager.load(session_id)
    return messages, session.data if session else {}


def check(promise: str, kept: bool) -> None:  # noqa: FBT001 - reads as a sentence
    """Print a promise that was kept; end with 1 at one that was not."""
    print(f"  {'[ok]' if kept else '[BROKEN]'} {promise}", flush=True)
    if not kept:
        sys.exit(1)


def run_both(url: str, session_id: str) -> tuple[list[int], list[str]]:
    """Run this file as both workers; where they wait, let both go on. Gives how they ended, and their lines."""
    lines: list[str] = []
    command, pipe = [sys.executable, "-u", __file__, "worker"], subprocess.PIPE
    workers = [subprocess.Popen([*command, name, url, session_id], stdin=pipe, stdout=pipe) for name in WORKERS]
    while any(waiting := [read_on(worker, lines) for worker in workers]):
        if waiting[0] != MEETING:
            print(waiting[0] or waiting[1], flush=True)
        for worker, line in zip(workers, waiting, strict=True):
            if line and worker.stdin:
                worker.stdin.write(b"\n")
                worker.stdin.flush()
    for worker in workers:
        worker.communicate()
    return [worker.returncode for worker in workers], lines


def read_on(worker: "subprocess.Popen[bytes]", lines: list[str]) -> str:
    """Pass a worker's lines on, up to the one after which it waits; that one is given, or none at its end."""
    for raw in worker.stdout or ():
        line = raw.decode().rstrip()
        if line.startswith(MEETING):
            return line
        print(line, flush=True)
        lines.append(line)
    return ""


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["worker", name, url, session_id]:
            asyncio.run(work(name, url, session_id))
        case [path]:
            main(Path(path))
        case _:
            with TemporaryDirectory() as folder:
                main(Path(folder, "chat.db"))
