"""SQLite: aiosqlite through its public calls, WAL, every commit synced (``synchronous=FULL``)."""

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from pathlib import Path

from benchmarks.backends.sqlite.coalesced import Coalesced
from benchmarks.backends.sqlite.straight import Straight
from benchmarks.contender import Backend, Contender
from benchmarks.ours import Ours

__all__ = ["BACKEND"]


def _ours(folder: Path) -> AbstractAsyncContextManager[Contender]:
    return Ours.open(f"sqlite:///{folder / 'ours.db'}")


def _versions() -> Mapping[str, str]:
    return {"sqlite": sqlite3.sqlite_version, "aiosqlite": version("aiosqlite")}


BACKEND = Backend(
    contenders={"ours": _ours, "straight": Straight.open, "coalesced": Coalesced.open},
    versions=_versions,
)
