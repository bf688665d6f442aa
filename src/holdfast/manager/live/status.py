"""Status: what goes with it, and which changes there are."""

from holdfast.clock import Clock
from holdfast.errors import InvalidArgument
from holdfast.ids import check_id
from holdfast.models import Session

__all__ = ["change_status", "note_completion"]


def note_completion(session: Session, clock: Clock) -> None:
    """Keep ``completed_at`` in step: set once with ``completed``, and forgotten when it is reopened."""
    if session.status != "completed":
        session.completed_at = None
    elif session.completed_at is None:
        session.completed_at = clock()


def change_status(session: Session, status: str, clock: Clock) -> None:
    """Give a session another status.

    A completed session stays so until it is reopened: a clean-up that abandons what looks forgotten must not
    undo a completion that it has just missed. Reopening takes back when it would have expired.

    Raises:
        InvalidArgument: It is completed, and the new status is not ``active``.
    """
    check_id(status, "status")
    if session.status == "completed" and status not in {"completed", "active"}:
        raise InvalidArgument(f"Session {session.id!r} is completed; reopen it first.")
    if session.status == "completed" and status == "active":
        session.expires_at = session.state_expires_at = None  # as its completion has set them
    session.status = status
    note_completion(session, clock)
