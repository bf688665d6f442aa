"""Connections that nobody closed must not keep a program from ending.

aiosqlite's threads are no daemons: the interpreter would wait for them for ever. So one daemon thread waits for
the main thread to end, and then stops what is still open; all of it is durable already.
"""

import threading
from weakref import WeakSet

import aiosqlite

__all__ = ["watch"]

_open: WeakSet[aiosqlite.Connection] = WeakSet()
_lock = threading.Lock()
_watcher: threading.Thread | None = None


def watch(connection: aiosqlite.Connection) -> None:
    """Stop this connection when the main thread has ended, if it is still open then."""
    global _watcher  # noqa: PLW0603 - one watcher a process
    with _lock:
        _open.add(connection)
        if _watcher is None or not _watcher.is_alive():  # a forked child has none
            _watcher = threading.Thread(target=_stop_all, name="holdfast-sqlite-exit", daemon=True)
            _watcher.start()


def _stop_all() -> None:
    threading.main_thread().join()
    for connection in list(_open):
        connection.stop()
