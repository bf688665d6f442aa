"""The options of a manager, and what becomes of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from holdfast.clock import Clock, utc_now
from holdfast.errors import ConfigurationError
from holdfast.manager.context import Context
from holdfast.manager.data.data_type import DataType
from holdfast.manager.data.migrations import DataMigrations, Migration
from holdfast.manager.hooks import Hooks, Listeners
from holdfast.manager.live.autosave import Autosave, When, when_of
from holdfast.manager.live.conflicts import OnConflict, settle_of
from holdfast.repositories import Adapter

__all__ = ["Options", "context_of", "seconds_of"]


class Options(TypedDict, total=False):
    """The options of every manager.

    Attributes:
        autosave: When a turn becomes durable: ``"turn"``, as it ends; ``"session"``, when the session is left;
            ``Autosave(every=1.0)``, in the background; ``"off"``, with ``flush`` alone.
        on_conflict: What becomes of a state when others have saved first: ``"raise"``; ``"merge"``, by top-level
            key and by route; or a function ``(base, mine, theirs) -> state`` over three ``Session`` values.
        hooks: The user's functions around loads and saves.
        schema_version: The version of the user's data; 1 if not given.
        migrations: By the version that it starts from, what upgrades data to the next one.
        clock: Tells the time that completions, clean-ups and reports use.
        slow: After how many seconds a load or a save is logged as slow, without any content; None for never,
            1 if not given.
    """

    autosave: When | Autosave
    on_conflict: OnConflict
    hooks: Hooks | Sequence[Hooks]
    schema_version: int
    migrations: Mapping[int, Migration]
    clock: Clock
    slow: float | None


def context_of(
    adapter: Adapter, data_type: type[Any] | None, data_factory: Callable[[], Any] | None, options: Options
) -> Context[Any]:
    """The context of a new manager.

    Raises:
        ConfigurationError: An option is unknown, or cannot be.
    """
    # These two import asyncio: 40 ms that only users of a manager pay.
    from holdfast.manager.live.backlog import Backlog  # noqa: PLC0415
    from holdfast.manager.live.politeness import Politeness  # noqa: PLC0415

    unknown = options.keys() - Options.__annotations__
    if unknown:
        raise ConfigurationError(f"Unknown options: {', '.join(sorted(unknown))}.")
    if not callable(options.get("clock", utc_now)):
        raise ConfigurationError("clock is a function that tells the time.")
    if data_factory is not None and data_type is None:
        raise ConfigurationError("data_factory goes with data_type.")
    autosave = when_of(options.get("autosave", "turn"))
    return Context(
        adapter=adapter,
        beneath=adapter,
        data_type=None if data_type is None else DataType(data_type, data_factory),
        migrations=DataMigrations(options.get("schema_version", 1), options.get("migrations")),
        hooks=Listeners(options.get("hooks", ())),
        autosave=autosave,
        settle=settle_of(options.get("on_conflict", "raise")),
        clock=options.get("clock", utc_now),
        slow=seconds_of(options.get("slow", 1.0)),
        backlog=Backlog(autosave),
        politeness=Politeness(),
    )


def seconds_of(slow: float | None) -> float | None:
    """The same, if it is a number of seconds, or None.

    Raises:
        ConfigurationError: It is not.
    """
    if slow is not None and (type(slow) not in (int, float) or not 0 <= slow < math.inf):
        raise ConfigurationError("slow is a number of seconds, or None.")
    return slow
