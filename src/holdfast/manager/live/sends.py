"""Which saves are under way around a piece of code: so that a hook of one does not wait for itself."""

from contextvars import ContextVar

__all__ = ["Send", "in_a_hook", "sends"]


class Send:
    """A save under way.

    Attributes:
        active: Whether it still is: a task that a hook has begun outlives it.
    """

    def __init__(self) -> None:
        self.active = True


sends: ContextVar[tuple[Send, ...]] = ContextVar("sends", default=())
"""The saves that this piece of code was called by."""


def in_a_hook() -> bool:
    """Whether this is called by a hook of a save that is under way."""
    return any(send.active for send in sends.get())
