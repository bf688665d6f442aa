"""What an adapter can do, how safe its acknowledgements are, its limits, and what it found out."""

from dataclasses import dataclass, fields
from enum import IntEnum

from holdfast.errors import InvalidArgument

__all__ = ["Capability", "Durability", "Finding", "Limits"]

_MIB = 1024 * 1024


class Capability:
    """The names of capabilities. They are open strings: later protocols bring more.

    Facts about an opened adapter:
        ``SHARED``: several processes see the same data. ``SURVIVES_PROCESS``: it is there after a restart.
        ``LISTING_EXACT``: a listing shows every write that was acknowledged before it.
        ``ACTIVITY_EXACT``: the same of the order by activity.

    Abilities:
        ``TENANTS``, ``PARENTS``, ``EXPIRY``, ``REMOVE``, ``REPLACE``. All else is for everyone.
    """

    SHARED = "shared"
    SURVIVES_PROCESS = "survives_process"
    LISTING_EXACT = "listing_exact"
    ACTIVITY_EXACT = "activity_exact"
    TENANTS = "tenants"
    PARENTS = "parents"
    EXPIRY = "expiry"
    REMOVE = "remove"
    REPLACE = "replace"


class Durability(IntEnum):
    """What an acknowledgement survives; each also survives what those below it do."""

    MEMORY = 0
    """Nothing: the process's own end loses it."""
    PROCESS = 1
    """The end of this process, however sudden."""
    DISK = 2
    """The loss of power."""
    REPLICATED = 3
    """The loss of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an adapter takes at most; over it is ``PayloadTooLarge`` with the limit's name.

    Attributes:
        message_bytes: One message, encoded.
        turn_bytes: All messages of one write, encoded.
        turn_messages: Messages in one write.
        state_bytes: The state of one session, encoded.
        depth: How deep a value may nest.
        page: Items a page.
        page_default: Items a page when the call does not say.
        queue_items: Writes that may wait.
        queue_bytes: Bytes that may wait.
    """

    message_bytes: int = 4 * _MIB
    turn_bytes: int = 8 * _MIB
    turn_messages: int = 1000
    state_bytes: int = 2 * _MIB
    depth: int = 100
    page: int = 1000
    page_default: int = 100
    queue_items: int = 1000
    queue_bytes: int = 16 * _MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise InvalidArgument(f"Limits.{field.name} must be a positive integer.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that ``initialize`` learned about the backend.

    Attributes:
        code: Its stable name.
        severity: How bad it is.
        setting: The backend's setting in question.
        found: Its value.
        wanted: The value that would be better.
        why: What it means for the data.
    """

    code: str
    severity: str
    setting: str
    found: str
    wanted: str
    why: str
