"""The example of a chat over HTTP, and whether it would notice a promise that is broken."""

import asyncio
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import web_chat
from example_process import EXAMPLES, notices, promises, run

from holdfast import (
    BackendTimeout,
    BackendUnavailable,
    Backpressure,
    CorruptRecord,
    DuplicateIdConflict,
    InvalidIdentifier,
    NotFound,
    OutcomeUnknown,
    PayloadTooLarge,
    SessionExpired,
    SessionFenced,
    StorageFull,
    VersionConflict,
)

WEB_CHAT = EXAMPLES / "web_chat.py"

posix = pytest.mark.skipif(sys.platform == "win32", reason="It hands a socket over, as POSIX does.")


def test_it_keeps_what_it_promises(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    done = run(WEB_CHAT, str(path))
    [slow] = done.stderr.splitlines()  # the write that had to wait is in the log, without a word of Jane's
    assert done.returncode == 0
    assert slow.startswith("Slow: to save session")
    assert len(promises(done)) == 15
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert b"Hello!" not in path.read_bytes()


SERVE = """
import runpy, socket, sys, uvicorn
sys.argv.pop(0)
listening = socket.socket(fileno=int(sys.argv.pop()))
uvicorn.run = lambda app: uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@posix
def test_served_from_the_command_line_it_keeps_chats_over_a_restart(tmp_path: Path) -> None:
    for restarted in (False, True):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            descriptor = listening.fileno()
            arguments = [str(WEB_CHAT), "--serve", str(tmp_path / "a b#.db"), str(descriptor)]
            server = subprocess.Popen([sys.executable, "-c", SERVE, *arguments], pass_fds=[descriptor])
        try:
            chats = asyncio.run(begin_and_list(url))
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
        assert len(chats) == 1 + restarted
    assert (tmp_path / "a b#.db").exists()


async def begin_and_list(url: str) -> list[object]:
    async with web_chat.client(url, "jane") as jane:
        await jane.post("/chats")
        return (await jane.get("/chats")).json()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound(), 404),
        (SessionExpired(), 404),
        (VersionConflict("s", expected=1, actual=2), 409),
        (DuplicateIdConflict("s", ["m"]), 409),
        (PayloadTooLarge("message_bytes", allowed=1, actual=2), 422),
        (InvalidIdentifier("key"), 422),
        (SessionFenced(), 503),
        (BackendTimeout(), 503),
        (BackendUnavailable(), 503),
        (Backpressure(), 503),
        (StorageFull(), 503),
        (OutcomeUnknown(), 503),
    ],
)
async def test_each_error_has_its_status(error: Exception, status: int) -> None:
    answer = await web_chat.explain(None, error)
    assert answer.status_code == status
    assert (answer.headers.get("Retry-After") == "1") == (status == 503)


async def test_an_error_that_no_client_can_mend_is_the_servers(tmp_path: Path) -> None:
    with pytest.raises(CorruptRecord):
        await web_chat.explain(None, CorruptRecord())


# What stands there, what is put in its place, and what it says then.
ANSWER = "                words.append(word)\n"
BROKEN: dict[str, tuple[str, str, str]] = {
    "words of the user that are not durable": ("await turn.checkpoint()", "pass", "IndexError"),
    "half an answer that is stored": (
        ANSWER,
        f"{ANSWER}                turn.add('assistant', word), await turn.checkpoint()\n",
        "nothing of the answer",
    ),
    "a retry that is another turn": ("session.turn(key)", "session.turn()", "stored once"),
    "an answer that is paid for again": (
        "        if answers:",
        "        if answers and model.asked > 2:",
        "RemoteProtocolError",
    ),
    "an answer that is not stored": ('turn.add("assistant", "".join(words))', "pass", "stored once"),
    "chats of everybody": ("manager.for_user(user)", "manager", "404 to write, to read, and to delete"),
    "a user without a token": (
        "if user is None:",
        'user = user or "joe"\n    if user is None:',
        "without a token: 401",
    ),
    "a conflict that is none": ("DuplicateIdConflict: 409", "DuplicateIdConflict: 400", "refused with 409"),
    "an error that cannot be repeated": ("503, {", "500, {", "503, and when to try again"),
    "an export that is not whole": (
        "for line in lines)",
        "for line in lines if 'Hello!' not in line)",
        "lines: a header",
    ),
    "a user who is not forgotten": (
        "erased = await chats.erase_user()",
        "erased = type('Erased', (), {'sessions': 1, 'finished': True})",
        "she has none left",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_notices_a_promise_that_is_broken(name: str, tmp_path: Path) -> None:
    old, new, promise = BROKEN[name]
    assert promise in notices(tmp_path, "web_chat.py", old, new)
