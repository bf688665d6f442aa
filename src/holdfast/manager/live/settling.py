"""Settling: the state that is stored where two of them are in conflict."""

from inspect import iscoroutine
from typing import Any

from holdfast.errors import InvalidArgument
from holdfast.manager.context import Context
from holdfast.manager.live.merging import MergeConflict, merge
from holdfast.manager.live.status import note_completion
from holdfast.manager.loading import begin
from holdfast.models import Session

__all__ = ["settled"]


def settled(context: Context[Any], base: Session, mine: Session, theirs: Session) -> Session:
    """The state that a conflict is settled with.

    Raises:
        MergeConflict: It cannot be settled.
        InvalidArgument: The user's function gave no session, or one whose data does not fit the data type.
    """
    if context.settle is None:
        raise MergeConflict([])
    result: Any = context.settle(base, mine, theirs)
    if type(result) is not Session:
        if iscoroutine(result):
            result.close()
        raise InvalidArgument(f"on_conflict gave {type(result).__name__}, not a Session.")
    begin(context, result)
    note_completion(result, context.clock)
    try:
        if context.data_type is not None:
            context.data_type.made(result.data)
    except InvalidArgument:
        if context.settle is merge:
            raise MergeConflict(["data"]) from None
        raise
    return result
