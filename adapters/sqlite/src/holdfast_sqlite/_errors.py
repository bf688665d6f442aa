"""What SQLite's errors mean for a caller."""

import sqlite3

from holdfast.errors import (
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    CorruptRecord,
    HoldfastError,
    OutcomeUnknown,
    StorageFull,
)
from holdfast.toolkit import Operation, Phase

__all__ = ["is_busy", "translate"]

# Primary result codes (https://sqlite.org/rescode.html). None of the texts quotes a value.
_MEANING: dict[int, tuple[type[HoldfastError], str]] = {
    sqlite3.SQLITE_FULL: (StorageFull, "The disk, or the database's own limit, is full."),
    sqlite3.SQLITE_BUSY: (BackendTimeout, "Another program holds the file locked."),
    sqlite3.SQLITE_LOCKED: (BackendTimeout, "Another connection holds a table locked."),
    sqlite3.SQLITE_READONLY: (ConfigurationError, "The file cannot be written by this process."),
    sqlite3.SQLITE_PERM: (ConfigurationError, "The file's permissions forbid it."),
    sqlite3.SQLITE_CANTOPEN: (
        ConfigurationError,
        "The file cannot be opened: check path and permissions.",
    ),
    sqlite3.SQLITE_NOTADB: (ConfigurationError, "The file is no SQLite database."),
    sqlite3.SQLITE_CORRUPT: (CorruptRecord, "The database file is damaged; restore a backup."),
}


def translate(error: Exception, running: Operation) -> HoldfastError | None:
    """The error of ours for one of SQLite's.

    A write whose transaction failed for a reason that is not in the table may be stored all the same: its
    commit may have reached the disk before the failure.
    """
    if not isinstance(error, sqlite3.Error):
        return None
    kind, text = _MEANING.get(_primary_code(error), (None, ""))
    if kind is not None:
        return kind(text)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if running.phase is Phase.SENT:
        return OutcomeUnknown(f"SQLite says {name}.", turn_id=running.turn_id)
    return BackendUnavailable(f"SQLite says {name}.")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds a lock."""
    return _primary_code(error) == sqlite3.SQLITE_BUSY


def _primary_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
