"""What a reader found who had not written the code."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from pydantic import BaseModel

from holdfast import (
    Autosave,
    BackendUnavailable,
    FlushIncomplete,
    Hooks,
    InvalidArgument,
    InvalidData,
    Message,
    NotFound,
    PersistenceManager,
    Session,
    VersionConflict,
)

NEVER = Autosave(every=3600)


async def test_nobody_can_take_the_place_of_anothers_current_session(manager):
    for place in (manager, manager.for_user("mallory")):
        async with place.session("current:alice::1", user_id="mallory") as session:
            session.data["trap"] = True
    for place in (manager, manager.for_user("alice")):
        found = await place.current("alice")
        assert (found.user_id, found.data) == ("alice", {})
    assert (await manager.current("alice")).id == (await manager.for_user("alice").current()).id


async def test_a_clean_up_in_a_view_sees_whatever_hangs_below(manager, clock):
    await manager.save(Session(id="p", user_id="u"))
    await manager.save(Session(id="c", parent_id="p"))
    clock.pass_(days=90)
    await manager.append("c", Message(role="user", content="today"))
    plan = await manager.for_user("u").plan_cleanup(older_than=timedelta(days=30))
    assert plan.sessions == ()
    assert await manager.history("c")


async def test_an_export_in_a_view_holds_what_an_erasure_takes(manager):
    await manager.save(Session(id="p", user_id="u"))
    await manager.save(Session(id="c", parent_id="p"))
    view = manager.for_user("u")
    lines = [line async for line in view.export_user()]
    assert len(lines) == 4
    assert (await view.erase_user()).sessions == 2
    for _ in range(2):
        await view.import_user(lines)
    assert await manager.load("c") is not None


async def secret_to_regenerate(manager):
    async with manager.session("s") as session, session.turn() as turn:
        said = turn.add("user", "my card is 4111")
        turn.add("assistant", "thanks")
    return said


async def test_a_retry_of_a_regenerated_turn_brings_no_redacted_words_back(manager, failing):
    said = await secret_to_regenerate(manager)
    async with manager.session("s") as session:
        failing(BackendUnavailable("down"))
        with pytest.raises(BackendUnavailable):
            async with session.regenerate() as turn:
                turn.add("assistant", "better")
        await manager.redact("s", said.id)
        await turn.commit()
    assert [message.content for message in await manager.history("s")] == ["[redacted]", "better"]


async def test_a_regenerated_turn_that_waits_brings_no_redacted_words_back(manager, adapter):
    said = await secret_to_regenerate(manager)
    async with PersistenceManager(adapter, autosave=NEVER) as behind, behind.session("s") as session:
        async with session.regenerate() as turn:
            turn.add("assistant", "better")
        await manager.redact("s", said.id)
    assert [message.content for message in await manager.history("s")] == ["[redacted]", "better"]


async def test_a_regenerated_turn_can_be_committed_in_its_block(manager):
    await secret_to_regenerate(manager)
    async with manager.session("s") as session, session.regenerate() as turn:
        turn.add("assistant", "better")
        await turn.commit()
    assert [message.content for message in await manager.history("s")] == ["my card is 4111", "better"]


class Old(BaseModel):
    name: str = ""


@pytest.mark.parametrize("options", [{}, {"data_type": Old}])
async def test_a_deploy_in_the_middle_of_a_turn_loses_no_words(adapter, options):
    old = PersistenceManager(adapter, **options)
    new = PersistenceManager(adapter, schema_version=2, migrations={1: lambda data: data | {"new": True}})
    await old.load_or_create("s")
    with pytest.raises(InvalidData):
        async with old.session("s") as session:
            with pytest.raises(VersionConflict):
                async with session.turn() as turn:
                    turn.add("assistant", "paid for")
                    session.state.metadata["n"] = 1
                    await new.update_data("s", {"by": "new"})
            await turn.commit(state="theirs")
            with pytest.raises(InvalidData):
                async with session.turn():
                    pass
    assert [message.content for message in await old.history("s")] == ["paid for"]
    stored = await new.load("s")
    assert (stored.schema_version, stored.data["by"], stored.metadata) == (2, "new", {})


async def test_what_leaving_has_refused_is_not_stored_behind_the_callers_back(adapter, failing, manager):
    async with PersistenceManager(adapter, autosave="session") as collecting:
        for attempt in range(2):
            if not attempt:
                failing(BackendUnavailable("down"))
            try:
                async with collecting.session("s") as session, session.turn() as turn:
                    turn.add("user", "pay 5")
            except BackendUnavailable:
                assert not attempt
    assert [message.content for message in await manager.history("s")] == ["pay 5"]


async def test_a_turn_that_can_never_be_stored_can_be_given_up(adapter):
    def refuse(turn):
        if any("poison" in message.content for message in turn.messages):
            raise ZeroDivisionError

    async with PersistenceManager(adapter, autosave=NEVER, hooks=Hooks(before_save=refuse)) as manager:
        async with manager.session("s") as session:
            async with session.turn() as turn:
                turn.add("user", "poison")
            with pytest.raises(FlushIncomplete):
                await manager.flush()
            assert [message.content for message in session.discard()] == ["poison"]
            async with session.turn() as turn:
                turn.add("user", "well")
        with pytest.raises(ZeroDivisionError):
            async with manager.session("t") as session, session.turn() as turn:
                turn.add("user", "poison")
    assert [message.content for message in await manager.history("s")] == ["well"]


@pytest.mark.parametrize("autosave", ["turn", "session", NEVER])
async def test_a_hook_that_saves_what_is_being_saved_does_not_wait_for_itself(adapter, autosave):
    refused = []

    async def flush(turn, committed):
        for place in (handle[0], manager):
            with pytest.raises(InvalidArgument):
                await place.flush()
            refused.append(place)

    async with asyncio.timeout(20):
        async with PersistenceManager(adapter, autosave=autosave, hooks=Hooks(after_save=flush)) as manager:
            async with manager.session("s") as session:
                handle = [session]
                async with session.turn() as turn:
                    turn.add("user", "x")
    assert refused
    assert len(await manager.history("s")) == 1


async def test_closing_keeps_its_deadline_whatever_a_hook_does(adapter):
    async def stubborn(turn):
        for _ in range(50):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    manager = PersistenceManager(adapter, autosave=NEVER, hooks=Hooks(before_save=stubborn))
    await manager.__aenter__()
    session = await manager.session("s").__aenter__()
    async with session.turn() as turn:
        turn.add("user", "x")
    async with asyncio.timeout(8):
        with pytest.raises(FlushIncomplete):
            await manager.aclose(timeout=0.1)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


async def test_touching_many_sessions_keeps_the_bounds(adapter):
    async with PersistenceManager(adapter, autosave=Autosave(every=3600, turns=5)) as manager:
        sessions = [await manager.session(f"s{number}").__aenter__() for number in range(20)]
        for number, session in enumerate(sessions):
            session.data["n"] = number
            session.touch()
        assert sum(session.waits for session in sessions) == 5
        for session in sessions:
            await session.flush()
    assert (await manager.load("s19")).data == {"n": 19}


async def test_a_views_flush_knows_nothing_of_other_users(adapter):
    def refuse(turn):
        if turn.session_id == "bobs":
            raise ValueError

    manager = PersistenceManager(adapter, autosave=NEVER, hooks=Hooks(before_save=refuse))
    with pytest.raises(FlushIncomplete):
        async with manager:
            for user, name in (("bob", "bobs"), ("alice", "hers")):
                session = await manager.session(name, user_id=user).__aenter__()
                async with session.turn() as turn:
                    turn.add("user", "x")
            await manager.for_user("alice").flush()
            assert len(await manager.history("hers")) == 1
            with pytest.raises(NotFound):
                await manager.history("bobs")


async def test_after_closing_nothing_waits_in_any_form(adapter):
    for autosave in ("session", NEVER):
        manager = PersistenceManager(adapter, autosave=autosave)
        async with manager:
            session = await manager.session(f"s {autosave}").__aenter__()
        async with session.turn() as turn:
            turn.add("user", "late")
        assert len(await manager.history(session.id)) == 1


async def test_a_hook_that_quotes_what_was_said_puts_it_into_no_log(adapter, caplog):
    def quoting(session_id, error):
        raise RuntimeError("my card is 4111")

    manager = PersistenceManager(adapter, hooks=Hooks(on_error=quoting))
    with pytest.raises(InvalidArgument):
        await manager.load("")
    assert "on_error" in caplog.text
    assert "4111" not in caplog.text


@pytest.mark.parametrize(
    "call",
    [
        lambda manager: manager.import_user(5),
        lambda manager: manager.aclose("x"),
        lambda manager: manager.aclose(-1),
    ],
)
async def test_misuse_gets_an_error_of_ours(manager, call):
    with pytest.raises(InvalidArgument):
        await call(manager)


async def test_a_session_that_differs_does_not_keep_the_others_out(make_adapter, backend, tmp_path, manager):
    for name in "abc":
        await manager.save(Session(id=name, user_id="u", data={"n": name}))
    lines = [line async for line in manager.export_user("u")]
    (tmp_path / "other").mkdir()
    async with make_adapter(backend, tmp_path / "other") as adapter:
        other = PersistenceManager(adapter)
        await other.save(Session(id="a", user_id="u", data={"mine": True}))
        await other.save(Session(id="b", user_id="v"))
        for _ in range(2):
            with pytest.raises(VersionConflict) as caught:
                await other.import_user(lines)
            assert any("'b'" in note for note in caught.value.__notes__)
        assert (await other.load("a")).data == {"mine": True}
        assert (await other.load("b")).user_id == "v"
        assert (await other.load("c")).data == {"n": "c"}


class Stopping:
    """A hook that lets saves wait, and does something before some of them."""

    def __init__(self):
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()
        self.before_a_state = None

    async def __call__(self, turn):
        self.reached.set()
        await self.goes_on.wait()
        if not turn.messages and self.before_a_state is not None:
            await self.before_a_state()


@pytest.fixture
async def behind_a_turn(adapter):
    """A session whose turn is just being stored by a flush of the manager; what is flushed now waits behind it."""
    stopping = Stopping()
    manager = PersistenceManager(adapter, autosave="session", hooks=Hooks(before_save=stopping))
    async with manager, manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "hello")
        flushing = asyncio.create_task(manager.flush())
        await stopping.reached.wait()
        yield session, stopping
        await asyncio.wait([flushing])
        flushing.exception()
        session.discard()
        await session.flush(state="theirs")


@pytest.mark.parametrize("flushes", [1, 2])
async def test_a_flush_whose_state_somebody_else_tried_to_store_tells_that_it_was_refused(
    behind_a_turn, manager, flushes
):
    session, stopping = behind_a_turn
    stopping.before_a_state = lambda: manager.update_data("s", {"by": "another"})
    session.data["n"] = 1
    tasks = [asyncio.create_task(session.flush()) for _ in range(flushes)]
    await asyncio.sleep(0)
    stopping.goes_on.set()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(error, VersionConflict)
    assert session.data == {"n": 1}
    assert not session.waits


async def test_a_flush_that_is_given_up_takes_no_other_flushes_state_with_it(behind_a_turn, manager):
    session, stopping = behind_a_turn
    session.data["n"] = 1
    first = asyncio.create_task(session.flush())
    await asyncio.sleep(0)
    session.data["n"] = 2
    second = asyncio.create_task(session.flush())
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    stopping.goes_on.set()
    await first
    assert (await manager.load("s")).data == {"n": 1}


async def test_a_state_that_is_touched_all_the_time_is_stored_all_the_same(adapter, told):
    autosave = Autosave(every=0.2)
    async with PersistenceManager(adapter, autosave=autosave, hooks=told.hooks) as manager:
        async with manager.session("s") as session, asyncio.timeout(20):
            while told.saved.empty():
                session.data["n"] = session.data.get("n", 0) + 1
                session.touch()
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("bounds", [{"turns": 1}, {"size": 2000}])
async def test_a_touch_counts_once_however_often_it_is_made(adapter, manager, bounds):
    async with PersistenceManager(adapter, autosave=Autosave(every=3600, **bounds)) as behind:
        async with behind.session("s") as session:
            for n in (1, 2):
                session.data.update(n=n, text="x" * 1000)
                session.touch()
            await behind.flush()
            assert (await manager.load("s")).data["n"] == 2


async def test_a_touch_for_which_there_is_no_room_leaves_the_one_before_it_in_its_place(adapter, manager):
    async with PersistenceManager(adapter, autosave=Autosave(every=3600, size=2000)) as behind:
        async with behind.session("s") as session:
            session.data["n"] = 1
            session.touch()
            session.data.update(n=2, text="x" * 2000)
            session.touch()
            await behind.flush()
            assert (await manager.load("s")).data == {"n": 1}
