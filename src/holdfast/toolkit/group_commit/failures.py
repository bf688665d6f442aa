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
from holdfast.toolkit.operation import Operation, Phase, Translate

__all__ = ["concerns_all", "error_for"]

_OF_THE_CONNECTION = (BackendUnavailable, BackendTimeout, OutcomeUnknown, ConfigurationError, AdapterClosed)


def concerns_all(error: Exception, translate: Translate) -> bool:
    """Whether every other write would fail likewise; else it may be the fault of one of the batch."""
    return isinstance(_ours(error, Operation("flush", phase=Phase.SENT), translate), _OF_THE_CONNECTION)


def error_for(error: Exception, operation: Operation, translate: Translate) -> Exception:
    """The error for one caller: an object of his own, so that no two callers share a traceback."""
    ours = _ours(error, operation, translate)
    if ours is None:
        return error  # nobody else has it: an error that nobody knows is traced to its one write
    if isinstance(ours, OutcomeUnknown):
        sent = operation.phase is Phase.SENT
        mine: HoldfastError = (
            OutcomeUnknown(ours.detail, turn_id=operation.turn_id) if sent else BackendUnavailable()
        )
    else:
        mine = copy.copy(ours)
    mine.__cause__ = ours.__cause__ if ours is error else error
    return mine


def _ours(error: Exception, operation: Operation, translate: Translate) -> HoldfastError | None:
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, TimeoutError):
        return OutcomeUnknown("No answer came in time.")
    return translate(error, operation)
