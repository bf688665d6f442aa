"""A manager from the environment: its adapter is opened with it, and closed with it."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic

from holdfast.errors import ConfigurationError, InvalidArgument
from holdfast.ids import check_id
from holdfast.manager.data.data_type import D
from holdfast.manager.live.autosave import Autosave, When
from holdfast.manager.settings import seconds_of
from holdfast.registry import open as open_adapter
from holdfast.repositories import Adapter

if TYPE_CHECKING:
    from holdfast.manager.persistence import PersistenceManager

__all__ = ["ManagerOpening", "options_of"]

_TESTS = "HOLDFAST_TEST_"  # where the test servers are; nothing of ours


class ManagerOpening(Generic[D]):
    """A manager that is about to be opened: ``async with`` it."""

    def __init__(self, make: "Callable[[Adapter], PersistenceManager[D]]", url: str, tenant: str | None) -> None:
        self._make = make
        self._opening = open_adapter(url)
        self._tenant = tenant

    async def __aenter__(self) -> "PersistenceManager[D]":
        self._adapter = adapter = await self._opening
        try:
            view = adapter if self._tenant is None else adapter.for_tenant(self._tenant)
            self._manager = self._make(view)
            return await self._manager.__aenter__()
        except BaseException:
            await adapter.aclose()
            raise

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._manager.aclose()
        finally:
            await self._adapter.aclose()


def options_of(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the environment says: ``url``, ``tenant``, and options of a manager.

    Raises:
        ConfigurationError: A variable is missing, unknown, or has no legal value.
    """
    environ = os.environ if environ is None else environ
    found = {name: text for name, text in environ.items() if name.startswith("HOLDFAST_")}
    found = {name: text for name, text in found.items() if not name.startswith(_TESTS)}
    unknown = found.keys() - _VARIABLES.keys()
    if unknown:
        raise ConfigurationError(f"Unknown variables: {', '.join(sorted(unknown))}.")
    if not found.get("HOLDFAST_URL"):
        raise ConfigurationError("HOLDFAST_URL is missing: such as sqlite:///chat.db.")
    options: dict[str, Any] = {}
    for name, text in found.items():
        option, parse = _VARIABLES[name]
        try:
            options[option] = parse(text)
        except (ValueError, ConfigurationError, InvalidArgument):
            raise ConfigurationError(f"{name} has no legal value.") from None
    return options


def _autosave(text: str) -> When | Autosave:
    known: dict[str, When] = {"turn": "turn", "session": "session", "off": "off"}
    return known[text] if text in known else Autosave(every=float(text))


def _on_conflict(text: str) -> str:
    if text not in {"raise", "merge"}:
        raise ValueError(text)
    return text


def _slow(text: str) -> float | None:
    return None if text == "never" else seconds_of(float(text))


def _tenant(text: str) -> str:
    return check_id(text, "tenant")


_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "HOLDFAST_URL": ("url", str),
    "HOLDFAST_TENANT": ("tenant", _tenant),
    "HOLDFAST_AUTOSAVE": ("autosave", _autosave),
    "HOLDFAST_ON_CONFLICT": ("on_conflict", _on_conflict),
    "HOLDFAST_SLOW": ("slow", _slow),
}
