"""The chat: through pipes and in a terminal, over several processes."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_process import BOOKED, CHAT, DATE, FIRST, GUESTS, NAME, chat, environment, output, posix, stored, texts

import holdfast
from holdfast import PersistenceManager, Session


def test_a_booking_in_one_go(tmp_path: Path) -> None:
    done = output(chat(tmp_path, typed="Jane\nFriday\nmany\n0\n4\n"))
    assert done.count("In digits, please") == 2
    assert BOOKED in done
    session, messages = stored(tmp_path)
    assert session.data == {"name": "Jane", "date": "Friday", "guests": "4"}
    assert session.status == "completed"
    assert session.completed_at is not None
    assert [visit.completed for visit in session.route_history] == [True]
    assert [message.seq for message in messages] == list(range(1, 12))


def test_resuming_in_another_process_goes_on_with_the_state_of_the_first(tmp_path: Path) -> None:
    chat(tmp_path, typed="Jane\n")
    done = output(chat(tmp_path, "resume", FIRST, typed="Friday\n"))
    assert "Jane" in done  # what was said before is shown
    assert f"bot> {GUESTS}" in done
    assert f"bot> {NAME}" not in done
    done = output(chat(tmp_path, typed="4\n"))  # without an id: the current one
    assert BOOKED in done
    assert texts(tmp_path) == [NAME, "Jane", DATE, "Friday", GUESTS, "4", BOOKED]


def test_a_finished_booking_is_not_resumed_unasked(tmp_path: Path) -> None:
    chat(tmp_path, typed="Jane\nFriday\n4\n")
    assert "Session current:guest:booking:2" in output(chat(tmp_path))
    assert BOOKED in output(chat(tmp_path, "resume", FIRST, typed="still there?\n"))


def test_new_puts_the_current_session_aside_and_resume_takes_it_up(tmp_path: Path) -> None:
    chat(tmp_path, typed="Jane\n")
    assert "booking:2" in output(chat(tmp_path, "new", typed="Joe\n"))
    assert stored(tmp_path)[0].status == "abandoned"
    output(chat(tmp_path, "resume", FIRST, typed="Friday\n"))
    assert stored(tmp_path)[0].status == "active"
    assert BOOKED in output(chat(tmp_path, "resume", FIRST, typed="4\n"))
    assert stored(tmp_path)[0].status == "completed"
    assert stored(tmp_path, "current:guest:booking:2")[0].data == {"name": "Joe"}


def test_new_on_a_session_without_a_word_is_that_session(tmp_path: Path) -> None:
    chat(tmp_path, "list")
    assert FIRST in output(chat(tmp_path, "new"))
    assert "booking:2" in output(chat(tmp_path, "new"))  # the greeting was a word


def test_list_shows_the_sessions_of_this_user_alone(tmp_path: Path) -> None:
    chat(tmp_path, typed="Jane\nFriday\n4\n")
    chat(tmp_path, typed="Joe\n")
    chat(tmp_path, "--user", "eve", typed="Eve\n")
    rows = [line.split() for line in output(chat(tmp_path, "list")).splitlines()[1:]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("active", "3", "current:guest:booking:2"),
        ("completed", "7", FIRST),
    ]


def test_list_walks_all_pages(tmp_path: Path) -> None:
    async def fill() -> None:
        async with holdfast.open(f"sqlite:///{tmp_path / 'chat.db'}") as adapter:
            manager = PersistenceManager(adapter)
            many = [Session(id=f"s{number:03}", user_id="guest") for number in range(250)]
            await asyncio.gather(*(manager.save(session) for session in many))

    asyncio.run(fill())
    shown = output(chat(tmp_path, "list"))
    assert sorted(re.findall(r"s\d{3}", shown)) == [f"s{number:03}" for number in range(250)]


def test_list_shows_a_long_id_whole(tmp_path: Path) -> None:
    user = "u" * 200
    chat(tmp_path, "--user", user)
    shown = output(chat(tmp_path, "--user", user, "list", COLUMNS="80"))
    assert f"current:{user}:booking:1" in "".join(shown.split())


@pytest.mark.parametrize("command", ["show", "resume"])
@pytest.mark.parametrize("session_id", ["none", "current:eve:booking:1"])
def test_what_is_not_there_or_not_theirs_is_not_found_and_not_made(
    tmp_path: Path, command: str, session_id: str
) -> None:
    chat(tmp_path, "--user", "eve", typed="secret\n")
    done = chat(tmp_path, command, session_id, typed="hello\n")
    assert done.returncode == 1
    assert b"no such session" in done.stderr
    assert b"secret" not in done.stdout + done.stderr
    assert session_id not in output(chat(tmp_path, "list"))


def test_any_url_will_do(tmp_path: Path) -> None:
    chat(tmp_path, "--url", "sqlite:///chat.db", typed="Jane\n")
    assert texts(tmp_path) == [NAME, "Jane", DATE]
    done = chat(tmp_path, "--url", "cassette://tape", typed="Jane\n")
    assert done.returncode == 1
    assert b"No installed adapter serves this URL scheme." in done.stderr


def test_a_message_that_is_too_long_is_refused_and_the_chat_goes_on(tmp_path: Path) -> None:
    done = chat(tmp_path, typed="x" * 5_000_000 + "\nJane\n")
    assert done.returncode == 0
    assert b"message_bytes" in done.stderr
    assert texts(tmp_path) == [NAME, "Jane", DATE]


def test_without_rich_it_names_the_pip_line(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("raise ImportError")
    done = chat(tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert b'pip install "rich' in done.stderr


# --- leaving ------------------------------------------------------------------------------------------------


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Where these tests run as a background job, SIGINT is ignored, and their children would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(folder: Path, *arguments: str, **streams: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, str(CHAT), *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.Popen(command, cwd=folder, env=environment(), **pipes)  # type: ignore[call-overload,no-any-return]


def read_until(file: int, wanted: bytes, seconds: float = 30) -> bytes:
    """What comes, up to and with some bytes."""
    os.set_blocking(file, False)
    seen, deadline = b"", time.monotonic() + seconds
    while wanted not in seen:
        assert time.monotonic() < deadline, seen
        try:
            more = os.read(file, 4096)
            assert more, f"It has ended: {seen!r}"
            seen += more
        except BlockingIOError:
            time.sleep(0.01)
    return seen


@posix
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_answer_leaves_a_whole_state_and_comes_later(tmp_path: Path, end: signal.Signals) -> None:
    output(chat(tmp_path, typed="Jane\n"))
    with start(tmp_path, "--pace", "60") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Friday\n")
        process.stdin.flush()
        read_until(process.stdout.fileno(), b"bot> How")
        process.send_signal(end)
        assert process.wait(30) == (0 if end == signal.SIGINT else -signal.SIGKILL)
        assert process.stderr is not None
        assert process.stderr.read() == b""

    session, _ = stored(tmp_path)
    assert texts(tmp_path) == [NAME, "Jane", DATE, "Friday"]
    assert (session.data, session.current_step) == ({"name": "Jane"}, "date")

    assert f"bot> {GUESTS}" in output(chat(tmp_path))
    assert texts(tmp_path) == [NAME, "Jane", DATE, "Friday", GUESTS]
    assert stored(tmp_path)[0].data == {"name": "Jane", "date": "Friday"}
    assert "bot>" not in output(chat(tmp_path))  # it owes nothing any more


@posix
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("key", [b"\x03", b"\x04"])
def test_in_a_terminal_ctrl_c_and_ctrl_d_leave_at_the_prompt(tmp_path: Path, key: bytes) -> None:
    ours, theirs = os.openpty()
    process = start(tmp_path, "--pace", "0", stdin=theirs, stdout=theirs)
    try:
        read_until(ours, b"you> ")
        os.write(ours, b"Jane\n")
        read_until(ours, b"you> ")
        # Ctrl-C is the terminal's to translate, and this one has no process group.
        process.send_signal(signal.SIGINT) if key == b"\x03" else os.write(ours, key)
        seen = read_until(ours, b"Come back any time.")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
        os.close(theirs)
        os.close(ours)
    assert b"Traceback" not in seen
    assert texts(tmp_path) == [NAME, "Jane", DATE]


@posix
def test_two_terminals_on_one_session_lose_nothing_that_was_said(tmp_path: Path) -> None:
    """The slower answer is refused, with a word about it; its chat goes on."""
    output(chat(tmp_path))
    with start(tmp_path, "--pace", "1") as slow:
        assert slow.stdin is not None
        assert slow.stdout is not None
        slow.stdin.write(b"Jane\n")
        slow.stdin.flush()
        read_until(slow.stdout.fileno(), b"bot> For")
        slow.send_signal(signal.SIGSTOP)
        assert f"bot> {DATE}" in output(chat(tmp_path, typed="Joe\n"))
        slow.send_signal(signal.SIGCONT)
        _, errors = slow.communicate(timeout=60)
    assert slow.returncode == 0
    assert b"Somebody else wrote first" in errors
    session, _ = stored(tmp_path)
    assert session.data["name"] in {"Jane", "Joe"}
    assert [text for text in texts(tmp_path) if text in {"Jane", "Joe"}] == ["Jane", "Joe"]
