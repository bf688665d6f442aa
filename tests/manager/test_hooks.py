"""Hooks: what they are called with, in which order, and what becomes of what they raise."""

import asyncio
import logging

import pytest

from holdfast import (
    Autosave,
    BackendUnavailable,
    ConfigurationError,
    DuplicateIdConflict,
    FlushIncomplete,
    HoldfastError,
    HookFailed,
    Hooks,
    InvalidArgument,
    Message,
    NotFound,
    OutcomeUnknown,
    PersistenceManager,
    Session,
    UnserializableValue,
    VersionConflict,
)

NEVER = Autosave(every=3600)
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


class Refused(Exception):
    pass


@pytest.fixture
def others(adapter, clock):
    """The same store, without hooks."""
    return PersistenceManager(adapter, clock=clock)


@pytest.fixture
def make_manager(adapter, clock):
    return lambda *hooks, **options: PersistenceManager(adapter, hooks=hooks, clock=clock, **options)


@pytest.fixture
def calls():
    return []


@pytest.fixture
def recording(calls):
    """Hooks that note each call: its name, and what it was called with."""
    return Hooks(**{name: lambda *said, name=name: calls.append((name, *said)) for name in NAMES})


def names(calls):
    return [name for name, *_ in calls]


def raising(*errors):
    """A function that raises these, one a call, and then nothing."""
    left = list(errors)

    def hook(*said):
        if left:
            raise left.pop(0)

    return hook


async def said(manager, session_id="s"):
    return [message.content for message in await manager.history(session_id)]


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


def noting(calls):
    return lambda *said: calls.append("called")


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


# --- those that may refuse -----------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["before_load", "after_load"])
async def test_a_load_that_is_refused_reaches_the_caller_as_it_is(make_manager, others, hook):
    await others.save(Session(id="s"))
    error = Refused()
    for call in (
        lambda manager: manager.load("s"),
        lambda manager: manager.load_or_create("s"),
        lambda manager: manager.update("s", lambda live: live.data.update(a=1)),
        lambda manager: manager.session("s").__aenter__(),
        lambda manager: manager.for_user("u").load("s") if hook == "before_load" else manager.load("s"),
    ):
        with pytest.raises(Refused) as caught:
            await call(make_manager(Hooks(**{hook: raising(error)})))
        assert caught.value is error
    assert (await others.load("s")).version == 1


async def test_a_turn_that_is_refused_writes_nothing_and_puts_the_state_back(make_manager, others):
    error = Refused()
    async with make_manager(Hooks(before_save=raising(error))).session("s") as session:
        with pytest.raises(Refused) as caught:
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["a"] = 1
        assert caught.value is error
        assert session.data == {}
        assert await others.load("s") is None
        async with session.turn() as turn:
            turn.add("user", "y")
        assert await said(others) == ["y"]
        assert (await others.load("s")).data == {}


async def test_a_checkpoint_that_is_refused_writes_nothing_and_the_turn_goes_on(make_manager, others):
    async with make_manager(Hooks(before_save=raising(Refused()))).session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data["a"] = 1
            with pytest.raises(Refused):
                await turn.checkpoint()
            assert await others.load("s") is None
            turn.add("user", "y")
    assert await said(others) == ["x", "y"]
    assert (await others.load("s")).data == {"a": 1}


async def test_what_is_saved_by_hand_and_refused_writes_nothing(make_manager, others):
    await others.save(Session(id="s", data={"a": 1}))
    before = await others.load("s")
    for call in (
        lambda manager: manager.save(Session(id="new")),
        lambda manager: manager.append("s", Message(role="user", content="x")),
        lambda manager: manager.update_data("s", {"a": 2}),
        lambda manager: manager.load_or_create("new"),
        lambda manager: manager.complete("s"),
    ):
        with pytest.raises(Refused):
            await call(make_manager(Hooks(before_save=raising(Refused()))))
    assert await others.load("s") == before
    assert await others.load("new") is None


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_turn_that_waits_and_is_refused_writes_nothing_and_surfaces(make_manager, others, autosave):
    error = Refused()
    manager = make_manager(Hooks(before_save=raising(*[error] * 2)), autosave=autosave)
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        with pytest.raises(FlushIncomplete) as caught:
            await manager.flush()
        assert caught.value.__cause__ is error
        with pytest.raises(Refused):
            async with session.turn() as turn:
                pass
        with pytest.raises(Refused):
            await session.flush()
        assert await others.load("s") is None
        await session.flush()  # the hook has nothing against it any more
    assert await said(others) == ["x"]


async def test_what_before_save_changes_is_not_stored(make_manager, others):
    def meddle(turn):
        if turn.session is not None:
            turn.session.data["cart"].append("meddled")
            turn.session.data["more"] = True
            turn.session.status = "failed"
        for message in turn.messages:
            message.metadata["tags"].append("meddled")

    manager = make_manager(Hooks(before_save=meddle))
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x", metadata={"tags": []})
            session.data["cart"] = ["tea"]
        assert session.data == {"cart": ["tea"]}
    stored = await others.load("s")
    assert (stored.data, stored.status) == ({"cart": ["tea"]}, "active")
    assert [message.metadata for message in await others.history("s")] == [{"tags": []}]
    saved = await manager.save(Session(id="t", data={"cart": []}))
    assert saved.data == (await others.load("t")).data == {"cart": []}
    await manager.append("t", Message(role="user", content="x", metadata={"tags": []}))
    assert (await others.history("t"))[0].metadata == {"tags": []}


async def test_what_after_save_changes_changes_nothing_for_the_handle(make_manager, others):
    def meddle(turn, committed):
        if turn.session is not None:
            turn.session.data["meddled"] = True
            turn.session.data["cart"].append("meddled")

    async with make_manager(Hooks(after_save=meddle)).session("s") as session:
        async with session.turn():
            session.data["cart"] = ["tea"]
        assert session.data == {"cart": ["tea"]}
        async with session.turn() as turn:
            turn.add("user", "x")
    assert (await others.load("s")).data == {"cart": ["tea"]}
    assert (await others.load("s")).version == 1


async def test_what_after_load_changes_counts_as_loaded_and_is_stored_with_the_next_change(make_manager, others):
    await others.save(Session(id="s", data={"a": 1}))
    manager = make_manager(Hooks(after_load=lambda session: session.data.update(loaded=True)))
    assert (await manager.load("s")).data == {"a": 1, "loaded": True}
    async with manager.session("s") as session:
        assert session.data == {"a": 1, "loaded": True}
        async with session.turn() as turn:
            turn.add("user", "no change")
    assert ((await others.load("s")).data, (await others.load("s")).version) == ({"a": 1}, 1)
    async with manager.session("s") as session:
        session.data["b"] = 2
    assert (await others.load("s")).data == {"a": 1, "loaded": True, "b": 2}


# --- those that come when everything is durable --------------------------------------------------


@pytest.mark.parametrize("hook", ["after_save", "on_data_change"])
async def test_a_hook_that_fails_after_a_turn_leaves_it_durable_and_the_handle_usable(make_manager, others, hook):
    error = Refused()
    async with make_manager(Hooks(**{hook: raising(error)})).session("s") as session:
        with pytest.raises(HookFailed) as caught:
            async with session.turn() as turn:
                turn.add("user", "x")
                session.data["n"] = 1
        assert (caught.value.hook, caught.value.__cause__) == (hook, error)
        assert session.data == {"n": 1}
        assert not turn.messages
        assert await turn.commit() is None
        assert await said(others) == ["x"]
        assert (await others.load("s")).data == {"n": 1}
        async with session.turn() as turn:
            turn.add("user", "y")
            session.data["n"] = 2
    assert await said(others) == ["x", "y"]
    assert ((await others.load("s")).data, (await others.load("s")).version) == ({"n": 2}, 2)


async def test_a_hook_that_fails_at_a_checkpoint_leaves_it_durable_and_the_turn_open(make_manager, others):
    async with make_manager(Hooks(after_save=raising(Refused()))).session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data["n"] = 1
            with pytest.raises(HookFailed):
                await turn.checkpoint()
            assert await said(others) == ["x"]
            turn.add("user", "y")
            session.data["n"] = 2
    assert await said(others) == ["x", "y"]
    assert (await others.load("s")).data == {"n": 2}


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_hook_that_fails_in_the_backlog_stops_no_turn(make_manager, others, autosave):
    manager = make_manager(Hooks(after_save=raising(Refused())), autosave=autosave)
    async with manager, manager.session("s") as session:
        for number in (1, 2):
            async with session.turn() as turn:
                turn.add("user", str(number))
                session.data["n"] = number
        with pytest.raises(HookFailed):
            await session.flush()
        assert not session.waits
        assert await said(others) == ["1", "2"]
        assert (await others.load("s")).data == {"n": 2}
        async with session.turn() as turn:
            turn.add("user", "3")
        await session.flush()
    assert await said(others) == ["1", "2", "3"]


async def in_the_background(manager, session):
    """One turn, and the background stores it."""
    async with session.turn() as turn:
        turn.add("user", "x")
    await manager.flush()
    assert not session.waits


async def test_a_hook_that_fails_in_the_background_surfaces_at_the_next_turn_once(make_manager):
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        async with manager.session("s") as session:
            await in_the_background(manager, session)
            with pytest.raises(HookFailed):
                async with session.turn():
                    pass
            async with session.turn():
                pass


async def test_a_hook_that_fails_in_the_background_surfaces_at_the_next_flush(make_manager):
    """'A failure is never only logged. The session keeps it, and you meet it.'"""
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        async with manager.session("s") as session:
            await in_the_background(manager, session)
            with pytest.raises(HookFailed):
                await session.flush()


async def test_a_hook_that_fails_in_the_background_surfaces_on_leaving(make_manager):
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        with pytest.raises(HookFailed):
            async with manager.session("s") as session:
                await in_the_background(manager, session)


async def test_a_hook_that_fails_in_the_background_surfaces_though_later_turns_were_stored(make_manager):
    async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
        async with manager.session("s") as session:
            async with session.turn() as turn:
                turn.add("user", "x")
            async with session.turn() as turn:
                turn.add("user", "y")
                await manager.flush()  # the background stores x, and its hook fails
            await manager.flush()  # and then y
            with pytest.raises(HookFailed):
                async with session.turn():
                    pass


async def test_a_hook_that_fails_in_the_background_surfaces_at_the_end(make_manager, others):
    with pytest.raises(HoldfastError) as caught:
        async with make_manager(Hooks(after_save=raising(Refused())), autosave=NEVER) as manager:
            session = await manager.session("s").__aenter__()
            await in_the_background(manager, session)
    assert isinstance(caught.value, HookFailed) or isinstance(caught.value.__cause__, HookFailed)
    assert await said(others) == ["x"]


async def test_a_hook_that_fails_when_too_much_waits_is_told_once(make_manager, others):
    manager = make_manager(Hooks(after_save=raising(Refused())), autosave=Autosave(every=3600, turns=1))
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        with pytest.raises(HookFailed):
            async with session.turn() as turn:
                turn.add("user", "y")
        assert await said(others) == ["x", "y"]
        async with session.turn() as turn:
            turn.add("user", "z")
    assert await said(others) == ["x", "y", "z"]


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_a_checkpoint_whose_hook_fails_is_durable_though_the_hook_failed_for_a_turn_before(
    make_manager, others, autosave
):
    """'It is stored; nothing is to be repeated': said to whoever waits for this checkpoint."""
    manager = make_manager(Hooks(after_save=raising(Refused())), autosave=autosave)
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "before")
        async with session.turn() as turn:
            turn.add("user", "now")
            with pytest.raises(HookFailed):
                await turn.checkpoint()
            assert await said(others) == ["before", "now"]
        await session.flush()


async def test_what_is_saved_by_hand_is_durable_when_the_hook_fails(make_manager, others):
    for number, call in enumerate(
        (
            lambda manager: manager.save(Session(id="s0")),
            lambda manager: manager.append("s0", Message(role="user", content="x")),
            lambda manager: manager.update("s0", lambda live: live.data.update(a=1)),
            lambda manager: manager.load_or_create("s3"),
            lambda manager: manager.complete("s0"),
        )
    ):
        with pytest.raises(HookFailed):
            await call(make_manager(Hooks(after_save=raising(Refused()))))
        if number == 1:
            assert await said(others, "s0") == ["x"]
    stored = await others.load("s0")
    assert (stored.version, stored.data, stored.status) == (3, {"a": 1}, "completed")
    assert await others.load("s3") is not None


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


# --- on_error, on_conflict, on_denied ------------------------------------------------------------


def failing_calls():
    """Loads and saves that end with an error of ours."""
    bad = Session(id="s", data={})
    bad.data["x"] = object()

    async def turn_with_a_bad_state(manager):
        async with manager.session("new") as session, session.turn():
            session.data["x"] = object()

    async def checkpoint_with_a_bad_state(manager):
        async with manager.session("new") as session, session.turn() as turn:
            session.data["x"] = object()
            await turn.checkpoint()

    async def flush_with_a_bad_state(manager):
        async with manager.session("new") as session:
            session.data["x"] = object()
            await session.flush()

    async def turn_with_an_id_of_others(manager):
        async with manager.session("s") as session, session.turn() as turn:
            turn.add("user", "other words", id="taken")

    async def leaving_with_a_bad_state(manager):
        async with manager.session("new") as session:
            session.data["x"] = object()

    return {
        "save": (lambda manager: manager.save(bad), UnserializableValue),
        "save_stale": (lambda manager: manager.save(Session(id="s", user_id="u")), VersionConflict),
        "append": (lambda manager: manager.append("absent", Message(role="user")), NotFound),
        "update": (lambda manager: manager.update("absent", print), NotFound),
        "session": (lambda manager: manager.session("absent", create=False).__aenter__(), NotFound),
        "denied": (lambda manager: manager.session("s", user_id="other").__aenter__(), NotFound),
        "load_or_create": (lambda manager: manager.load_or_create("s", user_id="other"), NotFound),
        "turn": (turn_with_a_bad_state, UnserializableValue),
        "checkpoint": (checkpoint_with_a_bad_state, UnserializableValue),
        "flush": (flush_with_a_bad_state, UnserializableValue),
        "leaving": (leaving_with_a_bad_state, UnserializableValue),
        "duplicate": (turn_with_an_id_of_others, DuplicateIdConflict),
    }


@pytest.mark.parametrize("call", failing_calls())
async def test_on_error_hears_once_of_every_error_of_ours(make_manager, others, calls, call):
    await others.save(Session(id="s", user_id="u"))
    await others.append("s", Message(id="taken", role="user", content="words"))
    run, kind = failing_calls()[call]
    with pytest.raises(kind) as caught:
        await run(make_manager(Hooks(on_error=lambda *heard: calls.append(heard))))
    assert [error for _, error in calls] == [caught.value]
    assert calls[0][0] in {"s", "absent", "new"}


@pytest.mark.parametrize("autosave", ["session", "off", NEVER])
async def test_on_error_hears_once_of_each_try_of_what_waits(make_manager, calls, failing, autosave):
    manager = make_manager(Hooks(on_error=lambda *heard: calls.append(heard)), autosave=autosave)
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "x")
        failing(BackendUnavailable("down"), BackendUnavailable("down"))
        with pytest.raises(FlushIncomplete):
            await manager.flush()
        assert len(calls) == 1
        with pytest.raises(BackendUnavailable):
            async with session.turn():
                pass
        assert len(calls) == 1
        with pytest.raises(BackendUnavailable):
            await session.flush()
        assert len(calls) == 2
        await session.flush()
    assert [(session_id, type(error)) for session_id, error in calls] == [("s", BackendUnavailable)] * 2


async def test_on_error_hears_nothing_of_what_is_settled(make_manager, others, calls):
    manager = make_manager(Hooks(on_error=lambda *heard: calls.append(heard)), on_conflict="merge")
    await others.save(Session(id="s"))
    async with manager.session("s") as session:
        await others.update_data("s", {"theirs": 1})
        session.data["mine"] = 1
    await manager.load("absent")
    assert calls == []


async def test_on_error_does_not_hear_of_errors_of_the_users(make_manager, calls):
    hooks = Hooks(before_save=raising(Refused()), on_error=lambda *heard: calls.append(heard))
    with pytest.raises(Refused):
        await make_manager(hooks).save(Session(id="s"))
    async with make_manager(hooks).session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                raise ZeroDivisionError
    assert calls == []


async def test_on_error_hears_of_a_hook_that_failed(make_manager, calls):
    hooks = Hooks(after_save=raising(Refused()), on_error=lambda *heard: calls.append(heard))
    with pytest.raises(HookFailed) as caught:
        await make_manager(hooks).save(Session(id="s"))
    assert calls == [("s", caught.value)]


async def test_on_conflict_hears_before_it_is_settled_or_raised(make_manager, others, calls):
    def settle(base, mine, theirs):
        calls.append("settled")
        return mine

    await others.save(Session(id="s"))
    hooks = Hooks(on_conflict=lambda conflict: calls.append(conflict.actual))
    async with make_manager(hooks, on_conflict=settle).session("s") as session:
        await others.update_data("s", {"n": 1})
        session.data["n"] = 2
    assert calls == [2, "settled"]
    calls.clear()
    with pytest.raises(VersionConflict):
        async with make_manager(hooks).session("s") as session:
            await others.update_data("s", {"n": 3})
            session.data["n"] = 4
    assert calls == [4]


async def test_on_conflict_hears_of_the_tries_of_an_update(make_manager, others, calls, adapter):
    await others.save(Session(id="s", data={"n": 0}))
    faster = [1, 2]

    async def overtake(turn):
        if faster:
            await others.update_data("s", {f"other{faster.pop()}": True})

    hooks = Hooks(before_save=overtake, on_conflict=calls.append)
    await make_manager(hooks).update("s", lambda live: live.data.update(n=live.data["n"] + 1))
    assert len(calls) == 2
    assert (await others.load("s")).data == {"n": 1, "other1": True, "other2": True}


async def test_on_conflict_hears_of_an_append_in_between(make_manager, others, calls):
    with pytest.raises(VersionConflict):
        async with make_manager(Hooks(on_conflict=calls.append)).session("s") as session, session.turn() as turn:
            turn.add("user", "x")
            await turn.checkpoint()
            await others.append("s", Message(role="user", content="y"))
            turn.add("user", "z")
    assert [conflict.guard for conflict in calls] == ["last_seq"]


async def test_on_denied_hears_who_asked_for_what(make_manager, others, calls):
    await others.save(Session(id="s", user_id="jane"))
    await others.save(Session(id="nobodys"))
    manager = make_manager(Hooks(on_denied=lambda *heard: calls.append(heard)))
    bob = manager.for_user("bob")
    for call in (
        lambda: manager.session("s", user_id="bob").__aenter__(),
        lambda: manager.load_or_create("s", user_id="bob"),
        lambda: bob.history("s"),
        lambda: bob.append("s", Message(role="user")),
        lambda: bob.update_data("s", {"a": 1}),
        lambda: bob.load_or_create("s"),
        lambda: bob.session("s", create=False).__aenter__(),
    ):
        with pytest.raises(NotFound) as caught:
            await call()
        assert str(caught.value) == str(NotFound("Session 's'."))
        assert set(calls) == {("s", "bob")}
        calls.clear()
    assert await bob.load("s") is None
    assert not await bob.delete("s")
    assert set(calls) == {("s", "bob")}
    calls.clear()
    await manager.load("s")
    await manager.for_user("jane").load("s")
    await bob.load("absent")
    with pytest.raises(NotFound):
        await manager.session("absent", user_id="bob", create=False).__aenter__()
    assert calls == []
    assert await bob.load("nobodys") is None
    assert calls == [("nobodys", "bob")]


@pytest.mark.parametrize("name", ["on_error", "on_conflict", "on_denied"])
async def test_what_a_hook_raises_while_an_error_is_on_its_way_is_logged_and_the_error_arrives(
    make_manager, others, calls, caplog, name
):
    await others.save(Session(id="s", user_id="jane"))
    manager = make_manager(Hooks(**{name: raising(*[Refused()] * 9)}), Hooks(**{name: noting(calls)}))
    with caplog.at_level(logging.ERROR, logger="holdfast"):
        if name == "on_conflict":
            with pytest.raises(VersionConflict):
                async with manager.session("s") as session:
                    await others.update_data("s", {"n": 1})
                    session.data["n"] = 2
        else:
            with pytest.raises(NotFound):
                await manager.session("s", user_id="bob").__aenter__()
    assert calls == ["called"]
    assert [record.name for record in caplog.records] == ["holdfast"]
    assert name in caplog.text
    assert "Refused" in caplog.text


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
