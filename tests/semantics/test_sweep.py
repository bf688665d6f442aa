"""Sweeping: in bounded steps, until nothing is left; whatever lives is passed by."""

from datetime import timedelta

import pytest

from holdfast import InvalidArgument, Session, SessionQuery

HOUR = timedelta(hours=1)


async def fill(adapter, clock, say, *names, messages=3):
    for name in names:
        await adapter.sessions.save(Session(id=name, expires_at=clock.now + HOUR))
        await adapter.messages.append(name, say(*(f"m{number}" for number in range(messages))))


async def sweep_all(adapter, limit):
    freed = []
    while step := await adapter.sweep(limit=limit):
        freed.append(step)
    return freed


async def test_where_nothing_is_dead_nothing_is_swept(adapter, clock, say):
    await fill(adapter, clock, say, "a", "b")
    assert await adapter.sweep() == 0
    assert len(await adapter.messages.find("a")) == 3


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 1000])
async def test_zero_means_that_none_is_left(adapter, clock, say, limit):
    await fill(adapter, clock, say, *"abcdef", messages=4)
    await fill(adapter, clock, say, *"ghi", messages=0)
    await adapter.sessions.save(Session(id="stays"))
    await adapter.messages.append("stays", say("x"))
    clock.pass_(hours=1)
    freed = await sweep_all(adapter, limit)
    assert await adapter.sweep(limit=1000) == 0
    assert sum(freed) >= 6 * 4
    assert max(freed) <= limit
    listed = await adapter.sessions.find(SessionQuery(include_expired=True, nested=True))
    assert [info.id for info in listed] == ["stays"]
    assert len(await adapter.messages.find("stays")) == 1


async def test_each_step_is_bounded(adapter, clock, say):
    await fill(adapter, clock, say, "a", messages=100)
    clock.pass_(hours=1)
    assert max(await sweep_all(adapter, 10)) <= 10


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_families_are_swept_from_top_to_bottom(adapter, clock, say, limit):
    await fill(adapter, clock, say, "p")
    for child, parent in (("c", "p"), ("d", "p"), ("g", "c"), ("gg", "g")):
        await adapter.sessions.save(Session(id=child, parent_id=parent))
        await adapter.messages.append(child, say("x", "y"))
    clock.pass_(hours=1)
    await sweep_all(adapter, limit)
    listed = await adapter.sessions.find(SessionQuery(include_expired=True, nested=True))
    assert listed.items == ()
    assert await adapter.sweep() == 0


async def test_a_view_sweeps_its_own_and_the_adapter_all(adapter, clock, say):
    views = [adapter.for_tenant("a"), adapter.for_tenant("b"), adapter]
    for view in views:
        await fill(view, clock, say, "s")
    clock.pass_(hours=1)
    assert await adapter.for_tenant("c").sweep() == 0
    assert sum(await sweep_all(views[0], 2)) > 0
    query = SessionQuery(include_expired=True)
    assert [len(await view.sessions.find(query)) for view in views] == [0, 1, 1]
    assert sum(await sweep_all(adapter, 2)) > 0
    assert [len(await view.sessions.find(query)) for view in views] == [0, 0, 0]
    assert await views[1].sweep() == 0


async def test_rows_of_a_buried_life_are_freed_and_those_of_the_next_stay(adapter, clock, say):
    await fill(adapter, clock, say, "s")
    clock.pass_(hours=1)
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", say("new", "m0"))
    assert sum(await sweep_all(adapter, 1)) >= 3
    assert [(message.id, message.seq) for message in await adapter.messages.find("s")] == [("new", 1), ("m0", 2)]
    assert await adapter.sweep() == 0


async def test_deleting_leaves_nothing_to_sweep(adapter, clock, say):
    await fill(adapter, clock, say, "s", messages=900)
    await adapter.sessions.delete("s")
    assert await adapter.sweep() == 0


async def test_deleting_what_has_expired_frees_it(adapter, clock, say):
    await fill(adapter, clock, say, "s")
    await adapter.sessions.save(Session(id="c", parent_id="s"))
    clock.pass_(hours=1)
    await adapter.sessions.delete("s")
    assert await adapter.sweep() == 0
    assert await adapter.sessions.get("c") is None


@pytest.mark.parametrize("limit", [0, -1, True, 1.0, "5", None, 2**63])
async def test_a_limit_is_a_positive_number(adapter, limit):
    with pytest.raises(InvalidArgument):
        await adapter.sweep(limit=limit)
