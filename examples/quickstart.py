"""A booking chat that is killed in the middle of a turn, and goes on in a new process.

Install ``holdfast[sqlite]`` and run this file; give it a path (``quickstart.py chat.db``) to keep the database.

It runs itself as another process, kills that one for real (SIGKILL: no handler, no ``finally``), runs the next,
and compares what is stored with what was promised. It ends with 1 if a promise does not hold.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import holdfast
from holdfast import LiveSession, Message, PersistenceManager

SAID = ["Hello, I need a table.", "Jane Doe", "Friday at eight", "Four of us"]
QUESTIONS = {"name": "What is your name?", "date": "For when?", "guests": "How many will you be?"}
FATAL = 2  # the index of what was said last to the process that is killed
HALFWAY = "  ... and here, in the middle of the turn, the process is killed"
KILLED = 1 if os.name == "nt" else -9  # how Popen reports it

Chat = tuple[list[tuple[str, str]], dict[str, Any]]  # who said what, and the state


def bot(booking: dict[str, Any], said: str) -> str:
    """Note the answer to the last question, and ask the next one. All that it knows is in the booking."""
    if asked := booking.pop("asked", None):
        booking[asked] = said
    for field, question in QUESTIONS.items():
        if field not in booking:
            booking["asked"] = field
            return question
    return f"Booked for {booking['name']}: {booking['date']}, {booking['guests']}."


async def serve(url: str, session_id: str, *, fatal: int | None) -> None:
    """One process: open the database, open the session, and go on where it is."""
    async with holdfast.open(url) as adapter:
        manager = PersistenceManager(adapter)
        async with manager.session(session_id, user_id="jane") as session:  # loaded, or begun
            found = await session.history()
            if found and found[-1].role == "user":  # its turn was interrupted: answer it now
                await finish_turn(session, found[-1].text)
            heard = sum(message.role == "user" for message in found)
            for index in range(heard, len(SAID)):
                await take_turn(session, SAID[index], hang=index == fatal)


async def take_turn(session: LiveSession, said: str, *, hang: bool) -> None:
    """One exchange: its messages and the state that they leave behind, durable when the block ends."""
    async with session.turn() as turn:
        show(turn.add("user", said))
        await turn.checkpoint()  # what was said so far is durable now; a model may take long to answer
        show(turn.add("assistant", bot(session.data, said)))
        if hang:
            print(f"  not stored yet: that answer, and the state {session.data}\n{HALFWAY}")
            await asyncio.sleep(60)


async def finish_turn(session: LiveSession, said: str) -> None:
    """Answer what an interrupted turn has left."""
    async with session.turn() as turn:
        show(turn.add("assistant", bot(session.data, said)))


def main(path: Path) -> None:
    """Serve the chat, kill it, look at what is left, and let the next process go on."""
    url, session_id = f"sqlite:///{quote(path.as_posix())}", f"booking-{uuid4()}"
    print("A process serves a chat:")
    check("it was killed by SIGKILL", run("killed", url, session_id) == KILLED)
    print("What it left in the database:")
    check_remains(*asyncio.run(read(url, session_id)))
    print("A new process goes on where it was:")
    check("it came to its end", run("next", url, session_id) == 0)
    print("What is in the database now:")
    words, state = asyncio.run(read(url, session_id))
    check(f"all {len(words)} messages, each once, in order", words == rehearse(SAID)[0])
    check(f"the state {state}", state == rehearse(SAID)[1])


async def read(url: str, session_id: str) -> Chat:
    """What is stored."""
    async with holdfast.open(url) as adapter:
        manager = PersistenceManager(adapter)
        messages, session = await manager.history(session_id), await manager.load(session_id)
    return [(message.role, message.text) for message in messages], session.data if session else {}


def rehearse(lines: list[str]) -> Chat:
    """What this much of the chat should leave, found without a database."""
    state: dict[str, Any] = {}
    return [pair for said in lines for pair in (("user", said), ("assistant", bot(state, said)))], state


def check_remains(words: list[tuple[str, str]], state: dict[str, Any]) -> None:
    """After the kill: the finished turns, what was checkpointed, and nothing else."""
    finished, state_then = rehearse(SAID[:FATAL])
    rest = words[len(finished) :]
    check("kept: the finished turns, word for word", words[: len(finished)] == finished)
    check("kept: what the user said in the interrupted one", rest[:1] == [("user", SAID[FATAL])])
    check("gone: its answer, which was not committed", not rest[1:])
    check(f"gone: its change of the state, which is {state}", state == state_then)


def check(promise: str, kept: bool) -> None:  # noqa: FBT001 - reads as a sentence
    """Print a promise that was kept; end with 1 at one that was not."""
    print(f"  {'[ok]' if kept else '[BROKEN]'} {promise}", flush=True)
    if not kept:
        sys.exit(1)


def show(message: Message) -> None:
    """Print a message."""
    print(f"  {message.role:9}  {message.text}")


def run(name: str, url: str, session_id: str) -> int:
    """Run this file as another process and pass its lines on; kill it halfway through its turn."""
    command = [sys.executable, "-u", __file__, name, url, session_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            if line.startswith(HALFWAY):
                child.kill()
    return child.returncode


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["killed" | "next" as name, url, session_id]:
            asyncio.run(serve(url, session_id, fatal=FATAL if name == "killed" else None))
        case [path]:
            main(Path(path))
        case _:
            with TemporaryDirectory() as folder:
                main(Path(folder, "chat.db"))
