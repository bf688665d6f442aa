"""Turns with somebody else's words between their segments: pruned whole or not at all, and never torn apart."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.manager.answers import talk
from tests.manager.histories import Meanwhile, answer, call, says, seqs, seqs_by_page, store

from holdfast import InvalidArgument, Limits, Message, Session, Turn, VersionConflict
from holdfast.manager.upkeep.rewinding import last_turn, prune, remove_last_turn
from holdfast_memory import MemoryAdapter


async def segments(adapter, *several):
    """Commit segments: of each the turn, its number, and what it brings."""
    if await adapter.sessions.get("s") is None:
        await adapter.sessions.save(Session(id="s"))
    for turn_id, segment, *messages in several:
        await adapter.commit(Turn(id=turn_id, segment=segment, session_id="s", messages=messages))


@pytest.fixture
async def torn(adapter):
    """``a`` has called a tool at 3, somebody else has spoken at 4, and ``a`` has answered at 5 and 6."""
    first = [says("u0"), says("a0")]
    await segments(adapter, ("0", 0, *first), ("a", 0, call("c")), ("b", 0, says("other")))
    await segments(adapter, ("a", 1, answer("c"), says("a1")))
    return adapter


# --- the last turn -------------------------------------------------------------------------------


@pytest.mark.parametrize("undo", [last_turn, remove_last_turn])
async def test_a_last_turn_in_whose_middle_others_have_spoken_is_not_removed(torn, undo):
    with pytest.raises(InvalidArgument, match="in the middle of the last turn"):
        await undo(torn, "s")
    assert await seqs(torn) == [1, 2, 3, 4, 5, 6]


async def test_a_turn_behind_it_is_removed_as_ever(torn):
    await store(torn, [says("u2"), says("a2")])
    assert [message.seq for message in await remove_last_turn(torn, "s")] == [7, 8]
    await torn.messages.remove("s", after=4, through=6)
    assert [message.seq for message in await remove_last_turn(torn, "s")] == [4]
    assert [message.seq for message in await remove_last_turn(torn, "s")] == [3]


async def test_a_last_turn_of_adjacent_segments_is_removed_whole(adapter):
    await segments(adapter, ("b", 0, says()), ("a", 0, says()), ("a", 1, says()), ("a", 3, says()))
    assert [message.seq for message in await remove_last_turn(adapter, "s")] == [2, 3, 4]


async def test_a_last_turn_whose_beginning_is_not_stored_is_what_is_left_of_it(torn, adapter):
    await torn.messages.remove("s", after=2, through=3)
    assert [message.seq for message in await remove_last_turn(torn, "s")] == [5, 6]
    await segments(adapter, ("c", 1, says()))  # its first one has stored a state alone
    assert [message.seq for message in await remove_last_turn(adapter, "s")] == [7]


async def test_the_beginning_of_a_last_turn_is_found_many_pages_back(make_adapter, backend, tmp_path):
    async with make_adapter(backend, tmp_path, limits=Limits(page=4, page_default=3)) as small:
        await segments(small, ("b", 0, says()), ("a", 0, says()))
        await store(small, *[[says(), says()] for _ in range(10)])
        await small.messages.remove("s", after=5, through=15)
        await segments(small, ("a", 1, says()))
        before = await seqs_by_page(small)
        with pytest.raises(InvalidArgument):
            await remove_last_turn(small, "s")
        assert await seqs_by_page(small) == before
        await small.messages.remove("s", after=1, through=2)
        assert len(await remove_last_turn(small, "s")) == 1


async def test_an_ordinary_last_turn_is_found_by_one_look(adapter):
    asked = []

    class Counted:
        def __getattr__(self, name):
            return getattr(adapter.messages, name)

        async def find(self, *where, **how):
            asked.append(how)
            return await adapter.messages.find(*where, **how)

    counted = Meanwhile(adapter, lambda: asyncio.sleep(0))
    counted.messages = Counted()
    await store(adapter, [says()], [says()])
    await segments(adapter, ("a", 0, says()), ("a", 1, says()))
    await remove_last_turn(counted, "s")
    assert len(asked) == 1


@pytest.fixture
async def chat(manager, others):
    """A turn of a worker that has kept its words, though another one has spoken since its checkpoint."""
    async with manager.session("s") as session:
        await talk(session, "u0", "a0")
        with pytest.raises(VersionConflict) as caught:
            async with session.turn() as turn:
                turn.add("user", "u1")
                turn.add_message(call("c"))
                await turn.checkpoint()
                await others.append("s", Message(role="system", content="other"))
                turn.add_message(answer("c"))
                turn.add("assistant", "a1")
        await caught.value.turn.commit(state="theirs")
    return manager


async def test_a_turn_in_whose_middle_others_have_spoken_is_not_regenerated(chat):
    before = await chat.history("s")
    async with chat.session("s") as session:
        with pytest.raises(InvalidArgument, match="in the middle of the last turn"):
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
        assert await chat.history("s") == before
        with pytest.raises(InvalidArgument):
            await chat.remove_last_turn("s")
        await talk(session, "u2", "a2")
        async with session.regenerate() as turn:
            turn.add("assistant", "better")
    assert [message.text for message in await chat.history("s")][-2:] == ["u2", "better"]


@pytest.mark.parametrize(("keep", "gone"), [(1, 2), (2, 2), (5, 2), (6, 0)])
async def test_a_chat_is_pruned_with_its_torn_turn_whole(chat, keep, gone):
    before = await chat.history("s")
    assert await chat.prune("s", keep=keep) == gone
    assert await chat.history("s") == before[gone:]


# --- the oldest ----------------------------------------------------------------------------------


async def test_pruning_keeps_the_beginning_of_a_turn_that_stays(torn):
    assert await prune(torn, "s", keep=1) == 2
    assert await seqs(torn) == [3, 4, 5, 6]


async def test_pruning_keeps_each_segment_of_a_turn_that_stays(adapter):
    await segments(adapter, ("0", 0, says()), ("a", 0, says()), ("b", 0, says()), ("a", 1, says()))
    await segments(adapter, ("c", 0, says()), ("b", 1, says()), ("a", 2, says()))
    assert await prune(adapter, "s", keep=1) == 1
    assert await seqs(adapter) == [2, 3, 4, 5, 6, 7]


async def test_pruning_keeps_the_turns_of_what_it_keeps_for_their_calls(adapter):
    await segments(adapter, ("0", 0, says()), ("a", 0, says()), ("b", 0, says()), ("a", 1, call("c")))
    await segments(adapter, ("d", 0, says()), ("e", 0, answer("c")))
    assert await prune(adapter, "s", keep=1) == 1
    assert await seqs(adapter) == [2, 3, 4, 5, 6]


async def test_pruning_keeps_the_turns_of_what_it_passes_on_its_way_back(adapter):
    await segments(adapter, ("0", 0, says()), ("b", 0, says()), ("a", 0, says()), ("b", 1, says()))
    await segments(adapter, ("a", 1, says()))
    assert await prune(adapter, "s", keep=1) == 1
    assert await seqs(adapter) == [2, 3, 4, 5]


async def test_pruning_does_not_wait_for_a_beginning_that_is_not_stored(adapter):
    await segments(adapter, ("0", 0, says()), ("a", 1, says()), ("b", 0, says()), ("c", 4, says()))
    assert await prune(adapter, "s", keep=1) == 3
    assert await seqs(adapter) == [4]


async def test_a_call_is_not_taken_for_the_turn_of_the_same_id(adapter):
    await segments(adapter, ("x", 0, says()), ("0", 0, says()), ("a", 0, answer("x")))
    assert await prune(adapter, "s", keep=1) == 2
    await segments(adapter, ("b", 0, call("c")), ("c", 1, says()))
    assert await prune(adapter, "s", keep=1) == 2


async def test_a_beginning_can_be_many_pages_back(make_adapter, backend, tmp_path):
    async with make_adapter(backend, tmp_path, limits=Limits(page=4, page_default=3)) as small:
        await segments(small, ("0", 0, says()), ("a", 0, says()))
        await store(small, *[[says(), says()] for _ in range(10)])
        await segments(small, ("a", 1, says()))
        assert await prune(small, "s", keep=1) == 1
        assert (await seqs_by_page(small))[:2] == [2, 3]


# --- the oldest, for any history -----------------------------------------------------------------

_ids = st.sampled_from("ab")
_messages = st.builds(says) | st.builds(call, _ids) | st.builds(answer, _ids)
_segments = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.lists(_messages, min_size=1, max_size=2)), max_size=10
)


def is_whole(kept, gone) -> bool:
    """Whether no turn has stayed in part, and no answer without its call."""
    if {message.turn_id for message in kept} & {message.turn_id for message in gone}:
        return False
    calls = {part.id for one in gone for part in parts(one) if part.type == "tool_call"}
    for message in kept:
        for part in parts(message):
            if part.type == "tool_call":
                calls.discard(part.id)
            elif part.call_id in calls:
                return False
    return True


def parts(message):
    return message.content if isinstance(message.content, list) else ()


@given(_segments, st.integers(1, 8), st.integers(1, 3))
@settings(deadline=None, max_examples=300)
def test_as_much_goes_as_may_go_and_no_turn_is_torn(history, keep, page):
    async def run() -> None:
        async with MemoryAdapter(limits=Limits(page=1000, page_default=page)) as adapter:
            numbers = dict.fromkeys("abc", 0)
            await adapter.sessions.save(Session(id="s"))
            for turn_id, skipped, messages in history:
                await segments(adapter, (turn_id, numbers[turn_id] + skipped, *messages))
                numbers[turn_id] += 1 + skipped
            before = (await adapter.messages.find("s", limit=1000)).items
            cuts = [cut for cut in range(1, len(before) - keep + 1) if is_whole(before[cut:], before[:cut])]
            cut = max(cuts, default=0)
            assert await prune(adapter, "s", keep=keep) == cut
            assert (await adapter.messages.find("s", limit=1000)).items == before[cut:]

    asyncio.run(run())
