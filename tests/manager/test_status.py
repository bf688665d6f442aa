"""Status: completed by every road, reopened, and what lives how long."""

import asyncio
from datetime import timedelta

import pytest

from holdfast import InvalidArgument, Message, NotFound, PersistenceManager, Session, VersionConflict


async def in_a_turn(manager):
    async with manager.session("s") as session, session.turn() as turn:
        turn.add("user", "bye")
        session.state.status = "completed"


async def by_complete_in_a_turn(manager):
    async with manager.session("s") as session, session.turn():
        session.complete()


async def outside_a_turn(manager):
    async with manager.session("s") as session:
        session.complete()


async def by_set_status(manager):
    async with manager.session("s") as session:
        session.set_status("completed")


async def by_the_manager(manager):
    await manager.complete("s")


async def by_its_set_status(manager):
    await manager.set_status("s", "completed")


async def by_update(manager):
    await manager.update("s", lambda session: setattr(session.state, "status", "completed"))


async def by_save(manager):
    session = await manager.load("s")
    session.status = "completed"
    await manager.save(session)


ROADS = [
    in_a_turn,
    by_complete_in_a_turn,
    outside_a_turn,
    by_set_status,
    by_the_manager,
    by_its_set_status,
    by_update,
    by_save,
]


@pytest.mark.parametrize("complete", ROADS)
async def test_each_road_notes_when_it_was_completed(manager, clock, complete):
    await manager.save(Session(id="s"))
    clock.pass_(hours=1)
    await complete(manager)
    done = await manager.load("s")
    assert (done.status, done.completed_at, done.version) == ("completed", clock(), 2)


@pytest.mark.parametrize("complete", ROADS)
async def test_completed_again_keeps_the_first_time(manager, clock, complete):
    await manager.save(Session(id="s"))
    await manager.complete("s")
    first = clock()
    clock.pass_(hours=1)
    await complete(manager)
    again = await manager.load("s")
    assert (again.status, again.completed_at) == ("completed", first)


async def reopen_in_a_turn(manager):
    async with manager.session("s") as session, session.turn():
        session.state.status = "active"


async def reopen_by_set_status(manager):
    async with manager.session("s") as session:
        session.set_status("active")


async def reopen_by_save(manager):
    session = await manager.load("s")
    session.status = "active"
    await manager.save(session)


@pytest.mark.parametrize(
    "reopen", [reopen_in_a_turn, reopen_by_set_status, reopen_by_save, lambda manager: manager.reopen("s")]
)
async def test_reopening_forgets_the_time_and_completing_again_notes_a_new_one(manager, clock, reopen):
    await manager.save(Session(id="s"))
    await manager.complete("s")
    await reopen(manager)
    assert ((await manager.load("s")).status, (await manager.load("s")).completed_at) == ("active", None)
    clock.pass_(hours=1)
    await manager.complete("s")
    assert (await manager.load("s")).completed_at == clock()


async def test_a_new_session_that_is_completed_in_its_first_turn(manager, clock):
    await in_a_turn(manager)
    assert (await manager.load("s")).completed_at == clock()
    saved = await manager.save(Session(id="t", status="completed"))
    assert saved.completed_at == clock()


async def test_save_leaves_its_argument_alone(manager, clock):
    session = Session(id="s", status="completed")
    await manager.save(session)
    assert session.completed_at is None


@pytest.mark.parametrize("status", ["abandoned", "failed", "waiting"])
async def test_what_is_completed_is_not_abandoned(manager, clock, status):
    await manager.save(Session(id="s"))
    done = await manager.complete("s")
    with pytest.raises(InvalidArgument):
        await manager.set_status("s", status)
    async with manager.session("s") as session:
        with pytest.raises(InvalidArgument):
            session.set_status(status)
    assert await manager.load("s") == done
    await manager.reopen("s")
    assert (await manager.set_status("s", status)).completed_at is None


async def test_a_race_of_completing_and_abandoning_always_ends_completed(manager):
    for _ in range(10):
        await manager.save(Session(id="s"))
        await asyncio.gather(manager.abandon("s"), manager.complete("s"), return_exceptions=True)
        assert (await manager.load("s")).status == "completed"
        await manager.delete("s")


async def test_a_turn_that_fails_does_not_complete(manager, clock):
    await manager.save(Session(id="s"))
    async with manager.session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                session.complete()
                assert session.state.completed_at == clock()
                raise ZeroDivisionError
        assert (session.state.status, session.state.completed_at) == ("active", None)
    assert (await manager.load("s")).version == 1


async def test_a_status_that_is_the_same_writes_nothing(manager):
    await manager.save(Session(id="s"))
    await manager.complete("s")
    await manager.complete("s")
    assert (await manager.load("s")).version == 2


@pytest.mark.parametrize("status", ["", "a\nb", 5, None, ["completed"]])
async def test_what_is_no_status_is_refused(manager, status):
    await manager.save(Session(id="s"))
    with pytest.raises(InvalidArgument):
        await manager.set_status("s", status)
    async with manager.session("s") as session:
        with pytest.raises(InvalidArgument):
            session.set_status(status)
        assert session.state.status == "active"
    assert (await manager.load("s")).version == 1


async def test_the_status_of_a_session_that_is_not_there(manager):
    for verb in (manager.complete, manager.reopen, manager.abandon):
        with pytest.raises(NotFound):
            await verb("s")
    assert await manager.load("s") is None


# --- lifetimes --------------------------------------------------------------------------------------------


@pytest.fixture
async def living(make_adapter, backend, tmp_path, clock):
    """A manager where completed sessions live for a minute, and all others as long as nothing else is said."""
    options = {"message_ttl_by_status": {"completed": timedelta(minutes=1)}}
    async with make_adapter(backend, tmp_path, clock=clock, **options) as adapter:
        yield PersistenceManager(adapter, clock=clock)


@pytest.mark.parametrize("complete", ROADS)
async def test_completing_by_any_road_begins_the_lifetime_of_what_is_completed(living, clock, complete):
    await living.save(Session(id="s"))
    clock.pass_(hours=1)
    assert await living.load("s") is not None
    await complete(living)
    clock.pass_(seconds=59)
    assert await living.load("s") is not None
    clock.pass_(seconds=2)
    assert await living.load("s") is None


@pytest.mark.parametrize("by_handle", [True, False])
async def test_a_session_that_was_reopened_lives_on(living, clock, by_handle):
    await living.save(Session(id="s", data={"kept": 1}))
    if by_handle:
        async with living.session("s") as session:
            session.complete()
            await session.flush()
            session.set_status("active")
    else:
        await living.complete("s")
        await living.reopen("s")
    clock.pass_(hours=1)
    assert (await living.load("s")).data == {"kept": 1}


async def test_each_status_has_its_own_lifetime(make_adapter, backend, tmp_path, clock):
    options = {"message_ttl": 3600, "message_ttl_by_status": {"completed": 60, "abandoned": 10}}
    async with make_adapter(backend, tmp_path, clock=clock, **options) as adapter:
        manager = PersistenceManager(adapter, clock=clock)
        for name, status in (("a", "active"), ("c", "completed"), ("d", "abandoned")):
            await manager.save(Session(id=name))
            await manager.set_status(name, status)
        clock.pass_(seconds=11)
        assert [bool(await manager.load(name)) for name in "acd"] == [True, True, False]
        await manager.reopen("c")
        clock.pass_(seconds=61)
        assert [bool(await manager.load(name)) for name in "acd"] == [True, True, False]
        await manager.complete("c")
        clock.pass_(seconds=61)
        assert [bool(await manager.load(name)) for name in "acd"] == [True, False, False]


async def test_a_long_lived_handle_keeps_its_session_alive(make_adapter, backend, tmp_path, clock):
    async with make_adapter(backend, tmp_path, clock=clock, message_ttl=60, session_ttl=60) as adapter:
        manager = PersistenceManager(adapter, clock=clock)
        async with manager.session("s") as session:
            for number in range(5):
                async with session.turn() as turn:
                    turn.add("user", str(number))
                    session.data["n"] = number
                clock.pass_(seconds=50)
        assert (await manager.load("s")).data == {"n": 4}
        assert len(await manager.history("s")) == 5


# --- deleting ---------------------------------------------------------------------------------------------


async def test_delete_is_guarded_by_position_and_version(manager):
    seen = await manager.save(Session(id="s"))
    await manager.append("s", Message(role="user", content="x"))
    with pytest.raises(VersionConflict) as caught:
        await manager.delete("s", last_seq=seen.last_seq)
    assert caught.value.guard == "last_seq"
    await manager.update_data("s", {"a": 1})
    with pytest.raises(VersionConflict) as caught:
        await manager.delete("s", expected=seen.version, last_seq=1)
    assert caught.value.guard == "version"
    assert len(await manager.history("s")) == 1
    assert await manager.delete("s", expected=2, last_seq=1) is True
    assert await manager.delete("s", expected=2, last_seq=1) is False
    assert await manager.load("s") is None


async def test_deleting_in_a_view_is_guarded_too(manager):
    await manager.save(Session(id="s", user_id="u"))
    await manager.append("s", Message(role="user", content="x"))
    assert await manager.for_user("v").delete("s") is False
    with pytest.raises(VersionConflict):
        await manager.for_user("u").delete("s", last_seq=0)
    assert await manager.for_user("u").delete("s", last_seq=1) is True


async def test_a_save_that_completes_can_be_sent_again(manager, clock):
    session = await manager.save(Session(id="s"))
    session.status = "completed"
    first = await manager.save(session, turn_id="request-1")
    clock.pass_(seconds=5)
    again = await manager.save(session, turn_id="request-1")
    assert (again.version, again.completed_at) == (first.version, first.completed_at)
