"""The chat with hostile text: it can neither steer the terminal nor be markup."""

import asyncio
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_process import CHAT, DATE, FIRST, chat, output, stored

import holdfast
from holdfast import PersistenceManager

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
