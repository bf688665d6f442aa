"""From a URL to an adapter: installed distributions announce one for each scheme (``holdfast.adapters``)."""

from collections.abc import Generator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from holdfast.errors import AdapterNotInstalled, ConfigurationError
from holdfast.repositories import Adapter

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Opening", "open"]

_GROUP = "holdfast.adapters"

# Which extra brings a scheme: for the pip line of an adapter that is not installed.
_EXTRAS = {
    "memory": "memory",
    "sqlite": "sqlite",
}


class _Factory(Protocol):
    def from_url(self, url: str, **options: Any) -> Adapter: ...


class Opening:
    """An adapter that is about to be opened: ``async with`` it, or await it and close it yourself."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    async def migrate(self) -> None:
        """Bring an older schema up to date, in place of opening. Do it when no older version runs any more."""
        try:
            await self._adapter.initialize(migrate=True)
        finally:
            await self._adapter.aclose()

    def __await__(self) -> Generator[Any, None, Adapter]:
        return self._adapter.__aenter__().__await__()

    async def __aenter__(self) -> Adapter:
        return await self._adapter.__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        await self._adapter.__aexit__(*exc)


def open(url: str, **options: Any) -> Opening:  # noqa: A001 - holdfast.open, as in gzip.open
    """Open the adapter that a URL names.

    ``async with holdfast.open("sqlite:///chat.db") as adapter:`` closes it at the end;
    ``adapter = await holdfast.open(…)`` leaves that to the caller.

    Args:
        url: Such as ``sqlite:///chat.db``. Options may stand in its query.
        **options: Options of the adapter.

    Raises:
        AdapterNotInstalled: No installed adapter serves the scheme; the error names the pip line.
        ConfigurationError: Two distributions serve it, or an option is wrong.
    """
    return Opening(_factory(url).from_url(url, **options))


def _factory(url: str) -> _Factory:
    # The part before :// alone: nothing else of a URL may reach an error's text.
    scheme, separator, _ = url.partition("://") if type(url) is str else ("", "", "")
    if not separator:
        raise ConfigurationError("A URL has the form scheme://…, such as sqlite:///chat.db.")
    found = _entry_points(scheme)
    if not found:
        raise AdapterNotInstalled(scheme, _install_line(scheme))
    if len(found) > 1:
        names = sorted(point.dist.name if point.dist else point.value for point in found)
        raise ConfigurationError(f"Two distributions serve {scheme!r}: {' and '.join(names)}. Remove one.")
    module, _, name = found[0].value.partition(":")
    return cast("_Factory", getattr(import_module(module), name))


def _entry_points(scheme: str) -> "list[EntryPoint]":
    from importlib.metadata import entry_points  # noqa: PLC0415 - 10 ms that only openers pay

    found = {
        (point.value, point.dist and point.dist.name): point for point in entry_points(group=_GROUP, name=scheme)
    }
    return list(found.values())


def _install_line(scheme: str) -> str:
    if scheme in _EXTRAS:
        return f'pip install "holdfast[{_EXTRAS[scheme]}]"'
    return f"holdfast has none for it. It knows: {', '.join(sorted(_EXTRAS))}"
