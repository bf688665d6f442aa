"""What somebody else does between two steps of one call: brought about, not waited for."""

import pytest

from holdfast import NotFound, Session, SessionQuery


@pytest.fixture
def after_reading(adapter, monkeypatch):
    """Runs something once, when the store has read the head of this session for the first time."""

    def arrange(session_id, interfere):
        store, read = adapter._runtime.store, adapter._runtime.store.heads
        pending = [interfere]

        async def heads(refs, *, state):
            found = await read(refs, state=state)
            if pending and [ref.id for ref in refs] == [session_id]:
                await pending.pop()()
            return found

        monkeypatch.setattr(store, "heads", heads)

    return arrange


async def test_a_parent_that_dies_while_its_child_is_made_takes_it_along(adapter, after_reading):
    await adapter.sessions.save(Session(id="p"))
    after_reading("p", lambda: adapter.sessions.delete("p"))
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="c", parent_id="p"))
    assert (await adapter.sessions.find(SessionQuery(nested=True))).items == ()
    assert await adapter.sweep() == 0


async def test_a_parent_that_begins_another_life_while_its_child_is_made_does_not_get_it(adapter, after_reading):
    await adapter.sessions.save(Session(id="p"))

    async def again():
        await adapter.sessions.delete("p")
        await adapter.sessions.save(Session(id="p"))

    after_reading("p", again)
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="c", parent_id="p"))
    assert [info.id for info in await adapter.sessions.find(SessionQuery(nested=True))] == ["p"]


async def test_a_deletion_ends_the_life_that_it_has_seen_and_not_the_next(adapter, after_reading, say):
    await adapter.sessions.save(Session(id="s"))

    async def again():
        await adapter.sessions.delete("s")
        await adapter.sessions.save(Session(id="s", data={"life": 2}))
        await adapter.messages.append("s", say("a"))

    after_reading("s", again)
    await adapter.sessions.delete("s")
    assert (await adapter.sessions.get("s")).data == {"life": 2}
    assert len(await adapter.messages.find("s")) == 1


@pytest.mark.parametrize("read", ["find", "get"])
async def test_a_read_of_a_session_that_ends_meanwhile_shows_nothing_of_the_next(
    adapter, after_reading, say, read
):
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("a"))

    async def again():
        await adapter.sessions.delete("s")
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append("s", say("a", "b"))

    after_reading("s", again)
    with pytest.raises(NotFound):
        await (adapter.messages.find("s") if read == "find" else adapter.messages.get("s", "a"))
