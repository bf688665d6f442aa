"""Pages of messages: oldest first, whole when walked, in both directions."""

from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import InvalidArgument, NotFound, PayloadTooLarge, Session
from holdfast.ids import new_id

COUNT = 12


@pytest.fixture
async def stored(adapter, say):
    await adapter.sessions.save(Session(id="s"))
    return list(await adapter.messages.append("s", say(*(f"m{number:02}" for number in range(1, COUNT + 1)))))


async def walk(adapter, session_id="s", **first):
    """The pages of a walk."""
    page = await adapter.messages.find(session_id, **first)
    pages = [list(page)]
    while page.next is not None:
        page = await adapter.messages.find(session_id, cursor=page.next)
        pages.append(list(page))
    return pages


@pytest.mark.parametrize("size", range(1, COUNT + 3))
async def test_a_walk_to_newer_messages_meets_each_once(adapter, stored, size):
    pages = await walk(adapter, limit=size)
    assert list(chain(*pages)) == stored
    assert all(len(page) <= size for page in pages)
    assert list(chain(*(await walk(adapter, after=3, limit=size)))) == stored[3:]


@pytest.mark.parametrize("size", range(1, COUNT + 3))
async def test_a_walk_to_older_messages_meets_each_once(adapter, stored, size):
    for first, expected in (
        ({"last": size}, stored),
        ({"before": 10**6, "limit": size}, stored),
        ({"before": 8, "limit": size}, stored[:7]),
        ({"after": 3, "before": 8, "limit": size}, stored[3:7]),
    ):
        pages = await walk(adapter, **first)
        assert list(chain(*reversed(pages))) == expected
        assert all(len(page) <= size for page in pages)


@pytest.mark.parametrize("holes", [(0, 4), (4, 8), (8, 12), (0, 12), (5, 6)])
@pytest.mark.parametrize("size", [1, 3, 4, 12])
async def test_walks_pass_over_holes(adapter, stored, holes, size):
    await adapter.messages.remove("s", after=holes[0], through=holes[1])
    left = [message for message in stored if not holes[0] < message.seq <= holes[1]]
    assert list(chain(*(await walk(adapter, limit=size)))) == left
    assert list(chain(*reversed(await walk(adapter, last=size)))) == left


async def test_the_last_few_are_the_newest_oldest_first(adapter, stored):
    assert list(await adapter.messages.find("s", last=3)) == stored[-3:]
    assert list(await adapter.messages.find("s", last=100)) == stored


async def test_each_pair_of_bounds_gives_what_lies_between(adapter, stored):
    for after in [None, *range(COUNT + 2)]:
        for before in [None, *range(COUNT + 3)]:
            page = await adapter.messages.find("s", after=after, before=before, limit=4)
            fitting = [m for m in stored if (after or 0) < m.seq < (before if before is not None else 99)]
            assert list(page) == (fitting[:4] if before is None else fitting[-4:])
            assert (page.next is not None) == (len(fitting) > 4)


async def test_an_empty_session_has_one_empty_page(adapter):
    await adapter.sessions.save(Session(id="s"))
    for first in ({}, {"last": 5}, {"before": 9}, {"after": 9}, {"align": "turn", "last": 1}):
        page = await adapter.messages.find("s", **first)
        assert (page.items, page.next, page.corrupt, len(page), list(page)) == ((), None, (), 0, [])


async def test_a_page_that_ends_with_the_last_message_has_no_next(adapter, stored):
    assert (await adapter.messages.find("s", limit=COUNT)).next is None
    assert (await adapter.messages.find("s", last=COUNT)).next is None


async def test_a_page_holds_a_hundred_if_nothing_is_said(adapter, say):
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say(*(f"m{number:03}" for number in range(205))))
    assert [len(page) for page in await walk(adapter)] == [100, 100, 5]
    assert [len(page) for page in await walk(adapter, before=10**6)] == [100, 100, 5]


@pytest.mark.parametrize("also", [{"after": 1}, {"before": 5}, {"limit": 2}, {"after": 0, "before": 9}])
async def test_last_goes_with_nothing_else(adapter, stored, also):
    with pytest.raises(InvalidArgument):
        await adapter.messages.find("s", last=2, **also)


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", 2**63, [1]], ids=repr)
async def test_a_size_is_a_positive_number(adapter, stored, value):
    for call in ({"limit": value}, {"last": value}):
        with pytest.raises(InvalidArgument):
            await adapter.messages.find("s", **call)


async def test_a_page_has_a_largest_size(adapter, stored):
    assert list(await adapter.messages.find("s", limit=1000)) == stored
    for call in ({"limit": 1001}, {"last": 1001}):
        with pytest.raises(PayloadTooLarge):
            await adapter.messages.find("s", **call)


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", 2**63, [1]], ids=repr)
async def test_a_bound_is_a_position(adapter, stored, value):
    for call in ({"after": value}, {"before": value}):
        with pytest.raises(InvalidArgument):
            await adapter.messages.find("s", **call)


@pytest.mark.parametrize(
    "wrong", [{"align": "session"}, {"align": 1}, {"align": []}, {"on_corrupt": "skip"}], ids=repr
)
async def test_other_arguments_have_a_few_legal_words(adapter, stored, wrong):
    with pytest.raises(InvalidArgument):
        await adapter.messages.find("s", **wrong)


async def test_a_session_that_is_not_there_has_no_pages(adapter):
    with pytest.raises(NotFound):
        await adapter.messages.find("none")
    with pytest.raises(NotFound):
        await adapter.messages.get("none", "m")


async def test_one_message_is_found_by_its_id(adapter, stored):
    assert await adapter.messages.get("s", "m05") == stored[4]
    assert await adapter.messages.get("s", "none") is None


changes = st.lists(st.tuples(st.sampled_from(["append", "remove", "pass"]), st.integers(0, 40)), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=changes, size=st.integers(1, 5), newest=st.booleans())
async def test_a_walk_is_stable_while_others_append_and_remove(adapter, say, changes, size, newest):
    """What is there all the time is met once, and what is met is in order."""
    session_id = new_id()
    await adapter.sessions.save(Session(id=session_id))
    await adapter.messages.append(session_id, say(*(f"m{number}" for number in range(10))))
    there, last = set(range(1, 11)), 10
    page = await adapter.messages.find(session_id, **({"last": size} if newest else {"limit": size}))
    pages = [page]
    for kind, number in changes:
        if kind == "append":
            await adapter.messages.append(session_id, say(f"new{last}"))
            last += 1
        elif kind == "remove":
            through = number % last + 1
            await adapter.messages.remove(session_id, after=max(0, through - 3), through=through)
            there -= set(range(through - 2, through + 1))
        if page.next is None:
            break
        page = await adapter.messages.find(session_id, cursor=page.next)
        pages.append(page)
    while page.next is not None:
        page = await adapter.messages.find(session_id, cursor=page.next)
        pages.append(page)
    met = [message.seq for page in (reversed(pages) if newest else pages) for message in page]
    assert met == sorted(set(met))
    assert there <= set(met)
