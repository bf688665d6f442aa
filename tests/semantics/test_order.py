"""Positions: 1, 2, 3…, dense when given, never given twice."""

import asyncio
from datetime import timedelta
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import Message, Session
from holdfast.ids import new_id


@pytest.fixture
async def session(adapter):
    return await adapter.sessions.save(Session(id="s"))


pytestmark = pytest.mark.usefixtures("session")


async def test_positions_count_from_one_in_the_order_of_the_call(adapter, say, seqs):
    assert seqs(await adapter.messages.append("s", say("z", "a", "m"))) == {"z": 1, "a": 2, "m": 3}
    assert seqs(await adapter.messages.append("s", say("b"))) == {"b": 4}
    assert [message.id for message in await adapter.messages.find("s")] == ["z", "a", "m", "b"]


async def test_each_session_counts_for_itself(adapter, say, seqs):
    await adapter.sessions.save(Session(id="other"))
    await adapter.messages.append("s", say("a", "b"))
    assert seqs(await adapter.messages.append("other", say("a"))) == {"a": 1}


async def test_time_does_not_decide_order(adapter, clock):
    for hours in range(5):
        at = clock.now - timedelta(hours=hours)
        await adapter.messages.append("s", [Message(id=f"m{hours}", role="user", created_at=at)])
    page = await adapter.messages.find("s")
    assert [message.id for message in page] == ["m0", "m1", "m2", "m3", "m4"]
    assert (await adapter.sessions.get("s")).last_message_at == clock.now - timedelta(hours=4)


async def test_the_time_of_the_last_message_is_that_of_the_last_in_order(adapter, clock):
    times = [clock.now + timedelta(hours=hours) for hours in (3, -5, 9, 2)]
    await adapter.messages.append("s", [Message(role="user", created_at=at) for at in times])
    assert (await adapter.sessions.get("s")).last_message_at == times[-1]
    await adapter.messages.remove("s", after=3, through=4)
    assert (await adapter.sessions.get("s")).last_message_at == times[-1]


async def test_holes_exist_only_where_something_was_removed(adapter, say):
    await adapter.messages.append("s", say(*"abcdefghij"))
    assert await adapter.messages.remove("s", after=5, through=10) == 5
    await adapter.messages.append("s", say("k"))
    assert [message.seq for message in await adapter.messages.find("s")] == [1, 2, 3, 4, 5, 11]


async def test_only_appending_moves_the_last_position(adapter, say):
    await adapter.messages.append("s", say("a", "b", "c"))
    await adapter.messages.remove("s", after=1, through=3)
    await adapter.messages.replace("s", Message(id="a", role="user", content="x"))
    session = await adapter.sessions.save(await adapter.sessions.get("s"))
    assert (session.last_seq, session.message_count) == (3, 1)
    await adapter.messages.remove("s", after=0, through=3)
    session = await adapter.sessions.get("s")
    assert (session.last_seq, session.message_count) == (3, 0)
    assert [message.seq for message in await adapter.messages.append("s", say("d"))] == [4]


async def test_writers_at_once_get_positions_without_holes_and_keep_their_order(adapter, say):
    words = [[f"{writer}-{number}" for number in range(3)] for writer in range(20)]
    answers = await asyncio.gather(*(adapter.messages.append("s", say(*words[writer])) for writer in range(20)))
    given_to = [[message.seq for message in answer] for answer in answers]
    assert all(positions == list(range(positions[0], positions[0] + 3)) for positions in given_to)
    assert sorted(chain(*given_to)) == list(range(1, 61))
    page = await adapter.messages.find("s")
    stored = {message.id: message.seq for message in page}
    assert stored == {message.id: message.seq for answer in answers for message in answer}


appending = st.tuples(st.just("append"), st.lists(st.integers(0, 12), unique=True, max_size=4))
removing = st.tuples(st.just("remove"), st.tuples(st.integers(0, 15), st.integers(1, 5)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(appending | removing, max_size=10))
async def test_any_mixture_of_appends_and_removals_keeps_the_rules(adapter, say, steps):
    """Ids come from a small pool, so that some are there already and some were removed before."""
    session_id = new_id()
    await adapter.sessions.save(Session(id=session_id))
    stored, last = {}, 0
    for kind, what in steps:
        if kind == "append":
            answer = await adapter.messages.append(session_id, say(*(f"m{number}" for number in what)))
            for number in what:
                if f"m{number}" not in stored:
                    last += 1
                    stored[f"m{number}"] = last
            assert [message.seq for message in answer] == [stored[f"m{number}"] for number in what]
        elif last:
            after = min(what[0], last - 1)
            through = min(after + what[1], last)
            hit = [word for word, seq in stored.items() if after < seq <= through]
            assert await adapter.messages.remove(session_id, after=after, through=through) == len(hit)
            for word in hit:
                del stored[word]
    page = await adapter.messages.find(session_id)
    assert {message.id: message.seq for message in page} == stored
    assert [message.seq for message in page] == sorted(stored.values())
    session = await adapter.sessions.get(session_id)
    assert (session.last_seq, session.message_count, session.version) == (last, len(stored), 1)
