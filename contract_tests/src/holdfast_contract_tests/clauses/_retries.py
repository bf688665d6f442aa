"""What the clauses of retries share."""

from holdfast import Adapter, Session
from holdfast_contract_tests.case import Case

__all__ = ["begin", "other_saves"]


async def begin(case: Case) -> tuple[Adapter, Session]:
    """A session that was saved once, and has no messages."""
    adapter = await case.open()
    return adapter, await adapter.sessions.save(Session(id="s"))


async def other_saves(adapter: Adapter, session: Session, count: int) -> None:
    """So many saves by somebody else."""
    for _ in range(count):
        await adapter.sessions.save(session, expected="any")
