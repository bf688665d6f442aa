"""The memory adapter: a few lines over the store."""

from typing import Any, Self, Unpack

from holdfast.errors import ConfigurationError
from holdfast.toolkit import (
    COMMON_OPTIONS,
    COMMON_URL_OPTIONS,
    CommonOptions,
    Operation,
    StoreAdapter,
    check_options,
    parse_url,
)
from holdfast_memory._store import MemoryStore

__all__ = ["MemoryAdapter"]


def _no_driver(error: Exception, running: Operation) -> None:
    """There is no driver whose errors could be translated."""


class MemoryAdapter(StoreAdapter):
    """Keeps everything in this process, and nothing after it: for tests and demonstrations."""

    def __init__(self, **options: Unpack[CommonOptions]) -> None:
        self._memory = MemoryStore()
        super().__init__(self._memory, translate=_no_driver, options=options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """An adapter of its own for ``memory://``, with options in the query.

        Raises:
            ConfigurationError: The URL names a place, or an option is wrong.
        """
        parsed = parse_url(url)
        if parsed.netloc or parsed.path.strip("/"):
            raise ConfigurationError("memory:// takes no name: each adapter has a memory of its own.")
        return cls(**check_options(parsed, COMMON_URL_OPTIONS, options, COMMON_OPTIONS))

    def snapshot(self) -> bytes:
        """All that is stored, as bytes: equal bytes, equal data."""
        return self._memory.snapshot()

    def clear(self) -> None:
        """Forget everything, of all tenants."""
        self._memory.clear()
