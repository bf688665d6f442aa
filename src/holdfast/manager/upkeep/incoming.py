"""Reading an export: its lines, checked one by one, become sessions that are whole."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from dataclasses import dataclass, field

from holdfast.capabilities import Limits
from holdfast.codec import encode_message, encode_state
from holdfast.errors import InvalidArgument
from holdfast.manager.upkeep.chain import Chain, Damaged
from holdfast.manager.upkeep.lines import check_header, read_message, read_session, say_footer
from holdfast.models import Message, Session

__all__ = ["Incoming", "incoming_sessions"]


@dataclass(slots=True)
class Incoming:
    """A session of an export, and its messages in their order.

    Attributes:
        session: The session, as a new one.
        messages: Its messages.
        sizes: How many bytes each message has, encoded.
    """

    session: Session
    messages: list[Message] = field(default_factory=list[Message])
    sizes: list[int] = field(default_factory=list[int])


async def incoming_sessions(
    lines: Iterable[str] | AsyncIterable[str], limits: Limits, user_id: str | None, *, claim: bool = False
) -> AsyncGenerator[Incoming]:
    """The sessions of an export, each when all of its lines were checked.

    Args:
        lines: The lines; their ends, and empty ones, do not matter.
        limits: Those of the adapter that they are for.
        user_id: Whose they become, if not their own user's.
        claim: Whether those of nobody become his too.

    Raises:
        InvalidArgument: A line is not what an export has written there, or the footer is missing.
        PayloadTooLarge: Something is larger than these limits.
    """
    reader = _Reader(limits, user_id, claim=claim)
    async for line in _each(lines):
        reader.number += 1
        whole = reader.read(line)
        if whole is not None:
            yield whole
    reader.end()


async def _each(lines: Iterable[str] | AsyncIterable[str]) -> AsyncGenerator[str]:
    if isinstance(lines, AsyncIterable):
        async for line in lines:
            yield line
        return
    for line in lines:
        yield line


class _Reader:
    """Where in the export we are.

    Attributes:
        number: Which line this is, from 1.
    """

    def __init__(self, limits: Limits, user_id: str | None, *, claim: bool) -> None:
        self.number = 0
        self._limits = limits
        self._target = user_id
        self._claim = claim
        self._chain = Chain()
        self._user_id = ""  # the header's, once it was read
        self._ended = False
        self._current: Incoming | None = None
        self._ids: set[str] = set()  # of the current session's messages
        self._sessions = self._messages = 0

    def read(self, line: str) -> Incoming | None:
        """Read the next line; the session in front of it, if it ends there."""
        if type(line) is not str:
            raise InvalidArgument(f"Line {self.number} is {type(line).__name__}, not str.")
        line = line.strip()
        try:
            return self._read(line) if line else None
        except Damaged as damaged:
            raise InvalidArgument(f"Line {self.number} is not what an export has written: {damaged}.") from None
        except InvalidArgument as error:
            error.add_note(f"It is in line {self.number} of the export.")
            raise

    def end(self) -> None:
        """There are no more lines.

        Raises:
            InvalidArgument: The footer is missing.
        """
        if not self._ended:
            raise InvalidArgument(f"Line {self.number + 1} is missing: the export breaks off before its footer.")

    def _read(self, line: str) -> Incoming | None:
        if not self._user_id:
            self._user_id = check_header(line)
            self._chain.open(line)
            return None
        if self._ended:
            raise Damaged("the footer is in front of it")
        fields = self._chain.open(line)
        if "message" in fields:
            self._message(read_message(fields))
            return None
        whole = self._current
        if "session" in fields:
            self._session(read_session(fields))
        elif fields != say_footer(self._sessions, self._messages):
            raise Damaged("it does not count what is in front of it")
        else:
            self._ended = True
        return whole

    def _session(self, session: Session) -> None:
        if session.user_id not in {None, self._user_id}:
            raise Damaged("its session belongs to another user")
        if self._target is not None and (self._claim or session.user_id is not None):
            session.user_id = self._target
        encode_state(session, self._limits)
        self._current, self._ids = Incoming(session), set()
        self._sessions += 1

    def _message(self, message: Message) -> None:
        if self._current is None or message.id in self._ids:
            raise Damaged("its message belongs to no session, or is there twice")
        self._current.sizes.append(encode_message(message, self._limits).size)
        self._current.messages.append(message)
        self._ids.add(message.id)
        self._messages += 1
