"""What an error of a flush means: for the batch, and for each caller."""

import copy

from holdfast.errors import (
    AdapterClosed,
    BackendTimeout,
    BackendUnavailable,
    ConfigurationError,
    HoldfastError,
    OutcomeUnknown,
)
from holdfast.toolkit.group_commit.item import Item
from holdfast.toolkit.operation import Operation, Phase, Translate

__all__ = ["concerns_all", "error_for", "own", "what_it_means"]

_OF_THE_CONNECTION = (BackendUnavailable, BackendTimeout, OutcomeUnknown, ConfigurationError, AdapterClosed)


def concerns_all(error: Exception, translate: Translate) -> bool:
    """Whether every other write would fail likewise; else it may be the fault of one of the batch."""
    return isinstance(what_it_means(error, translate), _OF_THE_CONNECTION)


def what_it_means(error: Exception, translate: Translate) -> Exception:
    """The error of ours for one of a flush: a driver's may quote what a user said."""
    return _ours(error, Operation("flush", phase=Phase.SENT), translate) or error


def error_for(error: Exception, item: Item, translate: Translate) -> Exception:
    """The error for one caller: an object of his own, so that no two callers share a traceback."""
    turn_id = item.write.turn_id
    ours = _ours(error, Operation(item.operation.name, turn_id, item.phase), translate)
    if ours is None:
        return error  # nobody else has it: an error that nobody knows is traced to its one write
    if item.operation.phase is Phase.STORED:
        mine: HoldfastError = OutcomeUnknown("It is stored; what was to follow failed.", turn_id=turn_id)
    elif not isinstance(ours, OutcomeUnknown):
        mine = own(ours)
    elif item.phase is Phase.SENT:
        mine = OutcomeUnknown(ours.detail, turn_id=turn_id)
    else:
        mine = BackendUnavailable()
    mine.__cause__ = ours.__cause__ if ours is error else error
    return mine


def own(error: HoldfastError) -> HoldfastError:
    """A copy of an error that others get too."""
    mine = copy.copy(error)
    mine.__cause__ = error.__cause__
    return mine


def _ours(error: Exception, operation: Operation, translate: Translate) -> HoldfastError | None:
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, TimeoutError):
        return OutcomeUnknown("No answer came in time.")
    return translate(error, operation)
