"""Pages that begin where a turn begins."""

from itertools import chain

import pytest

from holdfast import Session, Turn


@pytest.fixture(autouse=True)
async def turns(adapter, say):
    """Turns of 3, 1, 4 (in two segments), 2 and 5 messages."""
    await adapter.sessions.save(Session(id="s"))
    for turn_id, segment, words in (("a", 0, 3), ("b", 0, 1), ("c", 0, 1), ("c", 1, 3), ("d", 0, 2), ("e", 0, 5)):
        messages = say(*(f"{turn_id}{segment}{number}" for number in range(words)))
        await adapter.commit(Turn(id=turn_id, segment=segment, session_id="s", messages=messages))
    return list(await adapter.messages.find("s"))


def begins(messages, message):
    return next(index for index, other in enumerate(messages) if other.turn_id == message.turn_id)


@pytest.mark.parametrize("size", range(1, 17))
async def test_a_page_of_the_newest_grows_back_to_the_beginning_of_its_first_turn(adapter, turns, size):
    page = await adapter.messages.find("s", last=size, align="turn")
    first = turns[max(0, len(turns) - size)]
    assert list(page) == turns[begins(turns, first) :]


@pytest.mark.parametrize("size", range(1, 17))
@pytest.mark.parametrize("repeated", [True, False])
async def test_each_page_of_a_walk_begins_with_a_turn(adapter, turns, size, repeated):
    page = await adapter.messages.find("s", last=size, align="turn")
    pages = [list(page)]
    while page.next is not None:
        again = {"last": size, "align": "turn"} if repeated else {}
        page = await adapter.messages.find("s", cursor=page.next, **again)
        pages.append(list(page))
    assert list(chain(*reversed(pages))) == turns
    assert all(begins(turns, page[0]) == turns.index(page[0]) for page in pages if page)


async def test_a_lower_bound_stops_the_growth(adapter, turns):
    page = await adapter.messages.find("s", after=9, before=16, limit=2, align="turn")
    assert list(page) == turns[10:15]
    page = await adapter.messages.find("s", after=11, before=16, limit=2, align="turn")
    assert list(page) == turns[11:15]


async def test_a_walk_to_newer_messages_is_not_changed(adapter, turns):
    assert list(await adapter.messages.find("s", limit=2, align="turn")) == turns[:2]


async def test_a_turn_with_a_hole_is_still_one_turn(adapter, turns):
    await adapter.messages.remove("s", after=11, through=13)
    page = await adapter.messages.find("s", last=1, align="turn")
    assert [message.seq for message in page] == [11, 14, 15]


async def test_a_long_turn_comes_whole(adapter, say):
    words = [f"w{number:03}" for number in range(350)]
    await adapter.commit(Turn(id="long", session_id="s", messages=say(*words)))
    page = await adapter.messages.find("s", last=5, align="turn")
    assert [message.id for message in page] == words
    before = await adapter.messages.find("s", cursor=page.next, align="turn")
    assert before.items[-1].seq == 15
