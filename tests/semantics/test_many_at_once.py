"""Several writes of one session that fly together, in the order in which core sends them; a fence among them."""

import asyncio

import pytest

from holdfast import DuplicateIdConflict, Message, NotFound, Session, SessionFenced, Turn
from holdfast.toolkit import Ref, Write


@pytest.fixture(autouse=True)
async def session(adapter):
    return await adapter.sessions.save(Session(id="s"))


async def test_each_of_several_turns_is_told_the_session_as_it_was_after_it(adapter, clock, say):
    turns = [Turn(session_id="s", messages=say(f"{n}a", f"{n}b")) for n in range(8)]
    done = await asyncio.gather(*map(adapter.commit, turns))
    assert [(one.session.last_seq, one.session.message_count) for one in done] == [(n, n) for n in range(2, 18, 2)]
    assert [[message.seq for message in one.messages] for one in done] == [[n - 1, n] for n in range(2, 18, 2)]


async def test_a_known_message_among_new_ones_keeps_its_place_and_delays_nobody(adapter, say):
    await adapter.messages.append("s", say("old"))
    calls = [adapter.messages.append("s", say(word)) for word in ("a", "old", "b")]
    assert [[message.seq for message in done] for done in await asyncio.gather(*calls)] == [[2], [1], [3]]


async def test_one_that_is_refused_takes_nothing_from_the_others(adapter, say):
    await adapter.sessions.save(Session(id="fenced"))
    await adapter._runtime.store.flush([Write(ref=Ref("", "fenced"), turn_id="f", digest=b"", now=0, fence="f")])
    await adapter.messages.append("s", say("old"))
    names = ["s", "missing", "fenced", "s"]
    calls = [adapter.messages.append(name, say(f"new{n}")) for n, name in enumerate(names)]
    calls.append(adapter.messages.append("s", [Message(id="old", role="user", content="other words")]))
    results = await asyncio.gather(*calls, return_exceptions=True)
    kinds = [tuple, NotFound, SessionFenced, tuple, DuplicateIdConflict]
    assert [type(result) for result in results] == kinds
    assert [message.id for message in await adapter.messages.find("s")] == ["old", "new0", "new3"]
