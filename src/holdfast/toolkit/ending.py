"""Ending a session's life: the head first, in one step; then its children; then its rows, in bounded steps."""

from collections.abc import AsyncIterator

from holdfast.errors import NotFound, SessionFenced
from holdfast.ids import new_id
from holdfast.toolkit.operation import Operation, Phase
from holdfast.toolkit.runtime import Runtime
from holdfast.toolkit.store import Head, HeadQuery, Position, Write

__all__ = ["end_life"]

_FREE_STEP = 500  # rows freed in one transaction: others get their turn in between


async def end_life(
    run: Runtime,
    head: Head,
    running: Operation,
    *,
    expected: int | None = None,
    last_seq: int | None = None,
) -> None:
    """End this life, and free what hung from it.

    The write names the life's key, so that a driver's retry cannot end the next one.

    Raises:
        VersionConflict: A guard did not hold; it lives on.
        SessionFenced: It is fenced; it lives on.
        OutcomeUnknown: It may be dead, and not all of its rows are freed: ``sweep`` will do that.
    """
    await _kill(run, head, running, expected, last_seq)
    await _free(run, head, running)


async def _kill(run: Runtime, head: Head, running: Operation, expected: int | None, last_seq: int | None) -> None:
    write = Write(
        ref=head.key.ref,
        key=head.key.key,
        turn_id=new_id(),
        digest=b"",
        now=run.now(),
        expected=expected,
        last_seq=last_seq,
        delete=True,
    )
    try:
        await run.submit(write, running)
    except NotFound:
        running.phase = Phase.STORED  # somebody else has ended it since it was read


async def _free(run: Runtime, head: Head, running: Operation) -> None:
    dead = [head]
    for life in dead:  # grows by the children of each
        dead.extend([child async for child in _children(run, life) if await _died(run, child, running)])
    for life in reversed(dead):
        while await run.store.free(life.key, limit=_FREE_STEP) == _FREE_STEP:
            pass


async def _died(run: Runtime, child: Head, running: Operation) -> bool:
    try:
        await _kill(run, child, running, None, None)
    except SessionFenced:
        return False  # it lives on; its parent stays marked as dead, and sweep comes back
    return True


async def _children(run: Runtime, parent: Head) -> AsyncIterator[Head]:
    begin: Position | None = None
    while True:
        query = HeadQuery(
            tenant=parent.key.tenant,
            parent_key=parent.key.key,
            by_activity=False,
            include_expired=True,
            fresh=True,
            now=run.now(),
            begin=begin,
        )
        found = await run.store.find(query)
        for child in found.heads:
            yield child
        begin = found.next
        if begin is None:
            return
