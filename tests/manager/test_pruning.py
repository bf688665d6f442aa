"""The oldest messages pruned: whole turns, and no call torn from its result."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.manager.histories import Meanwhile, answer, call, says, seqs, seqs_by_page, store

from holdfast import InvalidArgument, Limits, ToolCall
from holdfast.manager.upkeep.rewinding import prune
from holdfast_memory import MemoryAdapter

# --- the oldest ----------------------------------------------------------------------------------


async def test_pruning_keeps_whole_turns(adapter):
    await store(adapter, [says(), says()], [says(), says(), says()], [says(), says()])
    assert await prune(adapter, "s", keep=3) == 2
    assert await seqs(adapter) == [3, 4, 5, 6, 7]
    assert await prune(adapter, "s", keep=5) == 0
    assert await prune(adapter, "s", keep=2) == 3
    assert await seqs(adapter) == [6, 7]


async def test_pruning_what_is_small_enough_writes_nothing(adapter, clock):
    await store(adapter, [says()], [says()])
    before = await adapter.sessions.get("s")
    clock.pass_(hours=1)
    assert await prune(adapter, "s", keep=2) == 0
    assert await prune(adapter, "s", keep=10**9) == 0
    assert await adapter.sessions.get("s") == before
    await store(adapter, session_id="empty")
    assert await prune(adapter, "empty", keep=1) == 0


async def test_pruning_keeps_the_calls_that_are_answered_by_what_stays(adapter):
    await store(adapter, [says()], [call("a")], [says()], [says(), answer("a")])
    assert await prune(adapter, "s", keep=1) == 1
    assert await seqs(adapter) == [2, 3, 4, 5]


async def test_pruning_keeps_the_calls_of_the_turns_that_it_keeps_for_their_calls(adapter):
    await store(adapter, [says()], [call("a")], [answer("a"), call("b")], [says()], [answer("b")])
    assert await prune(adapter, "s", keep=1) == 1
    assert await seqs(adapter) == [2, 3, 4, 5, 6]


async def test_pruning_does_not_wait_for_a_call_that_is_not_stored(adapter):
    await store(adapter, [says()], [call("a"), answer("a")], [says()], [answer("never called")])
    assert await prune(adapter, "s", keep=1) == 4
    assert await seqs(adapter) == [5]


async def test_a_call_is_the_nearest_one_where_ids_are_used_again(adapter):
    await store(adapter, [call("1"), answer("1")], [call("1")], [answer("1")], [call("1"), answer("1")])
    assert await prune(adapter, "s", keep=3) == 2
    assert await seqs(adapter) == [3, 4, 5, 6]
    assert await prune(adapter, "s", keep=2) == 2
    assert await seqs(adapter) == [5, 6]


async def test_a_call_can_be_many_pages_back(make_adapter, backend, tmp_path):
    async with make_adapter(backend, tmp_path, limits=Limits(page=4, page_default=3)) as small:
        await store(small, [says()], [call("a")], *[[says(), says()] for _ in range(10)], [answer("a")])
        assert await prune(small, "s", keep=1) == 1
        assert (await seqs_by_page(small))[:2] == [2, 3]


async def test_who_appends_while_it_prunes_is_not_disturbed(adapter):
    await store(adapter, [says()], [call("a")], [answer("a")])
    racing = Meanwhile(adapter, lambda: store(adapter, [says()], [answer("a")]))
    assert await prune(racing, "s", keep=1) == 1
    assert await seqs(adapter) == [2, 3, 4, 5]


async def test_many_append_while_it_prunes_again_and_again(adapter):
    await store(adapter, [says("first")])

    async def chat(who: str) -> None:
        for number in range(20):
            await store(adapter, [call(f"{who}{number}"), answer(f"{who}{number}")])
            await asyncio.sleep(0)

    removed = 0
    chats = asyncio.gather(*map(chat, "abc"))
    while not chats.done():
        removed += await prune(adapter, "s", keep=4)
        await asyncio.sleep(0)
    await chats
    removed += await prune(adapter, "s", keep=4)
    left = (await adapter.messages.find("s", limit=1000)).items
    session = await adapter.sessions.get("s")
    assert (session.last_seq, session.message_count, removed) == (121, 4, 117)
    assert [message.seq for message in left] == list(range(118, 122))


@pytest.mark.parametrize("keep", [0, -1, True, 1.5, "3", None])
async def test_a_wrong_keep_is_refused(adapter, keep):
    await store(adapter, [says()], [says()])
    with pytest.raises(InvalidArgument):
        await prune(adapter, "s", keep=keep)


# --- the oldest, for any history -----------------------------------------------------------------

_ids = st.sampled_from(["a", "b"])
_messages = st.builds(says) | st.builds(call, _ids) | st.builds(answer, _ids) | st.builds(answer, _ids, _ids)
_turns = st.lists(st.lists(_messages, min_size=1, max_size=3), max_size=8)


def pairs(messages) -> set[tuple[int, int]]:
    """For each result that has a call in front of it: the indexes of the nearest one and of the result."""
    found = set()
    called: dict[str, int] = {}
    for index, message in enumerate(messages):
        for part in message.content if isinstance(message.content, list) else ():
            if isinstance(part, ToolCall):
                called[part.id] = index
            elif part.call_id in called:
                found.add((called[part.call_id], index))
    return found


def expected_cut(messages, keep: int) -> int:
    """How many may go: the most at a turn's beginning that leave enough, and tear no pair apart."""
    starts = [0] + [i + 1 for i, (a, b) in enumerate(pairwise(messages)) if a.turn_id != b.turn_id]
    together = pairs(messages)
    legal = [
        start
        for start in starts
        if len(messages) - start >= keep and not any(asked < start <= told for asked, told in together)
    ]
    return max(legal, default=0)


@given(_turns, st.integers(1, 12), st.integers(1, 3))
@settings(deadline=None, max_examples=300)
def test_as_much_goes_as_may_go_and_no_more(turns, keep, page):
    async def run() -> None:
        async with MemoryAdapter(limits=Limits(page=1000, page_default=page)) as adapter:
            await store(adapter, *turns)
            before = (await adapter.messages.find("s", limit=1000)).items
            cut = expected_cut(before, keep)
            assert await prune(adapter, "s", keep=keep) == cut
            assert (await adapter.messages.find("s", limit=1000)).items == before[cut:]

    asyncio.run(run())
