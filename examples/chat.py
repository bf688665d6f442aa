"""A chat with a booking bot in the terminal, whose sessions can be listed, resumed and read.

    python examples/chat.py                 go on with your current session, or begin one
    python examples/chat.py new             put it aside and begin another
    python examples/chat.py list            your sessions
    python examples/chat.py resume ID       go on with one of them
    python examples/chat.py show ID         read one of them

Ctrl-C and Ctrl-D leave: what you said is kept, and an answer that was interrupted is given again
when you come back. What people type may hold anything, terminal commands too; nothing stored reaches the
terminal except through ``visible``. It needs ``holdfast[sqlite]`` and ``rich``.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from unicodedata import category
from urllib.parse import quote

import holdfast
from holdfast import Adapter, HoldfastError, Message, NotFound, PersistenceManager, Session, SessionInfo

try:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
except ImportError:
    sys.exit('This example shows its transcripts with rich: pip install "rich>=13.9"')
with suppress(ImportError):  # there is none on Windows
    import_module("readline")  # arrow keys edit the line instead of ending up in it

AGENT = "booking"
QUESTIONS = {
    "name": "Welcome! For whom shall I book a table?",
    "date": "For which evening?",
    "guests": "How many will you be?",
}
STYLES = {"user": "green", "assistant": "cyan"}
RECENT = 6  # messages shown on coming back

console = Console(highlight=False, markup=False, emoji=False)


# --- the bot: what it knows is the session's state, so that any process can go on ---------------------------


def bot(session: Session, said: str) -> str:
    """Note what it asked for, and ask for what is missing."""
    step = session.current_step
    if step == "guests" and not re.fullmatch("[1-9][0-9]?", said):
        return "In digits, please: how many will you be?"
    if step is not None:
        session.data[step] = said
    missing = next((field for field in QUESTIONS if field not in session.data), None)
    return ask_for(session, missing) if missing else finish(session)


def ask_for(session: Session, field: str) -> str:
    """The next question."""
    if session.current_route is None:
        session.enter_route(AGENT)
    session.enter_step(field)
    return QUESTIONS[field]


def finish(session: Session) -> str:
    """All is known: the session is completed with the same commit that stores the answer."""
    if session.current_route is not None:
        session.complete_route()
        session.status, session.completed_at = "completed", datetime.now(UTC)
    known = session.data
    return f"A table for {known['guests']}, {known['date']}, in the name of {known['name']}. Until then!"


# --- the chat -------------------------------------------------------------------------------------------


@dataclass
class Chat:
    """One session in this terminal.

    Attributes:
        pace: Seconds between the words of an answer, as a model would stream them.
    """

    manager: PersistenceManager
    session_id: str
    user: str
    pace: float

    async def begin(self) -> None:
        """Show where we were; greet, or give the answer that is owed."""
        console.print(Text("Session ", "dim") + visible(self.session_id, "dim"))
        last = await self.manager.history(self.session_id, last=RECENT)
        console.print(transcript(last))
        if not last or last[-1].role == "user":
            await self.reply(last[-1].text if last else "", heard=True)

    async def reply(self, said: str, *, heard: bool = False) -> None:
        """One turn. Leaving it halfway keeps what the user said, and nothing of the answer."""
        opening = self.manager.session(self.session_id, user_id=self.user)
        async with opening as session, session.turn() as turn:
            if not heard:
                turn.add("user", said)
                await turn.checkpoint()
            answer = bot(session.state, said)
            turn.add("assistant", answer, route=AGENT, step=session.state.current_step)
            await self.speak(answer)

    async def speak(self, answer: str) -> None:
        """Say it word by word."""
        console.print("bot>", style="cyan", end="")
        for word in answer.split(" "):
            console.print(Text(" ") + visible(word), end="", soft_wrap=True)
            await asyncio.sleep(self.pace)
        console.print()


def talk(runner: asyncio.Runner, chat: Chat) -> None:
    """Ask and answer until the user leaves (EOFError, KeyboardInterrupt).

    Waiting for a line happens outside the event loop: inside, Ctrl-C would have to wait for the line too.
    """
    runner.run(chat.begin())
    while True:
        said = input("you> " if sys.stdin.isatty() else "").strip()
        try:
            if said:
                runner.run(chat.reply(said))
        except HoldfastError as error:  # too long, or another terminal was faster: the chat goes on
            complain(error)


# --- the sessions of a user -----------------------------------------------------------------------------


async def choose(manager: PersistenceManager, options: argparse.Namespace) -> str:
    """The session to go on with."""
    if options.command == "new":
        return await begin_new(manager, options.user)
    if options.command == "resume":
        return await take_up(manager, options.user, options.id)
    return (await manager.current(options.user, AGENT)).id


async def begin_new(manager: PersistenceManager, user: str) -> str:
    """Put the current session aside, if anything was said in it, and begin another."""
    current = await manager.current(user, AGENT)
    if current.message_count:
        await manager.abandon(current.id)
        current = await manager.current(user, AGENT)
    return current.id


async def own(manager: PersistenceManager, user: str, session_id: str) -> Session:
    """One of the user's sessions; ``manager.session`` would begin one, were there none.

    Raises:
        NotFound: There is none, or it is somebody else's.
    """
    session = await manager.load(session_id)
    if session is None or session.user_id != user:
        raise NotFound(f"Session {session_id!r}.")
    return session


async def take_up(manager: PersistenceManager, user: str, session_id: str) -> str:
    """Go on with a session, even with one that was put aside."""
    session = await own(manager, user, session_id)
    if session.status == "abandoned":
        await manager.set_status(session_id, "active")
    return session_id


async def show_list(manager: PersistenceManager, user: str) -> None:
    """All sessions of the user, last used first."""
    found: list[SessionInfo] = []
    cursor: str | None = None
    while True:
        page = await manager.sessions(user, cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    console.print(listing(found))


async def show_session(manager: PersistenceManager, user: str, session_id: str) -> None:
    """A whole session: transcript and state."""
    session = await own(manager, user, session_id)
    console.print(visible(session.id, "bold"), visible(f"({session.status})", "dim"))
    console.print(transcript(await manager.history(session_id)))
    for field, value in session.data.items():
        console.print(visible(field, "bold") + Text(": ") + visible(str(value)))


# --- what reaches the terminal --------------------------------------------------------------------------


def visible(said: str, style: str = "") -> Text:
    """Foreign text as it may be shown: never markup, and whatever would steer the terminal is spelled out."""
    shown = Text(style=style)
    for character in said:
        if steers(character):
            shown.append(character.encode("unicode_escape").decode(), "reverse")
        else:
            shown.append(character)
    return shown


def steers(character: str) -> bool:
    """Whether a terminal would obey a character, or turn the text around it, rather than draw it.

    Controls (C0, C1, ESC), format characters (bidi, zero width, tags), lone surrogates, line separators.
    """
    joiners = "\u200c\u200d"  # harmless, and Persian and emoji need them
    return category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in joiners


def listing(found: Sequence[SessionInfo]) -> Table:
    """A row for each session; a long id is folded, never cut, since ``resume`` wants all of it."""
    table = Table("status", "messages", "last used", box=None, padding=(0, 2, 0, 0))
    table.add_column("session", overflow="fold")
    for info in found:
        count = Text(str(info.message_count), justify="right")
        table.add_row(visible(info.status), count, moment(info.updated_at), visible(info.id))
    return table


def transcript(messages: Sequence[Message]) -> Table:
    """Who said what, where and when. Lines of a message stay in their column, so that none can pose as another."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(4):
        table.add_column(overflow="fold")  # a long word too is shown to its end
    for message in messages:
        said = Text("\n").join(visible(line) for line in spoken(message).split("\n"))
        place = visible("/".join(filter(None, (message.route, message.step))), "dim")
        # The role always: a name alone could be "assistant".
        who = visible(" ".join(filter(None, (message.role, message.name))), STYLES.get(message.role, ""))
        table.add_row(moment(message.created_at), who, said, place)
    return table


def spoken(message: Message) -> str:
    """The words of a message; what is no words (a tool call, an image) is named."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(
        part.text if isinstance(part, holdfast.Text) else f"({part.type})" for part in message.content
    )


def moment(time: datetime | None) -> Text:
    """A time on the user's clock."""
    return Text(f"{time.astimezone():%Y-%m-%d %H:%M}" if time else "", "dim")


def complain(error: HoldfastError) -> None:
    """Show an error."""
    Console(stderr=True, highlight=False).print(visible(str(error), "red"), soft_wrap=True)


# --- the command line -----------------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description="A chat whose sessions can be listed, resumed and read.")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--db", type=Path, default=Path("chat.db"), help="a SQLite file (default: %(default)s)")
    place.add_argument("--url", help="any other database: sqlite:///chat.db, memory://")
    parser.add_argument("--user", default="guest", help="whose sessions (default: %(default)s)")
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between words (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", metavar="new | list | resume ID | show ID")
    for name in ("new", "list", "resume", "show"):
        command = commands.add_parser(name)
        if name in {"resume", "show"}:
            command.add_argument("id")
    return parser.parse_args()


@contextmanager
def opened(runner: asyncio.Runner, url: str) -> Generator[PersistenceManager]:
    """The database, open in the runner's event loop."""

    async def start() -> Adapter:
        return await holdfast.open(url)

    adapter = runner.run(start())
    try:
        yield PersistenceManager(adapter)
    finally:
        runner.run(adapter.aclose())


def run(runner: asyncio.Runner, manager: PersistenceManager, options: argparse.Namespace) -> None:
    """Do what the command line says."""
    user = options.user
    if options.command == "list":
        runner.run(show_list(manager, user))
    elif options.command == "show":
        runner.run(show_session(manager, user, options.id))
    else:
        session_id = runner.run(choose(manager, options))
        talk(runner, Chat(manager, session_id, user, options.pace))


def main() -> int:
    """Run one command; give the exit code."""
    options = parse()
    for stream in (sys.stdin, sys.stdout):  # bytes that are no text must not end the chat
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    url = options.url or f"sqlite:///{quote(options.db.as_posix())}"
    try:
        with asyncio.Runner() as runner, opened(runner, url) as manager:
            run(runner, manager, options)
    except (EOFError, KeyboardInterrupt):
        console.print("\nYour session is kept. Come back any time.", style="dim")
    except HoldfastError as error:
        complain(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
