"""Hooks: which are called, with what, and in which order."""

import asyncio

import pytest
from tests.manager.hooks import Refused, noting, raising, said
from tests.manager.waiting import NEVER

from holdfast import (
    ConfigurationError,
    HookFailed,
    Hooks,
    InvalidArgument,
    Message,
    OutcomeUnknown,
    PersistenceManager,
    Session,
)

NAMES = [
    "before_load",
    "after_load",
    "before_save",
    "after_save",
    "on_error",
    "on_conflict",
    "on_denied",
    "on_data_change",
]


@pytest.fixture
def make_manager(adapter, clock):
    return lambda *hooks, **options: PersistenceManager(adapter, hooks=hooks, clock=clock, **options)


@pytest.fixture
def recording(calls):
    """Hooks that note each call: its name, and what it was called with."""
    return Hooks(**{name: lambda *said, name=name: calls.append((name, *said)) for name in NAMES})


def names(calls):
    return [name for name, *_ in calls]


# --- which are called, and with what -------------------------------------------------------------


async def test_the_hooks_around_a_turn(make_manager, recording, calls):
    async with make_manager(recording).session("s", user_id="u") as session:
        assert names(calls) == ["before_load"]
        async with session.turn("t") as turn:
            turn.add("user", "Hello!")
            session.data["name"] = "Jane"
            assert names(calls) == ["before_load"]
    assert names(calls) == ["before_load", "before_save", "after_save", "on_data_change"]
    (_, session_id), (_, asked), (_, stored, committed), (_, change) = calls
    assert session_id == "s"
    for one in (asked, stored):
        assert (one.id, one.session_id, one.session.data) == ("t", "s", {"name": "Jane"})
        assert [message.content for message in one.messages] == ["Hello!"]
    assert (committed.session.version, [message.seq for message in committed.messages]) == (1, [1])
    assert (change.session_id, change.before, change.after, change.keys) == (
        "s",
        {},
        {"name": "Jane"},
        ("name",),
    )


async def test_after_load_is_called_with_the_session_that_was_there(make_manager, recording, calls, others):
    await others.save(Session(id="s", data={"a": 1}))
    async with make_manager(recording).session("s"):
        pass
    assert names(calls) == ["before_load", "after_load"]
    assert calls[1][1].data == {"a": 1}


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_what_waits_calls_no_hook_until_it_is_stored(make_manager, recording, calls, autosave):
    async with make_manager(recording, autosave=autosave) as manager, manager.session("s") as session:
        for number in (1, 2):
            async with session.turn() as turn:
                turn.add("user", str(number))
                session.data["n"] = number
        assert names(calls) == ["before_load"]
        await session.flush()
        assert names(calls) == ["before_load", *["before_save", "after_save", "on_data_change"] * 2]
        assert [change.after for name, *(change,) in calls[3::3]] == [{"n": 1}, {"n": 2}]


async def test_what_writes_nothing_calls_no_hook(make_manager, recording, calls, others):
    await others.save(Session(id="s", data={"a": 1}))
    async with make_manager(recording).session("s") as session:
        calls.clear()
        async with session.turn() as turn:
            session.data["a"] = 1
            await turn.checkpoint()
        await session.flush()
    assert calls == []


async def test_the_hooks_around_saving_by_hand(make_manager, recording, calls):
    manager = make_manager(recording)
    session = await manager.save(Session(id="s", data={"a": 1}))
    assert names(calls) == ["before_save", "after_save", "on_data_change"]
    assert calls[1][2].session.version == 1
    assert calls[2][1].keys == ("a",)
    calls.clear()
    await manager.append("s", Message(role="user", content="x"))
    assert names(calls) == ["before_save", "after_save"]
    assert [message.seq for message in calls[1][2].messages] == [1]
    calls.clear()
    session.data["a"] = 2
    await manager.save(session)
    assert names(calls) == ["before_save", "after_save", "on_data_change"]
    assert (calls[2][1].before, calls[2][1].after) == ({"a": 1}, {"a": 2})
    calls.clear()
    await manager.update("s", lambda live: live.data.update(b=3))
    assert names(calls) == ["before_load", "after_load", "before_save", "after_save", "on_data_change"]
    assert calls[4][1].keys == ("b",)
    calls.clear()
    await manager.load("s")
    assert names(calls) == ["before_load", "after_load"]
    calls.clear()
    await manager.load("s", raw=True)
    await manager.history("s")
    await manager.load("absent", raw=True)
    assert calls == []
    await manager.load_or_create("new")
    assert names(calls) == ["before_load", "before_save", "after_save"]
    calls.clear()
    await manager.complete("s")
    assert names(calls) == ["before_load", "after_load", "before_save", "after_save"]


async def test_views_have_the_hooks_of_their_manager(make_manager, recording, calls):
    manager = make_manager(recording)
    for view in (manager.for_user("u"), manager.for_tenant("t")):
        async with view.session("s") as session, session.turn():
            session.data["a"] = 1
        assert names(calls) == ["before_load", "before_save", "after_save", "on_data_change"]
        calls.clear()


async def test_a_hook_may_use_the_manager(adapter, clock):
    """A hook that writes an audit session of its own waits for nobody, least of all for itself."""
    manager = PersistenceManager(adapter, clock=clock)

    async def audit(turn, committed):
        if turn.session_id != "audit":
            async with manager.session("audit") as session, session.turn() as entry:
                entry.add("system", turn.session_id)

    manager = PersistenceManager(adapter, hooks=Hooks(after_save=audit), clock=clock)
    async with asyncio.timeout(20), manager.session("s") as session, session.turn() as turn:
        turn.add("user", "x")
    assert await said(manager, "audit") == ["s"]


async def test_before_save_is_asked_again_for_what_is_made_again(make_manager, others, calls):
    await others.save(Session(id="s"))
    hooks = Hooks(before_save=lambda turn: calls.append(turn.session.data))
    async with make_manager(hooks, on_conflict="merge").session("s") as session:
        await others.update_data("s", {"theirs": 1})
        session.data["mine"] = 1
    assert calls == [{"mine": 1}, {"theirs": 1, "mine": 1}]


async def test_a_turn_whose_answer_was_lost_is_told_once(make_manager, calls, failing):
    async with make_manager(Hooks(after_save=lambda turn, committed: calls.append(turn.id))).session(
        "s"
    ) as session:
        failing(OutcomeUnknown("cut"), executed=True)
        with pytest.raises(OutcomeUnknown):
            async with session.turn() as turn:
                turn.add("user", "x")
        assert calls == []
        await turn.commit()
        assert calls == [turn.id]


# --- order, and the two kinds of functions -------------------------------------------------------


async def test_several_hooks_are_called_in_their_order_functions_and_coroutine_functions(make_manager, calls):
    async def slow(turn):
        await asyncio.sleep(0)
        calls.append("first")

    hooks = [Hooks(before_save=slow), Hooks(before_save=lambda turn: calls.append("second"))]
    manager = make_manager(*hooks)
    await manager.save(Session(id="s"))
    assert calls == ["first", "second"]


async def test_the_first_that_refuses_ends_it(make_manager, calls):
    hooks = [Hooks(before_save=raising(Refused())), Hooks(before_save=calls.append)]
    with pytest.raises(Refused):
        await make_manager(*hooks).save(Session(id="s"))
    assert calls == []


@pytest.mark.parametrize("name", ["after_save", "on_data_change"])
async def test_all_that_hear_of_a_save_are_called_whatever_one_of_them_raises(make_manager, calls, name):
    first, second = Refused("first"), Refused("second")
    hooks = [Hooks(**{name: raising(first)}), Hooks(**{name: raising(second)}), Hooks(**{name: noting(calls)})]
    with pytest.raises(HookFailed) as caught:
        await make_manager(*hooks).save(Session(id="s", data={"a": 1}))
    assert caught.value.hook == name
    assert caught.value.__cause__ is first
    assert calls == ["called"]


async def test_after_save_that_fails_does_not_keep_on_data_change_from_being_called(make_manager, calls):
    hooks = Hooks(after_save=raising(Refused()), on_data_change=noting(calls))
    with pytest.raises(HookFailed):
        await make_manager(hooks).save(Session(id="s", data={"a": 1}))
    assert calls == ["called"]


@pytest.mark.parametrize("hooks", [None, "x", [None], [{}], 1, {"before_save": print}])
def test_wrong_hooks_are_refused(hooks):
    with pytest.raises((InvalidArgument, ConfigurationError)):
        PersistenceManager(None, hooks=hooks)


def test_a_hook_that_cannot_be_called_is_refused():
    with pytest.raises(InvalidArgument, match="before_save"):
        Hooks(before_save="x")


# --- on_data_change ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        ({}, {"a": 1}, ("a",)),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b",)),
        ({"a": 1, "b": 2}, {"a": 1}, ("b",)),
        ({"a": [1, {"x": 1}]}, {"a": [1, {"x": 2}]}, ("a",)),
        ({"a": None}, {}, ("a",)),
        ({"a": 1}, {"a": True}, ("a",)),
        ({"a": 1}, {"a": 1.0}, ("a",)),
        ({"a": 0.0}, {"a": -0.0}, ("a",)),
        ({"a": [0]}, {"a": [False]}, ("a",)),
        ({"a": (1,)}, {"a": [1]}, ("a",)),
    ],
)
async def test_on_data_change_names_the_keys(make_manager, others, before, after, keys):
    calls = []
    await others.save(Session(id="s", data=before))
    async with make_manager(Hooks(on_data_change=calls.append)).session("s") as session:
        session.data = after
    assert (await others.load("s")).version == 2
    [change] = calls
    assert repr((change.before, change.after)) == repr((before, after))
    assert change.keys == keys


async def test_on_data_change_is_not_called_when_something_else_changes(make_manager, others, calls):
    await others.save(Session(id="s", data={"a": {"x": 1, "y": 2}}))
    async with make_manager(Hooks(on_data_change=calls.append)).session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        session.state.enter_route("shop")
        session.state.metadata["m"] = 1
        await session.flush()
        session.complete()
    assert (await others.load("s")).version == 3
    assert calls == []


async def test_on_data_change_tells_what_was_stored_before_also_when_others_were_faster(
    make_manager, others, calls
):
    await others.save(Session(id="s"))
    async with make_manager(Hooks(on_data_change=calls.append), on_conflict="merge").session("s") as session:
        await others.update_data("s", {"theirs": 1})
        session.data["mine"] = 2
    [change] = calls
    assert (change.before, change.after, change.keys) == ({"theirs": 1}, {"theirs": 1, "mine": 2}, ("mine",))


async def test_on_data_change_of_a_turn_in_segments_tells_each_step(make_manager, calls):
    async with make_manager(Hooks(on_data_change=calls.append)).session("s") as session, session.turn() as turn:
        session.data["n"] = 1
        await turn.checkpoint()
        session.data["n"] = 2
    assert [(change.before, change.after) for change in calls] == [({}, {"n": 1}), ({"n": 1}, {"n": 2})]
