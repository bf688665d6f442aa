"""Hooks: functions of the user, called around loads and saves."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from inspect import isawaitable
from typing import Any

from holdfast.errors import HoldfastError, HookFailed, InvalidArgument, VersionConflict
from holdfast.models import Committed, Session, Turn
from holdfast.values import identical

__all__ = ["DataChange", "Hooks", "Listeners"]

logger = logging.getLogger("holdfast")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChange:
    """How a session's data has changed; the values are plain.

    Attributes:
        session_id: The session.
        before: The data as it was stored before; empty for a new session.
        after: The data as it is stored now.
    """

    session_id: str
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def keys(self) -> tuple[str, ...]:
        """The top-level keys that were added, changed or removed."""
        every = {**self.before, **self.after}
        return tuple(key for key in every if not self._same(key))

    def _same(self, key: str) -> bool:
        return key in self.before and key in self.after and identical(self.before[key], self.after[key])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions, or coroutine functions, that a manager calls; each may be left out.

    ``before_load``, ``after_load`` and ``before_save`` can refuse: what they raise reaches the caller as it is,
    and nothing was loaded or written. ``after_save`` and ``on_data_change`` come when everything is durable:
    what they raise reaches the caller as ``HookFailed``. ``on_error``, ``on_conflict`` and ``on_denied`` come
    while an error is on its way: the caller gets that error, and what the hook has raised is logged.

    Attributes:
        before_load: Called with the session's id.
        after_load: Called with the session. What it changes there counts as loaded, and is stored with the
            next change.
        before_save: Called with the ``Turn`` that is about to be stored; what it changes there is not stored.
        after_save: Called with the ``Turn`` and what was ``Committed``.
        on_error: Called with the session's id and the error, for every error of ours that a load or a save
            ends with.
        on_conflict: Called with each ``VersionConflict``, before it is settled or raised.
        on_denied: Called with a session's id and the user who asked for it, when it belongs to somebody else.
        on_data_change: Called with a ``DataChange``, when a save has stored other data.
    """

    before_load: Callable[[str], Any] | None = None
    after_load: Callable[[Session], Any] | None = None
    before_save: Callable[[Turn], Any] | None = None
    after_save: Callable[[Turn, Committed], Any] | None = None
    on_error: Callable[[str, HoldfastError], Any] | None = None
    on_conflict: Callable[[VersionConflict], Any] | None = None
    on_denied: Callable[[str, str], Any] | None = None
    on_data_change: Callable[[DataChange], Any] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            hook = getattr(self, field.name)
            if hook is not None and not callable(hook):
                raise InvalidArgument(f"Hooks.{field.name} is {type(hook).__name__}, which cannot be called.")


class Listeners:
    """All hooks of one manager, in their order."""

    def __init__(self, hooks: Hooks | Sequence[Hooks] = ()) -> None:
        every: Any = [hooks] if isinstance(hooks, Hooks) else hooks
        if not isinstance(every, Sequence) or any(type(one) is not Hooks for one in every):
            raise InvalidArgument("hooks is a Hooks, or a list of them.")
        names = [field.name for field in fields(Hooks)]
        self._by_name = {name: [hook for one in every if (hook := getattr(one, name))] for name in names}

    def __contains__(self, name: str) -> bool:
        return bool(self._by_name[name])

    async def ask(self, name: str, *said: Any) -> None:
        """Call hooks that may refuse: the first that raises ends it.

        Raises:
            InvalidArgument: One of them has raised what says that something is stored; that was another write.
        """
        for hook in self._by_name[name]:
            try:
                await _call(hook, *said)
            except HookFailed as error:
                raise InvalidArgument(
                    f"The hook {name} has made a write of its own, and one of its failed."
                ) from error

    async def tell(self, name: str, *said: Any) -> None:
        """Call hooks of what has happened; all of them, whatever one of them raises.

        Raises:
            HookFailed: One of them has raised.
        """
        failed: Exception | None = None
        for hook in self._by_name[name]:
            try:
                await _call(hook, *said)
            except Exception as error:  # noqa: BLE001 - a user's function; the first error is raised below
                failed = failed or error
        if failed is not None:
            raise HookFailed(name) from failed

    async def note(self, name: str, *said: Any) -> None:
        """Call hooks while an error is on its way, which nothing takes the place of: what they raise is logged."""
        for hook in self._by_name[name]:
            try:
                await _call(hook, *said)
            except Exception as raised:
                logger.error("The hook %s failed with %s.", name, type(raised).__name__)  # noqa: TRY400 - no content
                logger.debug("Its traceback, which may hold what was said", exc_info=True)


async def _call(hook: Callable[..., Any], *said: Any) -> None:
    answer = hook(*said)
    if isawaitable(answer):
        await answer
