"""Sessions below sessions: they need a parent that is there, and end with it."""

import asyncio

import pytest

from holdfast import NotFound, Session, SessionQuery, Turn


async def family(adapter, *ids):
    for parent, child in zip((None, *ids), ids, strict=False):
        await adapter.sessions.save(Session(id=child, parent_id=parent))


async def children(adapter, parent, **query):
    return [child.id for child in await adapter.sessions.find(SessionQuery(parent=parent, limit=1000, **query))]


async def test_a_child_names_its_parent(adapter):
    await family(adapter, "p", "c")
    assert (await adapter.sessions.get("c")).parent_id == "p"
    assert await children(adapter, "p") == ["c"]


async def test_a_child_of_a_missing_parent_is_refused(adapter, everything, say):
    for call in (
        adapter.sessions.save(Session(id="c", parent_id="none")),
        adapter.sessions.save(Session(id="c", parent_id="c")),
        adapter.commit(Turn(session_id="c", session=Session(id="c", parent_id="none"), messages=say("a"))),
    ):
        with pytest.raises(NotFound):
            await call
    assert await everything(adapter) == ((), [])


async def test_a_child_of_a_deleted_parent_is_refused(adapter, everything):
    await family(adapter, "p")
    await adapter.sessions.delete("p")
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="c", parent_id="p"))
    assert await everything(adapter) == ((), [])


async def test_a_child_of_an_expired_parent_is_refused(adapter, clock):
    await adapter.sessions.save(Session(id="p", expires_at=clock.now))
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="c", parent_id="p"))
    assert await adapter.sessions.get("c") is None


async def test_a_child_of_another_tenants_session_is_refused(adapter):
    await adapter.for_tenant("other").sessions.save(Session(id="p"))
    with pytest.raises(NotFound):
        await adapter.sessions.save(Session(id="c", parent_id="p"))
    assert await adapter.sessions.get("c") is None


async def test_deleting_a_parent_deletes_its_children_and_nothing_else(adapter, say):
    await family(adapter, "p", "c", "g")
    await family(adapter, "other", "below")
    for session_id in ("p", "c", "g", "other", "below"):
        await adapter.messages.append(session_id, say("a"))
    assert await adapter.sessions.delete("p") is True
    gone = [await adapter.sessions.get(session_id) for session_id in ("p", "c", "g")]
    assert gone == [None, None, None]
    assert await children(adapter, "other") == ["below"]
    assert len(await adapter.messages.find("below")) == 1


async def test_deleting_a_child_leaves_its_parent_and_its_siblings(adapter):
    await family(adapter, "p", "c", "g")
    await adapter.sessions.save(Session(id="d", parent_id="p"))
    await adapter.sessions.delete("c")
    assert await children(adapter, "p") == ["d"]
    assert await adapter.sessions.get("p") is not None
    assert await adapter.sessions.get("g") is None


async def test_deep_and_wide_families_end_with_their_parent(adapter):
    chain = [f"level-{level}" for level in range(30)]
    await family(adapter, *chain)
    wide = [f"wide-{number:03}" for number in range(230)]
    for child in wide:
        await adapter.sessions.save(Session(id=child, parent_id=chain[7]))
    await adapter.sessions.delete(chain[0])
    assert (await adapter.sessions.find(SessionQuery(nested=True))).items == ()
    assert await adapter.sweep() == 0


async def test_the_next_life_of_a_parent_has_no_children(adapter, clock):
    await family(adapter, "p", "c")
    await adapter.sessions.delete("p")
    await family(adapter, "p")
    assert await children(adapter, "p") == []
    expiring = await adapter.sessions.get("p")
    await adapter.sessions.save(Session(id="d", parent_id="p"))
    expiring.expires_at = clock.now
    await adapter.sessions.save(expiring)
    await family(adapter, "p")
    assert await children(adapter, "p", include_expired=True) == []
    await adapter.sweep()
    assert await adapter.sessions.get("d") is None
    assert await adapter.sessions.get("p") is not None


async def test_a_child_can_be_saved_again_without_a_look_at_its_parent_changing_it(adapter):
    await family(adapter, "p", "c")
    child = await adapter.sessions.get("c")
    child.data["a"] = 1
    saved = await adapter.sessions.save(child)
    assert (saved.version, saved.parent_id, saved.data) == (2, "p", {"a": 1})


async def test_a_child_made_while_its_parent_is_deleted_does_not_outlive_it(adapter):
    for _ in range(20):
        await family(adapter, "p")
        _, created = await asyncio.gather(
            adapter.sessions.delete("p"),
            adapter.sessions.save(Session(id="c", parent_id="p")),
            return_exceptions=True,
        )
        assert created.id == "c" if isinstance(created, Session) else isinstance(created, NotFound)
        assert await adapter.sessions.get("c") is None


async def test_parents_can_be_deleted_by_many_at_once(adapter):
    await family(adapter, "p", "c", "g")
    answers = await asyncio.gather(*(adapter.sessions.delete("p") for _ in range(4)))
    assert True in answers
    assert (await adapter.sessions.find(SessionQuery(nested=True))).items == ()
