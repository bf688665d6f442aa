"""Conflicts: what becomes of a state when somebody else has saved another one first."""

from collections.abc import Callable, Sequence
from typing import Literal

from holdfast.capabilities import Limits
from holdfast.errors import ConfigurationError
from holdfast.manager.live.merging import merge
from holdfast.manager.live.snapshots import Snapshot
from holdfast.models import Session

__all__ = ["OnConflict", "Settle", "rebased", "settle_of"]

Settle = Callable[[Session, Session, Session], Session]
"""``(base, mine, theirs)`` to the state that is to be stored; it awaits nothing."""

OnConflict = Literal["raise", "merge"] | Settle


def settle_of(on_conflict: OnConflict) -> Settle | None:
    """The function that settles conflicts; None if they are raised.

    Raises:
        ConfigurationError: It is none of what is possible.
    """
    if on_conflict == "raise":
        return None
    if on_conflict == "merge":
        return merge
    if callable(on_conflict):
        return on_conflict
    raise ConfigurationError('on_conflict is "raise", "merge", or a function (base, mine, theirs) -> state.')


def rebased(
    base: Snapshot, mine: Sequence[Snapshot], theirs: Session, settle: Settle, limits: Limits
) -> list[Snapshot]:
    """States that were made one from the other, beginning with ``base``, made again beginning with ``theirs``.

    What did not change is taken over; what did is settled. A handle may hold several states at a time: what a
    turn goes back to if it fails, what the turns that wait have left behind, what its user sees.
    """
    old, new = base, Snapshot.of(theirs, limits)
    made: list[Snapshot] = []
    for one in mine:
        if one != old:
            settled = settle(old.session(theirs), one.session(theirs), new.session(theirs))
            old, new = one, Snapshot.of(settled, limits)
        made.append(new)
    return made
