"""The chat, run as a user runs it: through pipes and in a terminal, over several processes, with hostile text."""

import asyncio
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import holdfast
from holdfast import Message, PersistenceManager, Session

CHAT = Path(__file__).parents[2] / "examples" / "chat.py"
FIRST = "current:guest:booking:1"

posix = pytest.mark.skipif(sys.platform == "win32", reason="It needs signals and terminals as POSIX has them.")


def environment(**extra: str) -> dict[str, str]:
    return os.environ | {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1", "COLUMNS": "1000", "TERM": "xterm"} | extra


def chat(
    folder: Path, *arguments: str, typed: bytes | str = b"", **extra: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, str(CHAT), "--pace", "0", *arguments],
        input=typed.encode() if isinstance(typed, str) else typed,
        capture_output=True,
        cwd=folder,
        env=environment(**extra),
        timeout=60,
        check=False,
    )


def output(done: "subprocess.CompletedProcess[bytes]") -> str:
    """What a run that went well has printed."""
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def stored(folder: Path, session_id: str = FIRST) -> tuple[Session, list[Message]]:
    async def load() -> tuple[Session, list[Message]]:
        async with holdfast.open(f"sqlite:///{folder / 'chat.db'}") as adapter:
            manager = PersistenceManager(adapter)
            session = await manager.load(session_id)
            assert session is not None
            return session, await manager.history(session_id)

    return asyncio.run(load())


def texts(folder: Path) -> list[str]:
    return [message.text for message in stored(folder)[1]]


NAME, DATE, GUESTS = (
    "Welcome! For whom shall I book a table?",
    "For which evening?",
    "How many will you be?",
)
BOOKED = "A table for 4, Friday, in the name of Jane. Until then!"


# --- a chat over several processes --------------------------------------------------------------------------


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


# --- hostile text -------------------------------------------------------------------------------------------

HOSTILE = {
    "clear the screen": "\x1b[2J\x1b[H",
    "a title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "the clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "a colour": "\x1b[5;7;31mred",
    "overwrite the line": "Jane\rbot> Booked",
    "C1 introducer": "\x9b2J",
    "C1 command": "\x9d52;c;ZXZpbA==\x9c",
    "backspaces": "safe\x08\x08\x08\x08evil",
    "bidi override": "\u202egpj.exe\u202c",
    "bidi isolate": "\u2066evil\u2069",
    "invisible": "pass\u200bword\ufeff\U000e0041",
    "separators": "one\u2028two\u2029three",
    "NUL and DEL": "a\x00b\x7f",
    "markup": "[bold]x[/bold] [red]y[/] [link=http://evil.example]z[/link] :skull: \\[blink]",
    "broken markup": "[/nothing] [[",
}
# Legal in an id, which keeps controls out by itself.
MARKUP_ID = "[bold]id[/bold]"

STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0001\U000e0020-\U000e007f]"
)
STYLE = re.compile("\x1b\\[[0-9;]*m")  # rich's own, where it believes in a terminal


def plant(folder: Path, *hostile: str) -> None:
    """A session with hostile text wherever text can be, as another program may have stored it."""

    async def store() -> None:
        async with holdfast.open(f"sqlite:///{folder / 'chat.db'}") as adapter:
            manager = PersistenceManager(adapter)
            async with manager.session(MARKUP_ID, user_id="guest") as session, session.turn() as turn:
                for text in hostile:
                    turn.add("user", text, route=text, step=text, name=text)
                    turn.add("user", [{"type": text}, {"type": "text", "text": text}])
                    session.data[text] = [{text: text}]
                turn.add("assistant", DATE)
                session.data |= {"name": "".join(hostile), "date": "Friday"}
                session.state.enter_route("".join(hostile), "guests")

    asyncio.run(store())


def spelled(hostile: str) -> str:
    """How it is to be shown."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), hostile)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("arguments", [("show", MARKUP_ID), ("list",), ("resume", MARKUP_ID)])
def test_stored_text_can_neither_steer_the_terminal_nor_be_markup(
    tmp_path: Path, arguments: tuple[str, ...], colour: bool
) -> None:
    plant(tmp_path, *HOSTILE.values())
    extra = {"FORCE_COLOR": "1"} if colour else {}
    raw = output(chat(tmp_path, *arguments, typed="4\n", **extra))
    shown = STYLE.sub("", raw)
    assert (raw != shown) == colour
    assert not STEERING.findall(shown if colour else raw)
    assert HOSTILE["a colour"][:9] not in raw
    assert MARKUP_ID in shown
    hidden = {name for name, text in HOSTILE.items() if spelled(text) not in shown}
    assert hidden == (set(HOSTILE) if arguments == ("list",) else set())


def test_each_place_where_text_can_be_shows_all_of_it(tmp_path: Path) -> None:
    """A message's words, name, route, step, and parts; the keys and values of the state."""
    hostile = "\x1b[2J[red]x[/red]"
    plant(tmp_path, hostile)
    shown = output(chat(tmp_path, "show", MARKUP_ID))
    assert shown.count(spelled(hostile)) == 10  # a dictionary inside the state is shown as its repr
    assert shown.count("[red]x[/red]") == 10


def test_typed_text_comes_back_harmless_and_is_stored_as_it_was(tmp_path: Path) -> None:
    typed = [text.replace("\r", "") for text in HOSTILE.values()]  # which ends a line on a pipe
    shown = output(chat(tmp_path, typed="\n".join(typed)))
    kept = [message.text for message in stored(tmp_path)[1] if message.role == "user"]
    assert kept == [text.strip() for text in typed]
    shown += output(chat(tmp_path, typed="4\n"))
    assert "A table for 4" in shown
    shown += output(chat(tmp_path, "show", FIRST))
    assert not STEERING.findall(shown)
    assert all(spelled(text.strip()) in shown for text in typed)


def test_a_message_cannot_pose_as_another_one(tmp_path: Path) -> None:
    plant(tmp_path, "hello\nassistant  Booked!")
    lines = output(chat(tmp_path, "show", MARKUP_ID)).splitlines()
    assert sum(line.startswith("assistant") for line in lines) == 0
    assert any(line.startswith(" " * 16) and "assistant  Booked!" in line for line in lines)


def test_a_name_cannot_pose_as_a_role(tmp_path: Path) -> None:
    plant(tmp_path, "assistant")
    lines = output(chat(tmp_path, "show", MARKUP_ID)).splitlines()
    assert [line.split()[2:4] for line in lines if "For which evening?" in line or "assistant/" in line] == [
        ["user", "assistant"],
        ["assistant", "For"],
    ]


def test_a_long_word_is_shown_to_its_end_in_a_narrow_terminal(tmp_path: Path) -> None:
    word = "".join(f"{number:03}" for number in range(300))
    done = output(chat(tmp_path, typed=f"{word}\nFriday\n4\n", COLUMNS="80"))
    assert f"in the name of {word}." in done.replace("\n", "")
    lines = output(chat(tmp_path, "show", FIRST, COLUMNS="80")).splitlines()
    user = next(number for number, line in enumerate(lines) if "  user" in line)
    column = lines[user].index("000")
    assert word in "".join(line[column:].split(" ")[0] for line in lines[user:])


def test_bytes_that_are_no_text_are_spelled_out(tmp_path: Path) -> None:
    output(chat(tmp_path, typed=b"Ja\xffne\xed\xa0\x80\n"))
    assert stored(tmp_path)[0].data == {"name": r"Ja\xffne\xed\xa0\x80"}


def test_output_that_its_encoding_lacks_is_spelled_out(tmp_path: Path) -> None:
    output(chat(tmp_path, typed="Zoë 🙂\n"))
    done = chat(tmp_path, "show", FIRST, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"Zo\xeb \U0001f642" in done.stdout


def test_hostile_arguments_are_refused_without_an_echo(tmp_path: Path) -> None:
    for arguments in (("show", "\x1b[2J"), ("--user", "\u202e", "list"), ("resume", "[bold]x[/bold]")):
        done = chat(tmp_path, *arguments)
        assert done.returncode == 1
        assert not STEERING.findall(done.stderr.decode())
    assert b"[bold]x[/bold]" in done.stderr


def test_every_character_that_steers_is_spelled_out_and_no_other() -> None:
    visible: Callable[[str], object] = runpy.run_path(str(CHAT))["visible"]
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not STEERING.findall(str(visible(every)))
    plain = "Zoë  名前 שלום سلام 🙂 👩\u200d💻 می\u200cخواهم \xa0 [bold] \\x1b"
    assert str(visible(plain)) == plain


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
