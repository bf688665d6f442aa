"""Committing a write, with what a creation below a parent needs around it."""

from holdfast.errors import NotFound
from holdfast.toolkit.ending import end_life
from holdfast.toolkit.operation import Operation
from holdfast.toolkit.runtime import Runtime
from holdfast.toolkit.store import Done, Ref, Write

__all__ = ["commit"]


async def commit(run: Runtime, write: Write, parent_id: str | None, running: Operation) -> Done:
    """Make a write durable.

    A child hangs from its parent's life. The parent may die between the look at it and the creation, so the
    creator looks again afterwards: either this look, or the parent's deletion, finds the child.

    Raises:
        NotFound: There is no such session, or no such parent.
    """
    if write.create is None or parent_id is None:
        return await run.submit(write, running)
    parent_ref = Ref(write.ref.tenant, parent_id)
    parent = await run.live_head(parent_ref)
    done = await run.submit(write._replace(parent_key=parent.key.key), running)
    again = await run.head(parent_ref)
    if again is None or again.key != parent.key or again.dead(run.now()):
        await end_life(run, done.head, running)
        raise NotFound(f"Session {parent_id!r}.")
    return done
