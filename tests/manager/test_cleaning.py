"""Cleaning up: a plan that is shown first, and that spares whoever was used since."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast import InvalidArgument, Limits, Message, Session, SessionQuery, Turn
from holdfast.clock import to_micros
from holdfast.ids import new_id
from holdfast.manager.upkeep.cleaning import Cleaned, plan_cleanup
from holdfast.toolkit import Ref, Write
from holdfast_memory import MemoryAdapter

DAY = timedelta(days=1)


async def begin(adapter, name, user="u", messages=1, **fields):
    said = [Message(role="user", content="hello") for _ in range(messages)]
    turn = Turn(session_id=name, session=Session(id=name, user_id=user, **fields), messages=said)
    return (await adapter.commit(turn)).session


async def say(adapter, name):
    await adapter.messages.append(name, [Message(role="user", content="again")])


async def ids(adapter):
    return [info.id for info in await adapter.sessions.find(SessionQuery(nested=True, order="created"))]


def planned(plan):
    return [info.id for info in plan.sessions]


@pytest.fixture
def plan(adapter, clock):
    """Makes a plan; ten days is old, if the test does not say otherwise."""

    async def make(**choice):
        return await plan_cleanup(adapter, now=clock.now, **{"older_than": 10 * DAY, **choice})

    return make


# --- what is planned -----------------------------------------------------------------------------


async def test_sessions_that_were_not_written_for_long_are_planned_oldest_first(adapter, clock, plan):
    for name in ("b", "a", "used"):
        await begin(adapter, name)
        clock.pass_(seconds=1)
    clock.pass_(days=11)
    await say(adapter, "used")
    await begin(adapter, "new")
    found = await plan()
    assert (planned(found), found.more) == (["b", "a"], False)
    assert await ids(adapter) == ["b", "a", "used", "new"]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({}, ["of u", "of v", "done", "of agent x"]),
        ({"user_id": "v"}, ["of v"]),
        ({"status": "completed"}, ["done"]),
        ({"agent": "x"}, ["of agent x"]),
        ({"user_id": "v", "status": "completed"}, []),
    ],
)
async def test_user_status_and_agent_choose(adapter, clock, plan, choice, names):
    await begin(adapter, "of u")
    clock.pass_(seconds=1)
    await begin(adapter, "of v", user="v")
    clock.pass_(seconds=1)
    await begin(adapter, "done", status="completed")
    clock.pass_(seconds=1)
    await begin(adapter, "of agent x", agent="x")
    clock.pass_(days=11)
    assert planned(await plan(**choice)) == names


async def test_what_was_written_exactly_that_long_ago_is_not_older(adapter, clock, plan):
    await begin(adapter, "s")
    clock.pass_(days=10)
    assert planned(await plan()) == []
    clock.pass_(microseconds=1)
    assert planned(await plan()) == ["s"]


@pytest.mark.parametrize(("limit", "more"), [(4, True), (5, False), (6, False)])
async def test_a_plan_has_a_limit_and_tells_whether_there_are_more(clock, limit, more):
    async with MemoryAdapter(clock=clock, limits=Limits(page=2, page_default=2)) as adapter:
        for number in range(5):
            await begin(adapter, f"s{number}")
            clock.pass_(seconds=1)
        clock.pass_(days=1)
        found = await plan_cleanup(adapter, now=clock.now, older_than=DAY, limit=limit)
        assert planned(found) == [f"s{number}" for number in range(min(limit, 5))]
        assert found.more is more


async def test_children_are_not_listed_and_keep_their_parents_as_long_as_they_are_in_use(adapter, clock, plan):
    for name in ("idle", "busy"):
        await begin(adapter, name)
        await begin(adapter, f"{name} child", parent_id=name)
        await begin(adapter, f"{name} grandchild", user=None, parent_id=f"{name} child")
        clock.pass_(seconds=1)
    clock.pass_(days=11)
    await say(adapter, "busy grandchild")
    found = await plan()
    assert planned(found) == ["idle"]
    assert (await found.apply()).deleted == ("idle",)
    assert sorted(await ids(adapter)) == ["busy", "busy child", "busy grandchild"]


async def test_what_has_expired_is_left_to_the_sweep(adapter, clock, plan):
    await begin(adapter, "s", expires_at=clock.now + DAY)
    clock.pass_(days=11)
    assert planned(await plan()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": True},
        {"limit": None},
        {"older_than": -DAY},
        {"older_than": timedelta.max},
        {"older_than": 10},
        {"older_than": None},
        {"now": datetime(2026, 1, 1)},  # noqa: DTZ001 - that is what is refused
        {"now": "2026-01-01"},
        {"now": None},
        {"user_id": ""},
        {"status": 7},
        {"agent": "a\nb"},
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_read(adapter, monkeypatch, wrong):
    monkeypatch.setattr(adapter.sessions, "find", None)
    right = {"now": datetime(2026, 1, 1, tzinfo=UTC), "older_than": DAY}
    with pytest.raises(InvalidArgument):
        await plan_cleanup(adapter, **{**right, **wrong})


# --- how it is shown -----------------------------------------------------------------------------


async def test_a_plan_prints_as_a_table(adapter, clock, plan):
    await begin(adapter, "chat-1", messages=12)
    clock.pass_(minutes=1)
    await begin(adapter, "x" * 60, user=None, status="abandoned", messages=0)
    clock.pass_(days=11)
    assert str(await plan(limit=2)).splitlines() == [
        "session                                   user  status     last written (UTC)  messages",
        "chat-1                                    u     active     2026-01-01 00:00    12",
        f"{'x' * 39}…  -     abandoned  2026-01-01 00:01    0",
        "2 not written since 2026-01-02 00:01 UTC",
    ]
    assert str(await plan(limit=1)).endswith("\n1 not written since 2026-01-02 00:01 UTC, and there are more")
    assert str(await plan(status="failed")).endswith("\n0 not written since 2026-01-02 00:01 UTC")


# --- how it is applied ---------------------------------------------------------------------------


async def test_applying_deletes_what_was_shown_and_twice_does_no_harm(adapter, clock, plan):
    await begin(adapter, "a")
    clock.pass_(seconds=1)
    await begin(adapter, "b")
    clock.pass_(days=11)
    await begin(adapter, "new")
    found = await plan()
    await begin(adapter, "newer")
    assert await found.apply() == Cleaned(deleted=("a", "b"), kept=())
    assert await found.apply() == Cleaned(deleted=(), kept=())
    assert sorted(await ids(adapter)) == ["new", "newer"]


async def rename(adapter, name):
    session = await adapter.sessions.get(name)
    session.data["a"] = 1
    await adapter.sessions.save(session)


async def say_below(adapter, name):
    await say(adapter, f"{name} child")


async def begin_below(adapter, name):
    await begin(adapter, f"{name} new child", parent_id=name)


@pytest.mark.parametrize("use", [say, rename, say_below, begin_below])
async def test_whoever_was_used_since_the_plan_is_kept(adapter, clock, plan, use):
    for name in ("a", "used", "z"):
        await begin(adapter, name)
        await begin(adapter, f"{name} child", parent_id=name)
        clock.pass_(seconds=1)
    clock.pass_(days=11)
    found = await plan()
    await use(adapter, "used")
    assert await found.apply() == Cleaned(deleted=("a", "z"), kept=("used",))
    assert "used child" in await ids(adapter)


async def test_another_life_of_an_id_is_left_alone(adapter, clock, plan):
    await begin(adapter, "s")
    clock.pass_(days=11)
    found = await plan()
    await adapter.sessions.delete("s")
    await begin(adapter, "s")
    assert await found.apply() == Cleaned(deleted=(), kept=())
    assert await ids(adapter) == ["s"]


async def test_a_fenced_session_is_kept(adapter, clock, plan):
    await begin(adapter, "s")
    await begin(adapter, "t")
    write = Write(ref=Ref("", "s"), turn_id=new_id(), digest=b"", now=to_micros(clock.now), fence="f")
    await adapter._runtime.store.flush([write])
    clock.pass_(days=11)
    assert await (await plan()).apply() == Cleaned(deleted=("t",), kept=("s",))


async def test_what_has_expired_since_the_plan_is_in_neither_list(adapter, clock, plan):
    await begin(adapter, "s", expires_at=clock.now + 12 * DAY)
    clock.pass_(days=11)
    found = await plan()
    clock.pass_(days=11)
    assert await found.apply() == Cleaned(deleted=(), kept=())
