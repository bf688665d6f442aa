"""Hooks that fail while several things are stored: all of it is stored first, then it is told."""

import logging
from types import TracebackType

from holdfast.errors import HookFailed

__all__ = ["LateHookFailure"]

logger = logging.getLogger("holdfast")


class LateHookFailure:
    """``with late:`` around the hooks of each save; ``late.surface()`` behind the last one.

    A hook that is called after a save cannot undo it, and must not keep from the store what comes behind it.

    Around nothing but the hooks: what they raise before a save keeps it from being stored.

    Attributes:
        error: The first hook that has failed, and was not told yet.
    """

    def __init__(self) -> None:
        self.error: HookFailed | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, HookFailed):
            return False
        if self.error is None:
            self.error = error
        else:  # one is told for all; its words may be a user's, and are not logged
            logger.error("The hook %s has failed too", error.detail)
        return True

    def surface(self) -> None:
        """Raise it, if there is one; it is told once."""
        error, self.error = self.error, None
        if error is not None:
            raise error
