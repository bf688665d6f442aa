"""A commit that is cancelled, at any point: the adapter stays usable, and the same turn again is stored once."""

import asyncio

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


async def test_a_storm_of_cancellations_leaves_every_acknowledged_message_stored_once(path):
    acked: list[str] = []
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))

        async def append(number: int) -> None:
            [stored] = await adapter.messages.append("s", [Message(id=str(number), role="user", content="x")])
            acked.append(stored.id)

        for burst in range(20):
            tasks = [asyncio.create_task(append(burst * 25 + index)) for index in range(25)]
            await asyncio.sleep(0.001 * (burst % 5))
            for task in tasks[burst % 3 :: 2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        page = await adapter.messages.find("s", limit=1000)
    stored = [message.id for message in page]
    assert len(stored) == len(set(stored))
    assert set(acked) <= set(stored)
    assert [message.seq for message in page] == list(range(1, len(stored) + 1))
    assert acked
