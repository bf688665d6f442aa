"""Several adapters on one database keep the rules of one. One stands in for all where none is shared."""

import asyncio

import pytest

from holdfast import Capability, Session, Turn, VersionConflict


@pytest.fixture
async def handles(adapter, open_adapter):
    shared = Capability.SHARED in adapter.capabilities
    return [adapter, *[await open_adapter() if shared else adapter for _ in range(3)]]


async def test_what_one_has_written_all_others_read(handles, say):
    for number, handle in enumerate(handles):
        saved = await handle.sessions.save(Session(id=f"s{number}", data={"n": number}))
        stored = await handle.messages.append(f"s{number}", say("a"))
        for other in handles:
            found = await other.sessions.get(f"s{number}")
            assert (found.data, found.key, found.last_seq) == (saved.data, saved.key, 1)
            assert (await other.messages.find(f"s{number}")).items == tuple(stored)


async def test_of_racing_creations_and_saves_exactly_one_wins(handles):
    for number in range(10):
        session = Session(id=f"s{number}")
        for _ in range(2):
            copies = [session.model_copy(update={"data": {"by": by}}) for by in range(len(handles))]
            calls = (handle.sessions.save(copy) for handle, copy in zip(handles, copies, strict=True))
            answers = await asyncio.gather(*calls, return_exceptions=True)
            [session] = [answer for answer in answers if isinstance(answer, Session)]
            assert [type(answer) for answer in answers].count(VersionConflict) == len(handles) - 1
            assert await handles[-1].sessions.get(session.id) == session


async def test_appends_of_all_are_dense_and_whole(handles, say):
    await handles[0].sessions.save(Session(id="s"))
    turns = [say(*(f"{turn}-{part}" for part in range(3))) for turn in range(20)]
    calls = (handles[n % 4].messages.append("s", turn, turn_id=f"t{n}") for n, turn in enumerate(turns))
    answers = await asyncio.gather(*calls)
    assert sorted(message.seq for answer in answers for message in answer) == list(range(1, 61))
    for answer in answers:
        assert [message.seq - answer[0].seq for message in answer] == [0, 1, 2]


async def test_one_turn_that_all_send_is_stored_once(handles, say):
    session = await handles[0].sessions.save(Session(id="s"))
    for number in range(5):
        session.data["n"] = number
        turn = Turn(session_id="s", session=session, messages=say(f"a{number}", f"b{number}"))
        answers = await asyncio.gather(*(handle.commit(turn) for handle in handles))
        assert sum(not answer.replayed for answer in answers) == 1
        assert {answer.session.version for answer in answers} == {number + 2}
        assert len({tuple(message.seq for message in answer.messages) for answer in answers}) == 1
        session = await handles[0].sessions.get("s")
    assert session.last_seq == 10


async def test_deletion_and_appends_of_others_end_in_one_of_two_ways(handles, say):
    for number in range(10):
        old = await handles[0].sessions.save(Session(id="s"))
        deleted, *appended = await asyncio.gather(
            handles[0].sessions.delete("s"),
            *(handle.messages.append("s", say(f"{number}")) for handle in handles[1:]),
            return_exceptions=True,
        )
        assert deleted is True
        assert await handles[1].sessions.get("s") is None
        new = await handles[2].sessions.save(Session(id="s"))
        assert new.key != old.key
        assert (await handles[3].messages.find("s")).items == ()
        await handles[3].sessions.delete("s")
        assert all(isinstance(answer, tuple | Exception) for answer in appended)
