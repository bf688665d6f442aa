"""Retries of messages: stored once, answered as the first time."""

import asyncio

import pytest

from holdfast import DuplicateIdConflict, Message, Session, Turn, VersionConflict


@pytest.fixture(autouse=True)
async def session(adapter):
    return await adapter.sessions.save(Session(id="s"))


async def test_appending_the_same_messages_again_stores_them_once(adapter, clock, say):
    first = await adapter.messages.append("s", say("a", "b"))
    clock.pass_(hours=1)
    again = await adapter.messages.append("s", say("a", "b"))
    assert tuple(again) == tuple(first)
    assert tuple(await adapter.messages.find("s")) == tuple(first)


async def test_a_retry_is_told_the_turn_and_the_time_of_the_first_try(adapter, clock, say):
    then = clock.now
    await adapter.messages.append("s", say("a"), turn_id="first")
    clock.pass_(hours=1)
    [again] = await adapter.messages.append("s", say("a"), turn_id="second")
    assert (again.turn_id, again.created_at, again.seq) == ("first", then, 1)


@pytest.mark.parametrize("words", ["ab", "ba", "xaby", "xayb", "abx", "axb", "xab", "ax"])
async def test_what_was_there_keeps_its_place_turn_and_time_among_new_messages(adapter, clock, say, words):
    then = clock.now
    await adapter.messages.append("s", say("a", "b"), turn_id="first")
    clock.pass_(hours=1)
    answer = await adapter.messages.append("s", say(*words), turn_id="second")
    assert [message.id for message in answer] == list(words)
    places = {"a": (1, "first", then), "b": (2, "first", then)}
    new = [word for word in words if word not in places]
    places |= {word: (seq, "second", clock.now) for seq, word in enumerate(new, 3)}
    assert {message.id: (message.seq, message.turn_id, message.created_at) for message in answer} == {
        word: places[word] for word in words
    }
    stored = {message.id: message for message in await adapter.messages.find("s")}
    assert list(answer) == [stored[word] for word in words]


async def test_an_id_with_other_words_is_a_conflict_that_names_all_and_writes_nothing(adapter, say, everything):
    await adapter.messages.append("s", say("a", "b", "c"))
    before = await everything(adapter)
    wrong = [Message(id=word, role="user", content="other") for word in "ac"]
    with pytest.raises(DuplicateIdConflict) as caught:
        await adapter.messages.append("s", [*say("new", "b"), *wrong])
    assert set(caught.value.ids) == {"a", "c"}
    assert caught.value.session_id == "s"
    assert await everything(adapter) == before


async def test_one_id_twice_in_one_call_is_a_conflict(adapter, say, everything):
    before = await everything(adapter)
    with pytest.raises(DuplicateIdConflict) as caught:
        await adapter.messages.append("s", say("a", "b", "a"))
    assert caught.value.ids == ("a",)
    assert await everything(adapter) == before


@pytest.mark.parametrize(
    "change",
    [
        {"role": "tool"},
        {"content": "b"},
        {"content": [{"type": "text", "text": "a"}]},
        {"name": ""},
        {"route": "r"},
        {"step": "s"},
        {"user_id": "u"},
        {"metadata": {"a": 1}},
        {"raw": 0},
        {"raw": False},
        {"raw": ""},
        {"format": "f"},
    ],
    ids=repr,
)
async def test_all_that_a_message_says_counts_as_its_words(adapter, change):
    said = {"id": "a", "role": "user", "content": "a"}
    await adapter.messages.append("s", [Message(**said)])
    with pytest.raises(DuplicateIdConflict):
        await adapter.messages.append("s", [Message(**said | change)])


async def test_the_type_of_a_value_counts_as_its_words(adapter):
    values = [True, 1, 1.0, "1", 0.0, -0.0, 0, False, None, [], {}, (), b"", ""]
    for number, value in enumerate(values):
        await adapter.messages.append("s", [Message(id=f"m{number}", role="user", metadata={"v": value})])
        for other in values[:number] + values[number + 1 :]:
            with pytest.raises(DuplicateIdConflict):
                await adapter.messages.append("s", [Message(id=f"m{number}", role="user", metadata={"v": other})])


async def test_time_position_and_order_of_keys_are_no_words(adapter, clock):
    first = Message(id="a", role="user", metadata={"x": 1, "y": {"p": 1, "q": 2}}, created_at=clock.now)
    [stored] = await adapter.messages.append("s", [first])
    clock.pass_(hours=1)
    changed = {"metadata": {"y": {"q": 2, "p": 1}, "x": 1}, "created_at": clock.now, "seq": 9, "turn_id": "other"}
    assert await adapter.messages.append("s", [Message(id="a", role="user", **changed)]) == (stored,)


async def test_a_default_that_is_given_is_no_other_word(adapter):
    [stored] = await adapter.messages.append("s", [Message(id="a", role="user")])
    spelled = Message(id="a", role="user", content="", name=None, metadata={}, raw=None, format=None)
    assert await adapter.messages.append("s", [spelled]) == (stored,)


async def test_what_was_read_can_be_appended_again(adapter, say):
    stored = await adapter.messages.append("s", say("a", "b"))
    assert tuple(await adapter.messages.append("s", list(stored))) == tuple(stored)


async def test_one_message_id_serves_in_each_session(adapter, say):
    await adapter.sessions.save(Session(id="other"))
    await adapter.messages.append("s", say("a"))
    [stored] = await adapter.messages.append("other", [Message(id="a", role="user", content="other")])
    assert (stored.seq, stored.content) == (1, "other")


async def test_the_same_append_by_many_at_once_is_stored_once(adapter, say):
    answers = await asyncio.gather(*(adapter.messages.append("s", say("a", "b"), turn_id="t") for _ in range(8)))
    assert len(set(map(str, answers))) == 1
    assert len(await adapter.messages.find("s")) == 2


async def test_messages_are_known_however_much_was_written_since(adapter, say):
    turn = Turn(id="t", session_id="s", messages=say("a", "b"))
    first = await adapter.commit(turn)
    for number in range(40):
        await adapter.messages.append("s", say(f"m{number}"))
        await adapter.sessions.save(await adapter.sessions.get("s"))
    again = await adapter.commit(turn)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.messages == first.messages
    assert again.session.last_seq == first.session.last_seq == 2
    assert (await adapter.sessions.get("s")).message_count == 42


async def test_removed_ids_are_free(adapter, say):
    await adapter.messages.append("s", say("a", "b"))
    await adapter.messages.remove("s", after=0, through=1)
    [stored] = await adapter.messages.append("s", [Message(id="a", role="user", content="other words")])
    assert (stored.seq, stored.content) == (3, "other words")


async def test_a_retry_older_than_the_removal_of_its_messages_is_new_unless_guarded(adapter, say, everything):
    await adapter.messages.append("s", say("a"), turn_id="t", last_seq=0)
    await adapter.messages.remove("s", after=0, through=1)
    before = await everything(adapter)
    with pytest.raises(VersionConflict) as caught:
        await adapter.messages.append("s", say("a"), turn_id="t", last_seq=0)
    assert (caught.value.guard, caught.value.expected, caught.value.actual) == ("last_seq", 0, 1)
    assert await everything(adapter) == before
    [stored] = await adapter.messages.append("s", say("a"), turn_id="t")
    assert stored.seq == 2


async def test_a_guarded_append_can_be_retried(adapter, say):
    first = await adapter.messages.append("s", say("a", "b"), turn_id="t", last_seq=0)
    await adapter.messages.append("s", say("c"))
    assert tuple(await adapter.messages.append("s", say("a", "b"), turn_id="t", last_seq=0)) == tuple(first)


async def test_appending_nothing_writes_nothing(adapter, clock, everything):
    before = await everything(adapter)
    clock.pass_(hours=1)
    assert tuple(await adapter.messages.append("s", [])) == ()
    assert await everything(adapter) == before


@pytest.mark.parametrize("more", ["state", "removal"])
async def test_a_turn_that_brings_more_than_its_first_try_is_refused_not_lost(adapter, more):
    session = await adapter.sessions.save(Session(id="more"))
    await adapter.messages.append("more", [Message(id="old", role="user", content="old")])
    said = [Message(id="a", role="user", content="x")]
    await adapter.messages.append("more", said, turn_id="t")
    session.data["paid"] = True
    extra = {"session": session} if more == "state" else {"remove": (0, 1)}
    with pytest.raises(DuplicateIdConflict) as caught:
        await adapter.commit(Turn(id="t", session_id="more", messages=said, **extra))
    assert caught.value.ids == ("t",)
    assert (await adapter.sessions.get("more")).version == 1
    assert len(await adapter.messages.find("more")) == 2
