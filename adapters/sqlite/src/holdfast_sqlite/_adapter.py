"""The SQLite adapter: a few lines over the store."""

import os
from collections.abc import Mapping
from typing import Any, Literal, Self, Unpack

from holdfast.errors import ConfigurationError
from holdfast.toolkit import (
    COMMON_OPTIONS,
    COMMON_URL_OPTIONS,
    CommonOptions,
    StoreAdapter,
    check_options,
    parse_url,
)
from holdfast.toolkit.checks import check_timeout
from holdfast.toolkit.urls import Parse
from holdfast_sqlite._connections import Connections
from holdfast_sqlite._errors import translate
from holdfast_sqlite._store import SQLiteStore

__all__ = ["SQLiteAdapter"]

_BUSY_SHARE = 0.9  # of the deadline: SQLite gives up first, and says that nothing was written
_MAX_READERS = 64

_URL_OPTIONS: Mapping[str, Parse] = {**COMMON_URL_OPTIONS, "synchronous": str.upper, "readers": int}


class SQLiteAdapter(StoreAdapter):
    """Sessions in one SQLite file, for as many processes of one machine as you like."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        readers: int = 2,
        **options: Unpack[CommonOptions],
    ) -> None:
        """Make an adapter; the file is opened by ``initialize``.

        Args:
            path: The file; its folder must exist. ``":memory:"`` is a private database that dies with it.
            synchronous: ``FULL`` survives the loss of power; ``NORMAL`` may lose the last writes then, but
                neither order nor wholeness. ``OFF`` is refused: it can destroy the file.
            readers: How many connections read beside the one that writes.
            **options: The common options.

        Raises:
            ConfigurationError: An option has no legal value.
            InvalidArgument: A common option has none.
        """
        if synchronous not in {"FULL", "NORMAL"}:
            raise ConfigurationError("synchronous is FULL or NORMAL.")
        if type(readers) is not int or not 1 <= readers <= _MAX_READERS:
            raise ConfigurationError(f"readers is 1 to {_MAX_READERS}.")
        busy = check_timeout(options.get("timeout", 30.0)) * _BUSY_SHARE
        connections = Connections(os.fspath(path), synchronous=synchronous, readers=readers, busy_timeout=busy)
        super().__init__(SQLiteStore(connections), translate=translate, options=options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """An adapter for ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``sqlite://`` (in memory).

        Raises:
            ConfigurationError: The URL names a host, or an option is wrong.
        """
        parsed = parse_url(url)
        if parsed.netloc:
            raise ConfigurationError(
                "A SQLite URL has three slashes: sqlite:///chat.db, or sqlite:////var/chat.db."
            )
        also = COMMON_OPTIONS | {"synchronous", "readers"}
        checked = check_options(parsed, _URL_OPTIONS, options, also)
        return cls(parsed.path.removeprefix("/") or ":memory:", **checked)
