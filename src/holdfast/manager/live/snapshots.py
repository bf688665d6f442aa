"""Snapshots: a session's state at one moment, to compare with, to put back, and to send."""

from dataclasses import dataclass
from typing import Any

from holdfast.capabilities import Limits
from holdfast.codec import Encoded, decode_state, encode_state
from holdfast.models import Session, SessionInfo

__all__ = ["COLUMNS", "Snapshot"]

# What a save owns beside the state itself: a change of any of them makes a new version.
COLUMNS = ("agent", "status", "completed_at", "expires_at", "state_expires_at")
"""The columns of a session that belong to its state."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a session at one moment, encoded; equal if nothing that a save stores has changed."""

    state: Encoded
    columns: tuple[Any, ...]

    @classmethod
    def of(cls, session: Session, limits: Limits) -> "Snapshot":
        """The state as it is now.

        Raises:
            UnserializableValue: Something in it could not be stored.
            PayloadTooLarge: It is over ``state_bytes``.
        """
        return cls(encode_state(session, limits), tuple(getattr(session, name) for name in COLUMNS))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return self.state.digest == other.state.digest and self.columns == other.columns

    def __hash__(self) -> int:
        return hash(self.state.digest)

    def put_back(self, session: Session) -> None:
        """Make a session's state again what it was."""
        fields = {**decode_state(self.state.body), **dict(zip(COLUMNS, self.columns, strict=True))}
        fresh = Session.model_construct(id=session.id, **fields)
        for name in (*COLUMNS, *(Session.model_fields.keys() - SessionInfo.model_fields.keys())):
            setattr(session, name, getattr(fresh, name))

    def session(self, like: Session) -> Session:
        """A session of its own with this state, and everything else as in ``like``."""
        copied = like.model_copy()
        self.put_back(copied)
        return copied
