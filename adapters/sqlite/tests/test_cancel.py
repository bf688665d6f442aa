"""A commit that is cancelled, at any point: the adapter stays usable, and the same turn again is stored once."""

import asyncio
import random

import pytest

from holdfast import Message, Session, Turn
from holdfast_sqlite import SQLiteAdapter

LOOP_TURNS = 40


def _turn(kind: str, session: Session, name: str) -> Turn:
    changed = session.model_copy(update={"data": {"name": name}})
    messages = [Message(id=f"{name}/{index}", role="user", content=name) for index in range(3)]
    return Turn(
        id=name,
        session_id="s",
        messages=messages if kind != "state" else [],
        session=changed if kind != "messages" else None,
    )


@pytest.mark.parametrize("pause", [0.0, 0.0002, 0.001])
@pytest.mark.parametrize("kind", ["messages", "state", "both"])
async def test_a_commit_cancelled_at_any_point_is_stored_once_when_sent_again(path, kind, pause):
    cancelled = 0
    async with SQLiteAdapter(path) as adapter:
        session = await adapter.sessions.save(Session(id="s"))
        for turns in range(LOOP_TURNS):
            turn = _turn(kind, session, f"t{turns}")
            task = asyncio.create_task(adapter.commit(turn))
            for _ in range(turns):
                await asyncio.sleep(pause)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
            done = await adapter.commit(turn)
            again = await adapter.commit(turn)
            assert again.replayed
            assert again.session.version == done.session.version
            session = await adapter.sessions.get("s")
            assert session.version == (turns + 2 if kind != "messages" else 1)
        page = await adapter.messages.find("s", limit=1000)
        expected = (
            [] if kind == "state" else [f"t{turn}/{index}" for turn in range(LOOP_TURNS) for index in range(3)]
        )
        assert [message.id for message in page] == expected
        assert [message.seq for message in page] == list(range(1, len(expected) + 1))
    assert cancelled


async def test_ten_thousand_cancellations_at_random_lose_and_double_nothing(path):
    dice = random.Random(4)
    acked: dict[str, list[str]] = {f"s{n}": [] for n in range(8)}
    sent: dict[str, list[str]] = {name: [] for name in acked}
    cancelled = 0
    async with SQLiteAdapter(path) as adapter:
        for name in acked:
            await adapter.sessions.save(Session(id=name))

        async def write(session: str, number: int) -> None:
            message = Message(id=str(number), role="user", content="x")
            sent[session].append(message.id)
            if number % 5:
                await adapter.messages.append(session, [message])
            else:
                state = (await adapter.sessions.get(session)).model_copy(update={"data": {"n": number}})
                await adapter.commit(Turn(session_id=session, session=state, expected="any", messages=[message]))
            acked[session].append(message.id)

        async def cancel(task: asyncio.Task[None]) -> None:
            if dice.random() < 0.5:
                await asyncio.sleep(dice.random() * 0.02)
            for _ in range(dice.randrange(6)):
                await asyncio.sleep(0)
            task.cancel()

        number = 0
        while cancelled < 10_000:
            writes = [write(f"s{dice.randrange(8)}", number + n) for n in range(200)]
            tasks = [asyncio.create_task(one) for one in writes]
            number += len(tasks)
            await asyncio.gather(*[cancel(task) for task in tasks if dice.random() < 0.9])
            await asyncio.gather(*tasks, return_exceptions=True)
            cancelled += sum(task.cancelled() for task in tasks)
            assert all(task.cancelled() or task.exception() is None for task in tasks)
        await adapter.messages.append("s0", [Message(id="last", role="user", content="it is whole")])
        stored = {name: [message async for message in _all(adapter, name)] for name in acked}
        versions = {name: (await adapter.sessions.get(name)).version for name in acked}
    assert stored["s0"].pop().id == "last"
    for name, messages in stored.items():
        ids = [message.id for message in messages]
        assert len(ids) == len(set(ids))
        assert set(acked[name]) <= set(ids) <= set(sent[name])
        assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
        assert versions[name] == 1 + sum(int(id_) % 5 == 0 for id_ in ids)  # each state is there, with its message
    assert sum(map(len, acked.values())) > 1000


@pytest.mark.parametrize("pause", [0.0, 0.0003, 0.001])
@pytest.mark.parametrize("kind", ["messages", "state", "both"])
async def test_a_stranger_who_cancels_all_tasks_leaves_no_transaction_behind(path, kind, pause):
    """As a handler of a signal does; and then the program goes on."""
    async with SQLiteAdapter(path, timeout=5) as adapter, SQLiteAdapter(path, timeout=5) as other:
        session = await adapter.sessions.save(Session(id="s"))
        for turns in range(16):
            turn = _turn(kind, session, f"t{turns}")
            task = asyncio.create_task(adapter.commit(turn))
            for _ in range(turns):
                await asyncio.sleep(pause)
            for one in asyncio.all_tasks() - {asyncio.current_task()}:
                one.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await other.messages.append("s", [Message(id=f"other{turns}", role="user", content="x")])
            await adapter.commit(turn)
            session = await adapter.sessions.get("s")
            assert session.version == (turns + 2 if kind != "messages" else 1)
        stored = [message async for message in _all(adapter, "s")]
    assert len(stored) == 16 * (1 if kind == "state" else 4)
    assert [message.seq for message in stored] == list(range(1, len(stored) + 1))
    assert session.message_count == len(stored)


async def _all(adapter: SQLiteAdapter, session: str):
    page = await adapter.messages.find(session, after=0, limit=1000)
    while True:
        for message in page:
            yield message
        if page.next is None:
            return
        page = await adapter.messages.find(session, cursor=page.next)
