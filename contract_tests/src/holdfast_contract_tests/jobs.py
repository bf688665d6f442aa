"""What the processes that the suite starts do; each report is one line of JSON."""

import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from holdfast import Adapter, Session, Turn, VersionConflict
from holdfast.models import Message

__all__ = ["JOBS"]

Report = Callable[[Mapping[str, Any]], None]
Make = Callable[[], Awaitable[Adapter]]


def say(words: list[str]) -> list[Message]:
    """Messages whose id and text are the same words."""
    return [Message(id=word, role="user", content=word) for word in words]


async def appends(make: Make, report: Report, *, writer: str, tasks: int, count: int) -> None:
    """Append to ``s`` from several tasks, and report each acknowledgement."""
    async with await make() as adapter:

        async def write(task: int) -> None:
            for number in range(count):
                words = [f"{writer}/{task} {number} {part}" for part in range(1 + number % 2)]
                told = await adapter.messages.append("s", say(words))
                report({"writer": f"{writer}/{task}", "ids": words, "seqs": [message.seq for message in told]})

        await asyncio.gather(*map(write, range(tasks)))


async def counts(make: Make, report: Report, *, count: int, seed: int) -> None:
    """Raise the counter of ``s`` so many times, by optimistic locking."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    conflicts = done = 0
    async with await make() as adapter:
        while done < count:
            session = await adapter.sessions.get("s")
            if session is None:
                raise LookupError("The session to count in is not there.")
            session.data["n"] += 1
            try:
                await adapter.sessions.save(session)
                done += 1
            except VersionConflict:
                conflicts += 1
                await asyncio.sleep(chance.random() * 0.01)
    report({"done": done, "conflicts": conflicts})


async def opens(make: Make, report: Report, *, name: str) -> None:
    """Open in the moment in which a line comes, and write something."""
    adapter = await make()
    report({"ready": name})
    await asyncio.to_thread(sys.stdin.readline)
    async with adapter:
        await adapter.sessions.save(Session(id=name))
        report({"saved": name})


async def walks(make: Make, report: Report, *, cursor: str) -> None:
    """Go on with a walk that another process began."""
    async with await make() as adapter:
        page = await adapter.messages.find("s", cursor=cursor)
        report({"ids": [message.id for message in page], "next": page.next})


async def turns(make: Make, report: Report, *, first: int, size: int) -> None:
    """Commit turns of three messages and a state of some size, until it is killed."""
    async with await make() as adapter:
        session = await adapter.sessions.get("s") or Session(id="s")
        number = first
        while True:
            session.data = {"turn": number, "ballast": f"{number:06d}" * size}
            said = say([f"{number}/{part}" for part in range(3)])
            report({"sent": number})
            started = perf_counter()
            await adapter.commit(Turn(id=f"{number}", session_id="s", session=session, messages=said))
            report({"acked": number, "took": perf_counter() - started})
            loaded = await adapter.sessions.get("s")
            if loaded is None:
                raise LookupError("What was committed is not there.")
            session = loaded
            number += 1


JOBS: Mapping[str, Callable[..., Awaitable[None]]] = {
    "appends": appends,
    "counts": counts,
    "opens": opens,
    "walks": walks,
    "turns": turns,
}
"""The jobs, by name."""


def print_report(said: Mapping[str, Any]) -> None:
    """One report, at once: the process may be killed right after it."""
    print(json.dumps(said), flush=True)
