"""Hooks that hear of errors, of conflicts, and of who was denied."""

import logging

import pytest
from tests.manager.hooks import Refused, noting, raising
from tests.manager.waiting import NEVER

from holdfast import (
    BackendUnavailable,
    DuplicateIdConflict,
    FlushIncomplete,
    HookFailed,
    Hooks,
    Message,
    NotFound,
    PersistenceManager,
    Session,
    UnserializableValue,
    VersionConflict,
)


@pytest.fixture
def make_manager(adapter, clock):
    return lambda *hooks, **options: PersistenceManager(adapter, hooks=hooks, clock=clock, **options)


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
