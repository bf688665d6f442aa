"""Hooks that fail while several things are stored: all of it is stored first, then it is told."""

from types import TracebackType

from holdfast.errors import HookFailed

__all__ = ["LateHookFailure"]


class LateHookFailure:
    """``with late:`` around each save; ``late.surface()`` behind the last one.

    A hook that is called after a save cannot undo it, and must not keep from the store what comes behind it.

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
        if isinstance(error, HookFailed):
            self.error = self.error or error
            return True
        return False

    def surface(self) -> None:
        """Raise it, if there is one; it is told once."""
        error, self.error = self.error, None
        if error is not None:
            raise error
