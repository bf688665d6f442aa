"""The last turn undone, the oldest messages pruned, one message redacted."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import (
    CorruptRecord,
    InvalidArgument,
    Limits,
    Media,
    Message,
    NotFound,
    Other,
    Reasoning,
    Refusal,
    Session,
    Text,
    ToolCall,
    ToolResult,
    UnsupportedCapability,
    VersionConflict,
)
from holdfast.manager.upkeep.rewinding import last_turn, prune, redact, remove_last_turn
from holdfast.toolkit import StoreAdapter
from holdfast_memory import MemoryAdapter


def call(*ids: str) -> Message:
    return Message(role="assistant", content=[ToolCall(id=id_, name="book", args={"seat": 1}) for id_ in ids])


def answer(*ids: str) -> Message:
    return Message(role="tool", content=[ToolResult(call_id=id_, content="booked") for id_ in ids])


def says(text: str = "words") -> Message:
    return Message(role="user", content=text)


async def store(adapter, *turns, session_id: str = "s") -> None:
    if await adapter.sessions.get(session_id) is None:
        await adapter.sessions.save(Session(id=session_id))
    for turn in turns:
        await adapter.messages.append(session_id, turn)


async def seqs(adapter, session_id: str = "s") -> list[int]:
    return [message.seq for message in await adapter.messages.find(session_id, limit=1000)]


class Meanwhile:
    """An adapter on which something happens between what is read and what is committed."""

    def __init__(self, adapter, happens) -> None:
        self._adapter = adapter
        self._happens = happens

    def __getattr__(self, name):
        return getattr(self._adapter, name)

    async def commit(self, turn):
        await self._happens()
        return await self._adapter.commit(turn)


# --- the last turn -------------------------------------------------------------------------------


async def test_the_last_turn_is_given_whole(adapter):
    await store(adapter, [says("old")], [says("new"), says("newer")])
    assert [message.content for message in await last_turn(adapter, "s")] == ["new", "newer"]


async def test_the_last_turn_may_be_larger_than_a_page(make_adapter, backend, tmp_path):
    async with make_adapter(backend, tmp_path, limits=Limits(page=3, page_default=2)) as small:
        await store(small, [says()], [says() for _ in range(11)])
        assert len(await last_turn(small, "s")) == 11
        assert len(await remove_last_turn(small, "s")) == 11
        assert await seqs_by_page(small) == [1]


async def seqs_by_page(adapter) -> list[int]:
    page = await adapter.messages.find("s")
    found = [message.seq for message in page]
    while page.next:
        page = await adapter.messages.find("s", cursor=page.next)
        found += [message.seq for message in page]
    return found


async def test_removing_the_last_turn_gives_what_was_removed_and_leaves_the_state(adapter):
    saved = await adapter.sessions.save(Session(id="s", data={"step": 2}))
    await store(adapter, [says()], [says("a"), says("b")])
    assert [message.content for message in await remove_last_turn(adapter, "s")] == ["a", "b"]
    assert await seqs(adapter) == [1]
    session = await adapter.sessions.get("s")
    assert (session.data, session.version) == ({"step": 2}, saved.version)
    assert [message.seq for message in await remove_last_turn(adapter, "s")] == [1]
    assert await remove_last_turn(adapter, "s") == ()
    assert await last_turn(adapter, "s") == ()


async def test_nothing_is_removed_when_somebody_has_appended_meanwhile(adapter):
    await store(adapter, [says()], [says()])
    racing = Meanwhile(adapter, lambda: store(adapter, [says("in between")]))
    with pytest.raises(VersionConflict) as caught:
        await remove_last_turn(racing, "s")
    assert caught.value.guard == "last_seq"
    assert await seqs(adapter) == [1, 2, 3]


async def test_of_two_who_remove_the_same_turn_one_gets_it(adapter):
    await store(adapter, [says()], [says("a"), says("b")])
    racing = Meanwhile(adapter, lambda: remove_last_turn(adapter, "s"))
    assert await remove_last_turn(racing, "s") == ()
    assert await seqs(adapter) == [1]


@pytest.mark.parametrize("remove", [remove_last_turn, lambda adapter, id_: prune(adapter, id_, keep=1)])
async def test_another_life_of_the_session_is_never_touched(adapter, remove):
    await store(adapter, [says()], [says()])

    async def begin_again():
        await adapter.sessions.delete("s")
        await store(adapter, [says("new life")], [says("new life")])

    with pytest.raises(NotFound):
        await remove(Meanwhile(adapter, begin_again), "s")
    assert await seqs(adapter) == [1, 2]


async def test_a_session_that_is_not_there_is_not_found(adapter):
    for asked in (last_turn(adapter, "s"), remove_last_turn(adapter, "s"), prune(adapter, "s", keep=1)):
        with pytest.raises(NotFound):
            await asked


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

    async def keep_small() -> int:
        removed = 0
        for _ in range(20):
            removed += await prune(adapter, "s", keep=4)
            await asyncio.sleep(0)
        return removed

    *_, removed = await asyncio.gather(*map(chat, "abc"), keep_small())
    left = (await adapter.messages.find("s", limit=1000)).items
    session = await adapter.sessions.get("s")
    assert (session.last_seq, session.message_count) == (121, 121 - removed)
    assert [message.seq for message in left] == list(range(removed + 1, 122))
    assert (removed + 1) % 2 == 0  # whole turns


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


# --- one message ---------------------------------------------------------------------------------

CANARY = "canary"


async def redacted(adapter, message: Message, **options) -> Message:
    await store(adapter, [message])
    given = await redact(adapter, "s", message.id, **options)
    stored = await adapter.messages.get("s", message.id)
    assert stored == given
    assert CANARY not in stored.model_dump_json()
    return stored


async def test_a_redacted_message_keeps_who_said_it_where_and_when(adapter):
    await adapter.sessions.save(Session(id="s"))
    message = Message(
        role="user",
        content=CANARY,
        name="Jane",
        route="booking",
        step="seat",
        user_id="u",
        metadata={"said": CANARY},
        raw={"text": CANARY},
        format=CANARY,
    )
    [before] = await adapter.messages.append("s", [message])
    stored = await redacted(adapter, message)
    kept = before.model_copy(update={"content": "[redacted]", "metadata": {}, "raw": None, "format": None})
    assert stored == kept


async def test_other_words_can_be_put_there(adapter):
    assert (await redacted(adapter, says(CANARY), text="")).content == ""
    assert (await redacted(adapter, says(CANARY), text="gone")).content == "gone"


async def test_tool_calls_and_results_keep_their_ids_and_lose_their_words(adapter):
    parts = [
        Reasoning(text=CANARY, provider=CANARY),
        ToolCall(id="c1", name="book", args={"who": CANARY}, note=CANARY),
        Text(text=CANARY),
        ToolCall(id="c2", name="pay", args=CANARY),
        ToolResult(call_id="c0", name="look", content={"found": CANARY}, error=True, note=CANARY),
        Media(mime="image/png", data=CANARY.encode(), name=CANARY),
    ]
    stored = await redacted(adapter, Message(role="assistant", content=parts))
    assert stored.content == [
        Text(text="[redacted]"),
        ToolCall(id="c1", name="book", args={}),
        ToolCall(id="c2", name="pay", args={}),
        ToolResult(call_id="c0", name="look", content="[redacted]", error=True),
    ]


async def test_where_there_are_only_calls_no_words_are_put_beside_them(adapter):
    stored = await redacted(adapter, call("c1"))
    assert stored.content == [ToolCall(id="c1", name="book", args={})]


@pytest.mark.parametrize(
    "parts",
    [
        [Text(text=CANARY), Refusal(text=CANARY)],
        [Media(mime="image/png", uri=CANARY)],
        [Other(type="video", url=CANARY)],
        [Reasoning(text=CANARY)],
        [],
    ],
)
async def test_parts_that_are_no_pairs_become_plain_text(adapter, parts):
    assert (await redacted(adapter, Message(role="user", content=parts))).content == "[redacted]"


async def test_a_redacted_call_still_keeps_its_answer_from_being_an_orphan(adapter):
    asks = call("a")
    await store(adapter, [says()], [asks], [answer("a")])
    await redact(adapter, "s", asks.id)
    assert await prune(adapter, "s", keep=1) == 1


async def test_what_is_not_there_cannot_be_redacted(adapter):
    with pytest.raises(NotFound):
        await redact(adapter, "s", "m")
    await store(adapter, [says()])
    with pytest.raises(NotFound, match="'m'"):
        await redact(adapter, "s", "m")


@pytest.mark.parametrize("text", [None, 5, [Text(text="x")], b"x"])
async def test_text_is_text(adapter, text):
    said, answered = says(), answer("a")
    await store(adapter, [said, answered])
    for message in (said, answered):
        with pytest.raises(InvalidArgument):
            await redact(adapter, "s", message.id, text=text)


# --- what an adapter may lack, or have lost ------------------------------------------------------


async def test_an_adapter_that_cannot_remove_or_replace_says_so():
    from holdfast.toolkit import Facts
    from holdfast_memory._store import MemoryStore

    class Bare(MemoryStore):
        async def initialize(self, **asked):
            facts = await super().initialize(**asked)
            return Facts(frozenset(), facts.durability)

    async with StoreAdapter(Bare(), translate=lambda error, running: None, options={}) as bare:
        message = says()
        await store(bare, [message], [says()])
        for asked in (remove_last_turn(bare, "s"), prune(bare, "s", keep=1), redact(bare, "s", message.id)):
            with pytest.raises(UnsupportedCapability):
                await asked
        assert await seqs(bare) == [1, 2]


async def test_what_cannot_be_read_is_not_removed():
    async with MemoryAdapter() as adapter:
        await store(adapter, [says()], [says()])
        [rows] = adapter._memory._rows.values()
        rows.by_seq[2] = rows.by_seq[2]._replace(body="{")
        for asked in (remove_last_turn(adapter, "s"), prune(adapter, "s", keep=1)):
            with pytest.raises(CorruptRecord):
                await asked
        assert rows.seqs == [1, 2]
