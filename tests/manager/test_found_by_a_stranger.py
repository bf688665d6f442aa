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
