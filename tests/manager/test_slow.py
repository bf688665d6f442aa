"""Warnings of slow loads and saves, through standard logging, with nothing in them that anybody said."""

import asyncio
import logging

import pytest

from holdfast import (
    Autosave,
    BackendUnavailable,
    ConfigurationError,
    Hooks,
    Message,
    NotFound,
    PersistenceManager,
    Session,
)

SECRET = "4111 1111 1111 1111"


@pytest.fixture
def make_manager(adapter, clock):
    return lambda **options: PersistenceManager(adapter, clock=clock, **options)


@pytest.fixture
def warnings(caplog):
    """What was logged since the last call."""
    caplog.set_level(logging.DEBUG, logger="holdfast")

    def logged():
        found = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "holdfast"]
        for record in caplog.records:
            assert SECRET not in record.getMessage()
            assert SECRET not in repr(record.args)
        caplog.clear()
        return found

    return logged


async def napping(*said):
    await asyncio.sleep(0.03)


def is_one(logged, doing, session_id="s"):
    [(level, text)] = logged
    return level == "WARNING" and text.startswith(f"Slow: to {doing} session {session_id!r} took ")


async def test_a_slow_save_is_logged_without_its_content(make_manager, warnings):
    manager = make_manager(slow=0.01, hooks=Hooks(before_save=napping))
    async with manager.session("s", user_id="jane") as session:
        warnings()
        async with session.turn() as turn:
            turn.add("user", SECRET, metadata={"card": SECRET})
            session.data[SECRET] = SECRET
        assert is_one(warnings(), "save")


async def test_a_slow_load_is_logged(make_manager, warnings):
    manager = make_manager(slow=0.01, hooks=Hooks(before_load=napping))
    await manager.save(Session(id="s", data={"card": SECRET}))
    warnings()
    await manager.load("s")
    assert is_one(warnings(), "load")
    async with manager.session("s"):
        pass
    assert is_one(warnings(), "load")


@pytest.mark.parametrize(
    ("call", "doing"),
    [
        (lambda manager: manager.load("s"), "load"),
        (lambda manager: manager.load_or_create("s"), "load"),
        (lambda manager: manager.append("s", Message(role="user", content=SECRET)), "save"),
        (lambda manager: manager.update_data("s", {"card": SECRET}), "save"),
        (lambda manager: manager.complete("s"), "save"),
        (lambda manager: manager.save(Session(id="t", data={"card": SECRET})), "save"),
    ],
)
async def test_each_load_and_save_by_hand_is_watched_once(make_manager, warnings, call, doing):
    await make_manager(slow=None).save(Session(id="s", data={"secret": SECRET}))
    warnings()
    await call(make_manager(slow=0))
    logged = warnings()
    assert is_one(logged, doing, "t" if "'t'" in logged[0][1] else "s")


async def test_a_store_that_is_slow_is_logged(make_manager, adapter, warnings, monkeypatch):
    flush = adapter._runtime.commits._flusher._flush

    async def slow(writes):
        await asyncio.sleep(0.03)
        return await flush(writes)

    monkeypatch.setattr(adapter._runtime.commits._flusher, "_flush", slow)
    await make_manager(slow=0.01).save(Session(id="s"))
    assert is_one(warnings(), "save")


async def test_what_is_stored_in_the_background_is_watched(make_manager, warnings):
    hooks = Hooks(before_save=napping)
    async with make_manager(slow=0.01, autosave=Autosave(every=3600), hooks=hooks) as manager:
        async with manager.session("s") as session:
            async with session.turn() as turn:
                turn.add("user", SECRET)
            warnings()
            await manager.flush()
            assert is_one(warnings(), "save")


async def test_what_fails_slowly_is_logged_too_and_without_content(make_manager, warnings, failing):
    async with make_manager(slow=0.01, hooks=Hooks(before_save=napping)).session("s") as session:
        failing(BackendUnavailable("down"))
        warnings()
        with pytest.raises(BackendUnavailable):
            async with session.turn() as turn:
                turn.add("user", SECRET)
        assert is_one(warnings(), "save")
    with pytest.raises(NotFound):
        await make_manager(slow=0).append("absent", Message(role="user", content=SECRET))


async def test_what_is_quick_is_not_logged(make_manager, warnings):
    manager = make_manager(slow=3600)
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", SECRET)
    await manager.load("s")
    assert warnings() == []


async def test_never(make_manager, warnings):
    manager = make_manager(slow=None, hooks=Hooks(before_load=napping))
    await manager.load("s")
    assert warnings() == []


async def test_a_line_break_in_an_id_makes_no_second_line(make_manager, warnings):
    await make_manager(slow=0).load("s\u2028forged")
    [(_, text)] = warnings()
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("slow", [-1, float("nan"), float("inf"), "1", True, [1]])
def test_a_wrong_slow_is_refused(slow):
    with pytest.raises(ConfigurationError):
        PersistenceManager(None, slow=slow)
