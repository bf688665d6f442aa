"""Listings: which sessions, in which order."""

from datetime import timedelta

import pytest

from holdfast import InvalidArgument, PayloadTooLarge, Session, SessionInfo, SessionQuery


async def ids(adapter, **query):
    return [session.id for session in await adapter.sessions.find(SessionQuery(limit=1000, **query))]


@pytest.fixture
async def sessions(adapter, clock):
    """Made in the order a b c d, written last in the order d b a c."""
    for session_id, user, agent, status in (
        ("a", "u", "x", "active"),
        ("b", "u", "y", "completed"),
        ("c", "v", "x", "active"),
        ("d", None, None, "odd"),
    ):
        clock.pass_(minutes=1)
        made = Session(id=session_id, user_id=user, agent=agent, status=status, data={"is": session_id})
        await adapter.sessions.save(made)
    for session_id in "bac":
        clock.pass_(minutes=1)
        await adapter.sessions.save(await adapter.sessions.get(session_id))


@pytest.mark.usefixtures("sessions")
async def test_activity_is_last_written_first_and_created_is_oldest_first(adapter):
    assert await ids(adapter) == ["c", "a", "b", "d"]
    assert await ids(adapter, order="activity") == ["c", "a", "b", "d"]
    assert await ids(adapter, order="created") == ["a", "b", "c", "d"]


@pytest.mark.usefixtures("sessions")
async def test_every_write_is_activity_and_no_read_is(adapter, clock, say):
    clock.pass_(minutes=1)
    await adapter.messages.append("d", say("m"))
    clock.pass_(minutes=1)
    await adapter.sessions.get("a")
    await adapter.messages.find("a")
    assert (await ids(adapter))[0] == "d"
    await adapter.messages.append("b", say("m"))
    clock.pass_(minutes=1)
    await adapter.messages.replace("d", say("m")[0])
    assert await ids(adapter) == ["d", "b", "c", "a"]


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"user_id": "u"}, "ab"),
        ({"user_id": "v"}, "c"),
        ({"user_id": "U"}, ""),
        ({"agent": "x"}, "ac"),
        ({"status": "active"}, "ac"),
        ({"status": "odd"}, "d"),
        ({"user_id": "u", "agent": "x", "status": "active"}, "a"),
        ({"user_id": "v", "status": "completed"}, ""),
        ({"user_id": "%"}, ""),
        ({"agent": "*"}, ""),
    ],
    ids=str,
)
async def test_filters_hold_together(adapter, query, found):
    assert await ids(adapter, order="created", **query) == list(found)
    assert sorted(await ids(adapter, **query)) == list(found)


@pytest.mark.usefixtures("sessions")
async def test_filters_see_what_a_save_changed(adapter):
    session = await adapter.sessions.get("a")
    session.status, session.agent = "completed", "z"
    await adapter.sessions.save(session)
    assert await ids(adapter, status="completed", order="created") == ["a", "b"]
    assert await ids(adapter, agent="x") == ["c"]
    assert await ids(adapter, agent="z") == ["a"]


@pytest.mark.usefixtures("sessions")
async def test_sessions_that_were_not_written_since_a_time(adapter, clock):
    written = (await adapter.sessions.get("a")).updated_at
    assert await ids(adapter, updated_before=written) == ["b", "d"]
    assert await ids(adapter, updated_before=written + timedelta(microseconds=1)) == ["a", "b", "d"]
    assert await ids(adapter, updated_before=clock.now - timedelta(days=1)) == []
    assert await ids(adapter, updated_before=written, user_id="u") == ["b"]


@pytest.mark.usefixtures("sessions")
async def test_the_top_level_a_parents_children_or_all(adapter):
    for child, parent in (("p", "a"), ("q", "a"), ("r", "p")):
        await adapter.sessions.save(Session(id=child, parent_id=parent, user_id="u"))
    assert await ids(adapter, order="created") == list("abcd")
    assert await ids(adapter, order="created", parent="a") == list("pq")
    assert await ids(adapter, order="created", parent="p") == ["r"]
    assert await ids(adapter, parent="r") == []
    assert await ids(adapter, parent="none") == []
    assert await ids(adapter, order="created", nested=True) == list("abcdpqr")
    assert await ids(adapter, order="created", nested=True, user_id="u") == list("abpqr")
    assert await ids(adapter, parent="a", user_id="v") == []


async def test_expired_sessions_are_listed_only_if_asked_for(adapter, clock):
    await adapter.sessions.save(Session(id="stays"))
    await adapter.sessions.save(Session(id="goes", expires_at=clock.now + timedelta(hours=1)))
    assert sorted(await ids(adapter)) == ["goes", "stays"]
    clock.pass_(hours=1)
    assert await ids(adapter) == ["stays"]
    assert sorted(await ids(adapter, include_expired=True)) == ["goes", "stays"]
    await adapter.sweep()
    assert await ids(adapter, include_expired=True) == ["stays"]


@pytest.mark.usefixtures("sessions")
async def test_items_are_without_state_unless_asked_for(adapter, clock):
    for info in await adapter.sessions.find(SessionQuery()):
        assert type(info) is SessionInfo
        with pytest.raises(InvalidArgument):
            await adapter.sessions.save(info)
    whole = await adapter.sessions.find(SessionQuery(with_state=True, order="created"))
    assert list(whole) == [await adapter.sessions.get(session_id) for session_id in "abcd"]
    assert [session.data for session in whole] == [{"is": session_id} for session_id in "abcd"]


async def test_a_listed_state_that_has_expired_reads_as_empty(adapter, clock):
    await adapter.sessions.save(Session(id="s", data={"a": 1}, state_expires_at=clock.now))
    [listed] = await adapter.sessions.find(SessionQuery(with_state=True))
    assert listed.data == {}


async def test_nothing_is_an_empty_page(adapter):
    page = await adapter.sessions.find(SessionQuery())
    assert (page.items, page.next) == ((), None)


@pytest.mark.parametrize("limit", [0, -1, 2**63])
async def test_a_size_is_a_positive_number(adapter, limit):
    with pytest.raises(InvalidArgument):
        await adapter.sessions.find(SessionQuery(limit=limit))


async def test_a_page_has_a_largest_size(adapter):
    with pytest.raises(PayloadTooLarge):
        await adapter.sessions.find(SessionQuery(limit=1001))


@pytest.mark.parametrize("query", [None, {}, "active", SessionInfo(id="s")], ids=str)
async def test_what_is_no_query_is_refused(adapter, query):
    with pytest.raises(InvalidArgument):
        await adapter.sessions.find(query)
