"""What a handle tells as its history: what is stored, and what waits, each once and in its place."""

import pytest
from tests.manager.meddling import Meddled
from tests.manager.waiting import NEVER, say, words

from holdfast import Message, OutcomeUnknown, PersistenceManager


async def heard(session, last=None):
    return [message.text for message in await session.history(last=last)]


async def test_what_is_done_to_a_history_changes_nothing_that_waits(make_manager):
    async with make_manager() as manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", [{"type": "text", "text": "said"}], metadata={"k": [1]})
        for message in await session.history():
            message.metadata["k"].append(2)
            message.content.clear()
        [waits] = await session.history()
        await session.flush()
        [stored] = await manager.history("s")
    assert (stored.text, stored.metadata) == (waits.text, waits.metadata) == ("said", {"k": [1]})


@pytest.fixture
async def broken_off(manager):
    """A turn that came as far as its first words."""
    async with manager.session("s") as session:
        async with session.turn("req-7") as turn:
            turn.add("user", "question")
    return manager


async def before_and_again(session, *answers):
    """A turn, and behind it the one that is run again."""
    async with session.turn() as turn:
        turn.add("user", "said before")
        turn.add("assistant", "answered before")
    async with session.turn("req-7") as turn:
        turn.add("user", "question")
        for answer in answers:
            turn.add("assistant", answer)


@pytest.mark.parametrize("answers", [[], ["answer"]])
async def test_a_turn_that_is_run_again_hides_nothing_that_waits_before_it(broken_off, make_manager, answers):
    async with make_manager() as manager:
        async with manager.session("s") as session:
            await before_and_again(session, *answers)
            whole = ["question", "said before", "answered before", *answers]
            assert await heard(session) == whole
            for last in range(1, 6):
                assert await heard(session, last) == whole[-last:]
            session.discard()


async def test_turns_that_are_stored_while_the_history_is_read_are_told_once(adapter, clock):
    below = Meddled(adapter)
    async with PersistenceManager(below, clock=clock, autosave=NEVER) as manager:
        async with manager.session("s") as session:
            for number in range(3):
                await say(session, number)
            await session.flush()
            for last in (None, 1, 2, 3, 4, 5, 6, 7, 100):
                for number in (3, 4):
                    await say(session, number)
                below.meddle({("before", 1): session.flush})
                whole = words(0, 1, 2, 3, 4)
                assert await heard(session, last) == (whole if last is None else whole[-last:])
                assert not session.waits
                await adapter.messages.remove("s", after=6, through=(await adapter.sessions.get("s")).last_seq)


@pytest.mark.parametrize("executed", [True, False])
async def test_turns_to_which_no_answer_came_are_told_once(make_manager, failing, executed):
    async with make_manager() as manager:
        async with manager.session("s") as session:
            await say(session, 0)
            await session.flush()
            await say(session, 1)
            failing(OutcomeUnknown("cut"), executed=executed)
            with pytest.raises(OutcomeUnknown):
                await session.flush()
            await say(session, 2)
            whole = words(0, 1, 2)
            assert await heard(session) == whole
            for last in range(1, 8):
                assert await heard(session, last) == whole[-last:]


async def test_what_others_say_stands_before_what_waits(make_manager, others):
    async with make_manager() as manager:
        async with manager.session("s") as session:
            await session.flush()
            await say(session, 0)
            await others.append("s", Message(role="system", content="theirs"))
            whole = ["theirs", *words(0)]
            assert await heard(session) == whole
            for last in range(1, 5):
                assert await heard(session, last) == whole[-last:]


async def test_a_regenerated_turn_that_waits_stands_in_the_place_of_the_last(make_manager):
    async with make_manager() as manager:
        async with manager.session("s") as session:
            for number in range(2):
                await say(session, number)
            await session.flush()
            async with session.regenerate() as turn:
                turn.add("assistant", "another")
            whole = [*words(0), "1a", "another"]
            assert await heard(session) == whole
            for last in range(1, 6):
                assert await heard(session, last) == whole[-last:]
            await session.flush()
            assert await heard(session) == whole
