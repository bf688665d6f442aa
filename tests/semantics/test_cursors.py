"""Cursors of messages that are forged, or of a copy of the data. The rest is in the contract suite."""

import pytest

from holdfast import CursorLost, HoldfastError, Page, Session
from holdfast.toolkit.cursors import write_cursor


@pytest.fixture(autouse=True)
async def stored(adapter, say):
    for session_id in ("other", "s"):
        await adapter.sessions.save(Session(id=session_id))
        messages = await adapter.messages.append(session_id, say(*"abcdefghij"))
    return list(messages)


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


ODD = [None, True, -1, 0, 1.5, "x", 2**63, 2**80, [], {}, [1], "é\ud800"]


async def test_a_forged_cursor_is_made_as_ours_are(adapter):
    """Without this, the tests below would forge cursors that are refused for their shape alone."""
    key = (await adapter.sessions.get("s")).key
    ours = (await adapter.messages.find("s", limit=3)).next
    assert ours == write_cursor(["", "s"], [key, False, False, 0, None, 3, 3, "c"])


@pytest.mark.parametrize("field", range(8))
async def test_a_forged_cursor_opens_nothing_and_breaks_nothing(adapter, stored, field):
    """Cursors are no secrets: who reads the source can make one. All that comes of it is an error or a page."""
    key = (await adapter.sessions.get("s")).key
    for odd in ODD:
        place = [key, False, False, 0, None, 3, 3, "c"]
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
    place = [key, False, False, 0, None, 10**6, 3, "c"]
    try:
        page = await adapter.messages.find("s", cursor=write_cursor(["", "s"], place))
    except HoldfastError:
        return
    assert len(page) <= adapter.limits.page
