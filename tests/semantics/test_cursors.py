"""Cursors of messages: opaque, bound to their walk, and never a way to the wrong messages."""

import pytest

from holdfast import Capability, CursorLost, HoldfastError, InvalidArgument, NotFound, Page, Session, SessionQuery
from holdfast.toolkit.cursors import write_cursor


@pytest.fixture(autouse=True)
async def stored(adapter, say):
    for session_id in ("other", "s"):
        await adapter.sessions.save(Session(id=session_id))
        messages = await adapter.messages.append(session_id, say(*"abcdefghij"))
    return list(messages)


WALKS = [
    {"limit": 3},
    {"last": 3},
    {"after": 1, "limit": 3},
    {"before": 9, "limit": 3},
    {"after": 1, "before": 9, "limit": 3},
]


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_arguments_may_be_left_out_or_repeated(adapter, walk):
    page = await adapter.messages.find("s", **walk)
    without = await adapter.messages.find("s", cursor=page.next)
    assert len(without) == 3
    assert await adapter.messages.find("s", cursor=page.next, **walk) == without


@pytest.mark.parametrize("walk", WALKS, ids=str)
@pytest.mark.parametrize(
    "change", [{"after": 4}, {"before": 4}, {"after": True}, {"after": 1.0}, {"before": 9.0}], ids=str
)
async def test_the_bounds_of_a_walk_cannot_be_changed(adapter, walk, change):
    page = await adapter.messages.find("s", **walk)
    with pytest.raises(InvalidArgument):
        await adapter.messages.find("s", cursor=page.next, **change)


async def test_the_direction_of_a_walk_cannot_be_changed(adapter):
    page = await adapter.messages.find("s", limit=3)
    with pytest.raises(InvalidArgument):
        await adapter.messages.find("s", cursor=page.next, last=3)


async def test_a_cursor_can_be_used_again_and_by_another_adapter(adapter, open_adapter, stored):
    page = await adapter.messages.find("s", limit=3)
    assert [list(await adapter.messages.find("s", cursor=page.next)) for _ in range(2)] == [stored[3:6]] * 2
    assert isinstance(page.next, str)
    elsewhere = await open_adapter()
    shared = await elsewhere.sessions.get("s") is not None
    assert shared == (Capability.SHARED in adapter.capabilities)
    if shared:
        assert [m.seq for m in await elsewhere.messages.find("s", cursor=page.next)] == [4, 5, 6]


async def test_an_anchor_that_was_removed_since_is_no_matter(adapter, stored):
    forward, back = await adapter.messages.find("s", limit=4), await adapter.messages.find("s", last=4)
    await adapter.messages.remove("s", after=3, through=7)
    assert list(await adapter.messages.find("s", cursor=forward.next)) == stored[7:]
    assert list(await adapter.messages.find("s", cursor=back.next)) == stored[:3]


async def test_an_anchor_that_was_redacted_since_is_no_matter(adapter, stored):
    page = await adapter.messages.find("s", limit=4)
    await adapter.messages.replace("s", stored[3].model_copy(update={"content": "x"}))
    assert list(await adapter.messages.find("s", cursor=page.next)) == stored[4:8]


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_a_cursor_of_another_session_or_tenant_is_refused(adapter, walk, say):
    view = adapter.for_tenant("t")
    await view.sessions.save(Session(id="s"))
    await view.messages.append("s", say(*"abcdefghij"))
    page = await adapter.messages.find("s", **walk)
    for repository, session_id in ((adapter.messages, "other"), (view.messages, "s")):
        with pytest.raises((CursorLost, InvalidArgument)):
            await repository.find(session_id, cursor=page.next)


@pytest.mark.parametrize("walk", WALKS, ids=str)
async def test_a_cursor_of_another_life_is_lost(adapter, walk, say):
    page = await adapter.messages.find("s", **walk)
    await adapter.sessions.delete("s")
    with pytest.raises(NotFound):
        await adapter.messages.find("s", cursor=page.next)
    await adapter.sessions.save(Session(id="s"))
    with pytest.raises(CursorLost):
        await adapter.messages.find("s", cursor=page.next)
    await adapter.messages.append("s", say(*"abcdefghij"))
    with pytest.raises(CursorLost):
        await adapter.messages.find("s", cursor=page.next)


@pytest.mark.parametrize("first", [{"limit": 7}, {"last": 2}], ids=str)
async def test_a_cursor_is_lost_where_a_failover_put_another_message(
    open_adapter, tmp_path, monkeypatch, say, first
):
    """One life in two copies of the data, which differ behind the fifth message."""
    monkeypatch.setattr("holdfast.toolkit.encoding.new_key", lambda: "0" * 32)
    copies = []
    for name, words in (("before", "abcdefghij"), ("after", "abcdeFGHIJ"), ("shorter", "abcde")):
        (tmp_path / name).mkdir()
        copy = await open_adapter(folder=tmp_path / name)
        await copy.sessions.save(Session(id="s"))
        await copy.messages.append("s", say(*words))
        copies.append(copy)
    page = await copies[0].messages.find("s", **first)
    assert (await copies[0].messages.find("s", cursor=page.next)).items
    for copy in copies[1:]:
        with pytest.raises(CursorLost):
            await copy.messages.find("s", cursor=page.next)


@pytest.mark.parametrize(
    "wrong", ["", "x", "=", "é", "\x00", "AAAAAAAA", "A" * 10_000, " ", 5, b"x", ["x"], True], ids=str
)
async def test_what_is_no_cursor_is_refused(adapter, wrong):
    with pytest.raises((InvalidArgument, CursorLost)):
        await adapter.messages.find("s", cursor=wrong)


async def test_a_changed_cursor_is_refused_or_means_the_same(adapter):
    page = await adapter.messages.find("s", limit=3)
    expected = await adapter.messages.find("s", cursor=page.next)
    for place, character in enumerate(page.next):
        for other in ("A", "B", "_", "é"):
            changed = page.next[:place] + other + page.next[place + 1 :]
            try:
                found = await adapter.messages.find("s", cursor=changed)
            except (InvalidArgument, CursorLost):
                continue
            assert character == other or found == expected
    for end in range(len(page.next)):
        with pytest.raises((InvalidArgument, CursorLost)):
            await adapter.messages.find("s", cursor=page.next[:end])


async def test_a_cursor_of_sessions_is_none_of_messages(adapter):
    sessions = await adapter.sessions.find(SessionQuery(limit=1))
    messages = await adapter.messages.find("s", limit=1)
    with pytest.raises((InvalidArgument, CursorLost)):
        await adapter.messages.find("s", cursor=sessions.next)
    with pytest.raises(InvalidArgument):
        await adapter.sessions.find(SessionQuery(limit=1, cursor=messages.next))


ODD = [None, True, -1, 0, 1.5, "x", 2**63, 2**80, [], {}, [1], "é\ud800"]


@pytest.mark.parametrize("field", range(7))
async def test_a_forged_cursor_opens_nothing_and_breaks_nothing(adapter, stored, field):
    """Cursors are no secrets: who reads the source can make one. All that comes of it is an error or a page."""
    key = (await adapter.sessions.get("s")).key
    for odd in ODD:
        place = [key, False, 0, None, 3, 3, "c"]
        place[field] = odd
        try:
            found = await adapter.messages.find("s", cursor=write_cursor(["", "s"], place))
        except HoldfastError:
            continue
        assert isinstance(found, Page)
        assert all(message in stored for message in found)


async def test_a_forged_cursor_cannot_ask_for_more_than_a_page(adapter, say):
    key = (await adapter.sessions.get("s")).key
    await adapter.messages.append("s", say(*(f"m{number}" for number in range(995))))
    await adapter.messages.append("s", say(*(f"n{number}" for number in range(200))))
    place = [key, False, 0, None, 10**6, 3, "c"]
    try:
        page = await adapter.messages.find("s", cursor=write_cursor(["", "s"], place))
    except HoldfastError:
        return
    assert len(page) <= adapter.limits.page
