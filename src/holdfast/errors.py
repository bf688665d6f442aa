"""Every error that holdfast raises, split by what the caller can do.

    HoldfastError
    ├── ConfigurationError          mend the set-up
    │   ├── AdapterNotInstalled     run the pip line that it names
    │   ├── SchemaOutdated          run the call that it names
    │   └── SchemaTooNew            update this program
    ├── InvalidArgument             mend the call; nothing was written
    │   ├── InvalidIdentifier
    │   ├── UnserializableValue
    │   └── PayloadTooLarge
    ├── UnsupportedCapability       ask another backend, or do without
    ├── NotFound                    there is none for you
    │   └── SessionExpired
    ├── VersionConflict             load again, decide, write again
    ├── DuplicateIdConflict         one id, two contents: find the bug
    ├── SessionFenced               the session is moving; later
    ├── CursorLost                  begin the walk again
    ├── BackendUnavailable          nothing was written; retry
    ├── BackendTimeout              nothing was written; retry
    ├── Backpressure                nothing was written; slow down
    ├── StorageFull                 nothing was written; free some space
    ├── OutcomeUnknown              retry the same turn: it is stored once
    │   └── UpdateUnknown           look what is stored
    ├── CorruptRecord               what is stored cannot be read
    │   └── InvalidData             the user's data does not fit his data type
    ├── HookFailed                  it is stored; mend the hook
    ├── AdapterClosed, WrongEventLoop, WrongProcess    mend the program
    └── FlushIncomplete             what it names was not saved

The first paragraph of each docstring is the error's message. No message ever holds a password or
anything that a user said. All of them can be pickled; what caused them is their ``__cause__``.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

__all__ = [
    "AdapterClosed",
    "AdapterNotInstalled",
    "BackendTimeout",
    "BackendUnavailable",
    "Backpressure",
    "ConfigurationError",
    "CorruptRecord",
    "CursorLost",
    "DuplicateIdConflict",
    "FlushIncomplete",
    "HoldfastError",
    "HookFailed",
    "InvalidArgument",
    "InvalidData",
    "InvalidIdentifier",
    "NotFound",
    "OutcomeUnknown",
    "PayloadTooLarge",
    "SchemaOutdated",
    "SchemaTooNew",
    "SessionExpired",
    "SessionFenced",
    "StorageFull",
    "UnserializableValue",
    "UnsupportedCapability",
    "UpdateUnknown",
    "VersionConflict",
    "WrongEventLoop",
    "WrongProcess",
]


class HoldfastError(Exception):
    """Holdfast could not do what was asked.

    Attributes:
        retryable: Whether the same call may succeed later, unchanged, and is safe to repeat.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        summary = (type(self).__doc__ or type(self).__name__).split("\n\n", 1)[0]
        summary = " ".join(summary.split())
        return f"{summary} {self.detail}" if self.detail else summary

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[HoldfastError], args: tuple[Any, ...], state: dict[str, Any]) -> HoldfastError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


# --- mend the set-up ---------------------------------------------------------------------------


class ConfigurationError(HoldfastError):
    """The configuration cannot work."""


class AdapterNotInstalled(ConfigurationError):
    """No installed adapter serves this URL scheme."""

    def __init__(self, scheme: str, install: str) -> None:
        super().__init__(f"{scheme!r}: {install}")
        self.scheme = scheme
        self.install = install


class SchemaOutdated(ConfigurationError):
    """The stored schema is older than this program, and opening never migrates it.

    Attributes:
        component: Which part of the schema it is (``sessions``).
        stored: The schema number that was found.
        known: The newest schema number that this program knows.
    """

    def __init__(self, component: str, *, stored: int, known: int) -> None:
        super().__init__(
            f"{component}: stored {stored}, known {known}. When no older version runs any more, "
            "call once: await holdfast.open(url).migrate()"
        )
        self.component = component
        self.stored = stored
        self.known = known


class SchemaTooNew(ConfigurationError):
    """The stored schema was written by a newer version, which forbids this one to use it.

    Attributes:
        component: Which part of the schema it is.
        stored: The schema number that was found.
        known: The newest schema number that this program knows.
    """

    def __init__(self, component: str, *, stored: int, known: int) -> None:
        super().__init__(f"{component}: stored {stored}, known {known}. Update holdfast.")
        self.component = component
        self.stored = stored
        self.known = known


# --- mend the call -----------------------------------------------------------------------------


class InvalidArgument(HoldfastError):
    """An argument cannot be right; nothing was written."""


class InvalidIdentifier(InvalidArgument):
    """An identifier breaks the rules: 1 to 255 UTF-8 bytes, no control characters."""


class UnserializableValue(InvalidArgument):
    """A value cannot be stored and come back equal.

    Attributes:
        path: Where it is, from the root of what was handed in (``data.cart[3].price``).
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path


class PayloadTooLarge(InvalidArgument):
    """What was handed in is larger than a limit of this adapter.

    Attributes:
        limit: The limit's name, as in ``adapter.limits``.
        allowed: Its value.
        actual: What was handed in.
    """

    def __init__(self, limit: str, *, allowed: int, actual: int) -> None:
        super().__init__(f"{limit}: {actual:,} is over {allowed:,}.")
        self.limit = limit
        self.allowed = allowed
        self.actual = actual


class UnsupportedCapability(HoldfastError):
    """This adapter does not offer that capability.

    Attributes:
        capability: Its name.
    """

    def __init__(self, capability: str, alternative: str = "") -> None:
        super().__init__(f"{capability!r}. {alternative}".rstrip(". "))
        self.capability = capability


# --- what is there is not what the call expected -------------------------------------------------


class NotFound(HoldfastError):
    """There is no such session, or no such message in it, for this caller."""


class SessionExpired(NotFound):
    """The session's lifetime is over."""


class VersionConflict(HoldfastError):
    """Somebody else wrote first; nothing of this write was stored.

    Attributes:
        session_id: The session.
        expected: What the call expected.
        actual: What was found.
        guard: What was compared: ``version`` (of the state) or ``last_seq`` (of the messages).
        paths: From a manager that merges: what both sides have changed (``data.name``).
        turn: From a manager's turn: the turn itself, which still holds everything that it was
            going to store. Not carried through pickle.
    """

    def __init__(self, session_id: str, *, expected: int, actual: int, guard: str = "version") -> None:
        super().__init__(f"Session {session_id!r}, {guard}: expected {expected}, found {actual}.")
        self.session_id = session_id
        self.expected = expected
        self.actual = actual
        self.guard = guard
        self.paths: tuple[str, ...] = ()
        self.turn: Any = None

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said} Both changed {', '.join(self.paths)}." if self.paths else said

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, {**self.__dict__, "turn": None})


class DuplicateIdConflict(HoldfastError):
    """An id was used before, for something else; nothing of this write was stored.

    Attributes:
        ids: The message ids, or the turn id, in question: all of them.
    """

    def __init__(self, session_id: str, ids: Sequence[str]) -> None:
        shown = ", ".join(map(repr, ids[:5])) + (", …" if len(ids) > 5 else "")  # noqa: PLR2004
        super().__init__(f"Session {session_id!r}: {shown}")
        self.session_id = session_id
        self.ids = tuple(ids)


class SessionFenced(HoldfastError):
    """The session is fenced: it can be read, but not written, until the fence is lifted."""

    retryable = True


class CursorLost(HoldfastError):
    """The place that this cursor marked holds something else now; begin the walk again."""


# --- the backend ---------------------------------------------------------------------------------


class BackendUnavailable(HoldfastError):
    """The backend could not be reached; nothing was written."""

    retryable = True


class BackendTimeout(HoldfastError):
    """The deadline passed; nothing was written."""

    retryable = True


class Backpressure(HoldfastError):
    """Too much is waiting to be written; nothing of this write was stored."""

    retryable = True


class StorageFull(HoldfastError):
    """The backend has no space left; nothing of this write was stored."""

    retryable = True


class OutcomeUnknown(HoldfastError):
    """The write was sent, and no answer came: it may be stored, or not. Retrying is safe.

    Attributes:
        turn_id: The id that makes the retry safe: the same write with this turn id is stored once.
    """

    retryable = True

    def __init__(self, detail: str = "", *, turn_id: str | None = None) -> None:
        super().__init__(detail)
        self.turn_id = turn_id

    def __str__(self) -> str:
        said = super().__str__()
        return f"{said} Turn {self.turn_id}." if self.turn_id else said


class UpdateUnknown(OutcomeUnknown):
    """The change was sent, and no answer came: it may be stored, or not. Look before you repeat it.

    Its turn is known to ``manager.update`` alone, which has sent it again in vain; another update is another turn.
    """

    retryable = False


class CorruptRecord(HoldfastError):
    """What is stored cannot be read.

    Attributes:
        session_id: The session, where it is known.
        seq: The message's position, where it is one message.
    """

    def __init__(self, detail: str = "", *, session_id: str | None = None, seq: int | None = None) -> None:
        place = f"Session {session_id!r}" if session_id is not None else ""
        place += f", message {seq}" if seq is not None else ""
        super().__init__(f"{place}: {detail}" if place else detail)
        self.session_id = session_id
        self.seq = seq


class InvalidData(CorruptRecord):
    """The stored data does not fit the data type of this program.

    Attributes:
        path: Where, in the data (``data.seats[2]``).
        session: The session as it is stored, to be read, mended by hand, or shown.
    """

    def __init__(self, path: str, why: str, *, session_id: str) -> None:
        super().__init__(f"{path}: {why}", session_id=session_id)
        self.path = path
        self.session: Any = None


# --- the user's own code -------------------------------------------------------------------------


class HookFailed(HoldfastError):
    """A hook failed after the write was stored; nothing is lost, and nothing is to be repeated.

    Attributes:
        hook: Its name. What it raised is the ``__cause__``.
    """

    def __init__(self, hook: str) -> None:
        super().__init__(hook)
        self.hook = hook


# --- mend the program ----------------------------------------------------------------------------


class AdapterClosed(HoldfastError):
    """The adapter is not open."""


class WrongEventLoop(HoldfastError):
    """The adapter belongs to another event loop; open one in each loop."""


class WrongProcess(HoldfastError):
    """The adapter was opened in another process; open one in each process, after the fork."""


class FlushIncomplete(HoldfastError):
    """Not everything could be saved in time.

    Attributes:
        session_ids: The sessions that have something left.
    """

    def __init__(self, session_ids: Sequence[str]) -> None:
        super().__init__(", ".join(map(repr, session_ids[:20])))
        self.session_ids = tuple(session_ids)
