"""Walks over listings: complete in the order of creation, and bound to their query."""

import pytest

from holdfast import InvalidArgument, Session, SessionQuery


async def walk(adapter, meanwhile=None, **query):
    met, cursor = [], None
    while True:
        page = await adapter.sessions.find(SessionQuery(cursor=cursor, **query))
        met += [session.id for session in page]
        if page.next is None:
            return met
        cursor = page.next
        if meanwhile:
            await meanwhile(len(met))


@pytest.fixture
async def many(adapter):
    names = sorted([f"s{number:03}" for number in range(460)] + [f"é{number}" for number in range(20)])
    names += ["\uffee", "\U0001f600", "\U0010fffd"] + [f"Z{number}" for number in range(17)]
    for name in reversed(names):
        await adapter.sessions.save(Session(id=name, user_id="u"))
    return sorted(names)


async def test_five_hundred_of_one_moment_come_once_each_in_order(adapter, many):
    assert len(many) == 500
    for size in (499, 500, 501, 100, 7):
        assert await walk(adapter, limit=size, order="created") == many
        assert await walk(adapter, limit=size, order="activity") == many[::-1]
    assert await walk(adapter, limit=90, order="created", user_id="u", nested=True) == many
    assert await walk(adapter, limit=90, order="activity", user_id="u", with_state=True) == many[::-1]
    assert len(await walk(adapter)) == 500


@pytest.mark.parametrize("still", [True, False], ids=["the clock stands still", "the clock runs"])
async def test_a_walk_by_creation_is_complete_while_others_write(adapter, clock, say, still):
    names = [f"s{number:02}" for number in range(40)]
    for name in names:
        clock.pass_(seconds=0 if still else 1)
        await adapter.sessions.save(Session(id=name))
    deleted = set()

    async def meanwhile(met):
        clock.pass_(seconds=0 if still else 1)
        for name in (names[met % 40], names[-met % 40]):
            session = await adapter.sessions.get(name)
            if session is not None:
                await adapter.messages.append(name, say(f"m{met}"))
                await adapter.sessions.save(session)
        gone = names[met * 7 % 40]
        await adapter.sessions.delete(gone)
        deleted.add(gone)
        await adapter.sessions.save(Session(id=f"a-new-{met}"))
        await adapter.sessions.save(Session(id=f"z-new-{met}"))

    met = await walk(adapter, meanwhile, limit=3, order="created")
    assert len(met) == len(set(met))
    assert set(names) - deleted <= set(met)


@pytest.mark.parametrize("order", ["created", "activity"])
async def test_a_deleted_anchor_is_no_matter(adapter, order):
    for name in "abcdef":
        await adapter.sessions.save(Session(id=name))
    page = await adapter.sessions.find(SessionQuery(limit=3, order=order))
    await adapter.sessions.delete(page.items[-1].id)
    rest = await adapter.sessions.find(SessionQuery(limit=3, order=order, cursor=page.next))
    assert sorted([info.id for info in page] + [info.id for info in rest]) == list("abcdef")


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": "v"},
        {"user_id": None},
        {"agent": "x"},
        {"status": "active"},
        {"parent": "s0"},
        {"nested": True},
        {"order": "created"},
        {"include_expired": True},
    ],
    ids=str,
)
async def test_a_cursor_is_bound_to_its_query(adapter, change):
    for number in range(4):
        await adapter.sessions.save(Session(id=f"s{number}", user_id="u"))
    query = SessionQuery(user_id="u", limit=2)
    page = await adapter.sessions.find(query)
    assert len(await adapter.sessions.find(query.model_copy(update={"cursor": page.next}))) == 2
    with pytest.raises(InvalidArgument):
        await adapter.sessions.find(query.model_copy(update={"cursor": page.next, **change}))


async def test_a_cursor_is_bound_to_its_tenant(adapter):
    view = adapter.for_tenant("t")
    for where in (adapter, view):
        for name in "abc":
            await where.sessions.save(Session(id=name))
    page = await adapter.sessions.find(SessionQuery(limit=1))
    for where in (view, adapter.for_tenant("other")):
        with pytest.raises(InvalidArgument):
            await where.sessions.find(SessionQuery(limit=1, cursor=page.next))


async def test_a_cursor_works_with_another_size_of_page(adapter):
    for name in "abcdef":
        await adapter.sessions.save(Session(id=name))
    page = await adapter.sessions.find(SessionQuery(limit=1, order="created"))
    rest = await adapter.sessions.find(SessionQuery(limit=10, order="created", cursor=page.next))
    assert [info.id for info in rest] == list("bcdef")


@pytest.mark.parametrize("wrong", ["", "x", "=", "é", "A" * 10_000, "AAAAAAAAAAAAAAAA"])
async def test_what_is_no_cursor_is_refused(adapter, wrong):
    with pytest.raises(InvalidArgument):
        await adapter.sessions.find(SessionQuery(cursor=wrong))


async def test_a_changed_cursor_is_refused_or_means_the_same(adapter):
    for name in "abcdef":
        await adapter.sessions.save(Session(id=name))
    cursor = (await adapter.sessions.find(SessionQuery(limit=2))).next
    expected = await adapter.sessions.find(SessionQuery(limit=2, cursor=cursor))
    for place, character in enumerate(cursor):
        for other in "AB_":
            changed = cursor[:place] + other + cursor[place + 1 :]
            try:
                found = await adapter.sessions.find(SessionQuery(limit=2, cursor=changed))
            except InvalidArgument:
                continue
            assert character == other or found == expected
