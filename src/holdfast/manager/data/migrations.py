"""Migrations of the user's data: what an older version of his program wrote is upgraded when it is loaded."""

import copy
from collections.abc import Callable, Mapping
from inspect import iscoroutine
from typing import Any

from holdfast.capabilities import Limits
from holdfast.codec import encode_state
from holdfast.errors import ConfigurationError, InvalidArgument, InvalidData
from holdfast.models import Session

__all__ = ["DataMigrations", "Migration"]

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes plain data of one version, and gives that of the next; it may change and give back what it is given."""


class DataMigrations:
    """The way from any older version of the data to this program's.

    Data without a version is of version 1. What was upgraded is written back with the next save, never before:
    an older version of the program may still be running.
    """

    def __init__(self, version: int = 1, steps: Mapping[int, Migration] | None = None) -> None:
        """Check the way.

        Args:
            version: The version that this program knows: 1, 2, 3…
            steps: By the version that it starts from, what upgrades data to the next version. The oldest ones
                may be left out, once nothing so old is stored any more.

        Raises:
            ConfigurationError: A version is no positive number, a step is missing or leads beyond ``version``.
        """
        given: Any = {} if steps is None else steps
        if type(version) is not int or version < 1:
            raise ConfigurationError(f"schema_version is {version!r}, not 1, 2, 3…")
        known = range(max(1, version - len(given)), version) if isinstance(given, Mapping) else ()
        if not isinstance(given, Mapping) or set(given) != set(known) or not all(map(callable, given.values())):
            raise ConfigurationError(
                f"schema_version is {version}: migrations has one function for each version before it, or for the "
                f"newest of them, without a gap."
            )
        self.version = version
        self._steps: dict[int, Migration] = dict(given)

    def upgrade(self, session: Session, limits: Limits) -> None:
        """Bring a loaded session's data up to date; its old data is left as it is.

        Raises:
            InvalidData: It is of a newer version, or so old that no migration begins there; or one has failed,
                or gave what cannot be stored.
        """
        stored = session.schema_version or 1
        if stored == self.version:
            return
        known = range(self.version - len(self._steps), self.version + 1)
        if stored not in known:
            why = f"{stored} is stored, and this program knows {known[0]} to {known[-1]}."
            raise InvalidData("schema_version", why, session_id=session.id)
        for version in range(stored, self.version):
            session.data = self._step(version, session)
        session.schema_version = self.version
        try:
            encode_state(session, limits)
        except InvalidArgument as error:
            raise InvalidData(
                "data", "the migrations gave what cannot be stored.", session_id=session.id
            ) from error

    def _step(self, version: int, session: Session) -> dict[str, Any]:
        try:
            upgraded: Any = self._steps[version](copy.deepcopy(session.data))
        except Exception as error:
            why = f"the migration from version {version} failed with {type(error).__name__}."
            raise InvalidData("data", why, session_id=session.id) from error
        if type(upgraded) is not dict:
            if iscoroutine(upgraded):
                upgraded.close()
            why = f"the migration from version {version} gave {type(upgraded).__name__}, not dict."
            raise InvalidData("data", why, session_id=session.id)
        return upgraded
