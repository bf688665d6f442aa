"""What the hooks are told once something is durable."""

from typing import Any

from holdfast.codec import decode_state
from holdfast.manager.context import Context
from holdfast.manager.hooks import DataChange
from holdfast.manager.live.snapshots import Snapshot
from holdfast.models import Committed, Turn

__all__ = ["tell_saved"]


async def tell_saved(context: Context[Any], turn: Turn, committed: Committed, before: Snapshot | None) -> None:
    """Tell the hooks what is durable now.

    Args:
        context: Whose hooks.
        turn: What was stored.
        committed: The store's answer.
        before: The state as it was stored before; None for a new session.

    Raises:
        HookFailed: One of them has raised.
    """
    try:
        await context.hooks.tell("after_save", turn, committed)
    finally:
        change = _data_change(turn, before) if "on_data_change" in context.hooks else None
        if change is not None:
            await context.hooks.tell("on_data_change", change)


def _data_change(turn: Turn, before: Snapshot | None) -> DataChange | None:
    if turn.session is None:
        return None
    old: dict[str, Any] = decode_state(before.state.body).get("data", {}) if before is not None else {}
    change = DataChange(session_id=turn.session_id, before=old, after=turn.session.data)
    return change if change.keys else None
