"""The N-th statement of a commit fails, for every N, before it is run and after: nothing is half stored."""

import sqlite3

import pytest

from holdfast import HoldfastError, Message, Session, Turn
from holdfast_sqlite import SQLiteAdapter
from holdfast_sqlite._connections import Transaction


class FailingTransaction(Transaction):
    """Fails the N-th statement."""

    left = 0
    executed = False

    async def run(self, statement, values=()):
        kind = type(self)
        kind.left -= 1
        if kind.left:
            return await super().run(statement, values)
        if kind.executed:
            await super().run(statement, values)
        raise sqlite3.OperationalError("disk I/O error")


def _turns(session: Session) -> dict[str, Turn]:
    changed = session.model_copy(update={"data": {"n": 1}})
    messages = [Message(id=name, role="user", content=name) for name in ("b", "c")]
    return {
        "append": Turn(session_id="s", messages=messages),
        "state": Turn(session_id="s", session=changed),
        "tail": Turn(session_id="s", messages=messages, session=changed, remove=(0, 1)),
        "create": Turn(session_id="new", session=Session(id="new"), messages=messages),
    }


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("kind", ["append", "state", "tail", "create"])
async def test_a_commit_whose_nth_statement_fails_is_absent_and_then_stored_once(
    path, monkeypatch, kind, executed
):
    failed = 0
    for n in range(1, 20):
        async with SQLiteAdapter(path.with_name(f"{kind}{n}.db")) as adapter:
            session = await adapter.sessions.save(Session(id="s"))
            await adapter.messages.append("s", [Message(id="a", role="user", content="a")])
            turn = _turns(session)[kind]
            before = await _all(adapter)
            FailingTransaction.left, FailingTransaction.executed = n, executed
            with monkeypatch.context() as patch:
                patch.setattr("holdfast_sqlite._connections.Transaction", FailingTransaction)
                try:
                    await adapter.commit(turn)
                except HoldfastError as error:
                    assert isinstance(error.__cause__, sqlite3.OperationalError)  # noqa: PT017 - it may also not fail
                    failed += 1
                    assert await _all(adapter) == before
                else:
                    break  # it has fewer statements than n
            assert not (await adapter.commit(turn)).replayed
            assert (await adapter.commit(turn)).replayed
    assert failed >= 2


async def _all(adapter: SQLiteAdapter):
    return [
        (
            await adapter.sessions.get(name),
            await adapter.messages.find(name) if await adapter.sessions.get(name) else None,
        )
        for name in ("s", "new")
    ]
