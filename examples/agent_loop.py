"""An agent with tools and streaming is killed three times, and ends as if it had run in one go.

Install ``holdfast[sqlite]`` and run this file; give it a path (``agent_loop.py chat.db``) to keep the database.

It runs itself as another process and kills it (SIGKILL): twice between a tool call and its result, then in the
middle of a streamed answer. Each time the next process goes on. The first part is a framework, which knows nothing
of holdfast; the second one records what it does. It ends with 1 if a promise does not hold.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import quote
from uuid import uuid4

import holdfast
from holdfast import LiveTurn, Message, PersistenceManager, ToolResult

# --- the framework: a model that streams and asks for tools, and the loop around it -------------------------


class Call(NamedTuple):
    """The model asks for a tool."""

    id: str
    tool: str


class Step(NamedTuple):
    """Something whole that was said: an assistant may ask for a tool by it, and a tool answers."""

    role: str
    text: str
    call: Call | None = None


async def model(steps: list[Step]) -> AsyncIterator[str | Call]:
    """A scripted one: it asks for two tools, one after the other, and then tells what they said."""
    results = [step.text for step in steps if step.role == "tool"]
    if len(results) < 2:
        yield Call(f"call-{len(results)}", ("reserve", "send")[len(results)])
        return
    for word in " ".join(results).split():
        yield f"{word} "


Tools = Mapping[str, Callable[[str], Awaitable[str]]]


async def agent(steps: list[Step], tools: Tools) -> AsyncIterator[str | Step]:
    """Go on from anywhere in a chat: give tokens as they come, and each step once it is whole."""
    while not (steps[-1].role == "assistant" and steps[-1].call is None):
        if call := unanswered(steps):
            step = Step("tool", await tools[call.tool](call.id), call)
        else:
            said = ""
            async for token in model(steps):
                if isinstance(token, Call):
                    call = token
                else:
                    said += token
                    yield token
            step = Step("assistant", said.strip(), call)
        steps.append(step)
        yield step


def unanswered(steps: list[Step]) -> Call | None:
    """The call that has no result yet."""
    return steps[-1].call if steps and steps[-1].role == "assistant" else None


# --- holdfast: each step is durable before the next one begins ----------------------------------------------


async def serve(url: str, session_id: str, fatal: str) -> None:
    """One process: go on where the last one was killed."""
    async with holdfast.open(url) as adapter:
        manager = PersistenceManager(adapter)
        async with manager.session(session_id) as session, session.turn() as turn:
            steps = [step_of(message) for message in await session.history()]
            if not steps:
                steps.append(record(turn, Step("user", "A table for four, please.")))
            call = unanswered(steps)
            if call and call.tool == "send":  # left by a kill; and what was sent cannot be sent again
                steps.append(record(turn, Step("tool", "A message may have been sent.", call)))
            await turn.checkpoint()
            tools = {"reserve": lambda call_id: reserve(manager, f"{session_id}, tables", call_id), "send": send}
            async for piece in agent(steps, tools):
                await hang_at(piece, fatal)
                if isinstance(piece, str):
                    print(f"  token      {piece}")  # shown, not stored: the answer is stored once it is whole
                else:
                    record(turn, piece)
                    await turn.checkpoint()


async def reserve(manager: PersistenceManager, tables: str, call_id: str) -> str:
    """A tool with a session of its own. Its turn has the call's id: run again after a crash, it is stored once."""
    async with manager.session(tables) as session, session.turn(call_id) as turn:
        table = session.data.setdefault(call_id, f"Table {len(session.data) + 1}")
        turn.add("tool", f"{table} is taken.")
    return f"{table} is yours."


async def send(call_id: str) -> str:
    """A tool that does something outside."""
    print(f"  SENT       {call_id}")
    return "A message was sent."


def record(turn: LiveTurn, step: Step) -> Step:
    """Add a step of the framework to the turn."""
    if step.call and step.role == "tool":
        turn.add("tool", [ToolResult(call_id=step.call.id, name=step.call.tool, content=step.text)])
    else:
        calls = [{"id": step.call.id, "name": step.call.tool}] if step.call else []
        turn.add(step.role, step.text, tool_calls=calls)
    print(f"  {step.role:9}  {step.text or step.call}")
    return step


def step_of(message: Message) -> Step:
    """A stored message, in the framework's form."""
    for part in message.content:
        if isinstance(part, ToolResult):
            return Step("tool", part.content, Call(part.call_id, part.name or ""))
    calls = [Call(call.id, call.name) for call in message.tool_calls]
    return Step(message.role, message.text, *calls)


# --- what is promised -----------------------------------------------------------------------------------

HALFWAY = "  ... and here the process is killed"
KILLED = 1 if os.name == "nt" else -9  # how Popen reports it


async def hang_at(piece: str | Step, fatal: str) -> None:
    """Wait for the end: before the result of this tool is recorded, or in the middle of the answer."""
    point = piece.strip() if isinstance(piece, str) else piece.role == "tool" and piece.call and piece.call.tool
    if point == fatal:
        print(HALFWAY)
        await asyncio.sleep(60)


def main(path: Path) -> None:
    """Kill it three times, and look at what is left."""
    url, session_id = f"sqlite:///{quote(path.as_posix())}", f"chat-{uuid4()}"
    lines: list[str] = []
    for fatal, whole, dangling in (("reserve", 2, True), ("send", 4, True), ("message", 5, False)):
        print(f"A process runs, up to {fatal!r}:")
        check("it was killed by SIGKILL", run(lines, url, session_id, fatal) == KILLED)
        steps = asyncio.run(read(url, session_id))
        check(f"what was whole is kept, and nothing else: {whole} steps", len(steps) == whole)
        check(f"there is {'a' if dangling else 'no'} call without a result", bool(unanswered(steps)) == dangling)
    print("The last process:")
    check("it came to its end", run(lines, url, session_id, "") == 0)
    steps, tables = asyncio.run(read(url, session_id)), asyncio.run(read(url, f"{session_id}, tables"))
    calls, results = [
        [step.call for step in steps if step.call and step.role == role] for role in ("assistant", "tool")
    ]
    check(f"{len(calls)} calls, and one result for each", len(calls) == 2 and results == calls)
    check("one table was taken", [step.text for step in tables] == ["Table 1 is taken."])
    check("one message was sent", sum("SENT" in line for line in lines) == 1)
    answers = [step.text for step in steps if step.role == "assistant" and not step.call]
    check("one answer, whole", answers == ["Table 1 is yours. A message may have been sent."])


async def read(url: str, session_id: str) -> list[Step]:
    """What is stored."""
    async with holdfast.open(url) as adapter:
        return [step_of(message) for message in await PersistenceManager(adapter).history(session_id)]


def check(promise: str, kept: bool) -> None:  # noqa: FBT001 - reads as a sentence
    """Print a promise that was kept; end with 1 at one that was not."""
    print(f"  {'[ok]' if kept else '[BROKEN]'} {promise}", flush=True)
    if not kept:
        sys.exit(1)


def run(lines: list[str], *arguments: str) -> int:
    """Run this file as another process, pass its lines on and note them; kill it where it waits for that."""
    command = [sys.executable, "-u", __file__, "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
            if line.startswith(HALFWAY):
                child.kill()
    return child.returncode


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", url, session_id, fatal]:
            asyncio.run(serve(url, session_id, fatal))
        case [path]:
            main(Path(path))
        case _:
            with TemporaryDirectory() as folder:
                main(Path(folder, "chat.db"))
