"""Typed data by hand, and in conflicts."""

import pytest
from tests.manager.bookings import SECRET, Booking, Checked, Needs, Seat

from holdfast import HoldfastError, InvalidArgument, InvalidData, PersistenceManager, Session, VersionConflict


@pytest.fixture
def typed(adapter, clock):
    """A manager with a data type."""
    return lambda kind, factory=None, **options: PersistenceManager(
        adapter, data_type=kind, data_factory=factory, clock=clock, **options
    )


@pytest.fixture
def plain(adapter, clock):
    """A manager without one."""
    return PersistenceManager(adapter, clock=clock)


async def test_by_hand_with_types(typed):
    manager = typed(Needs, lambda: Needs(name="nobody"))

    def rename(session):
        assert type(session.data) is Needs
        session.data.name = "Jane"

    created = await manager.load_or_create("s")
    assert created.data == (await manager.load("s")).data == {"name": "nobody", "age": 0}
    assert (await manager.update("s", rename)).data == {"name": "Jane", "age": 0}
    assert (await manager.update_data("s", {"age": 3})).data == {"name": "Jane", "age": 3}
    for changes in ({"age": SECRET}, {"name": None}):
        with pytest.raises(InvalidArgument) as caught:
            await manager.update_data("s", changes)
        assert SECRET not in str(caught.value)
    loaded = await manager.load("s")
    loaded.data["age"] = SECRET
    with pytest.raises(InvalidArgument):
        await manager.save(loaded)
    loaded.data["age"] = 4
    assert (await manager.save(loaded)).version == 4
    assert (await manager.load("s")).data == {"name": "Jane", "age": 4}


async def test_update_data_loses_no_key_silently(typed):
    manager = typed(Needs, lambda: Needs(name="nobody"))
    await manager.load_or_create("s")
    try:
        await manager.update_data("s", {"nmae": "Jane"})
    except InvalidArgument:
        return
    assert (await manager.load("s")).data["nmae"] == "Jane"


async def test_the_current_session_has_the_data_that_load_gives(typed):
    manager = typed(Needs, lambda: Needs(name="nobody"))
    current = await manager.current("u")
    assert current.data == (await manager.load(current.id)).data
    assert (await manager.current("u")).data == current.data
    current.data["age"] = 3
    await manager.save(current)
    async with manager.session(current.id) as session:
        assert session.data == Needs(name="nobody", age=3)


async def test_sessions_without_data_begin_fresh(typed, adapter):
    manager = typed(Needs, lambda: Needs(name="nobody"))
    await adapter.sessions.save(Session(id="plain"))
    current = await manager.current("u")
    async with manager.session("appended") as session, session.turn() as turn:
        turn.add("user", "x")
    for session_id in ("plain", current.id, "appended"):
        async with manager.session(session_id) as session:
            assert session.data == Needs(name="nobody")
            version = session.state.version
        assert (await manager.load(session_id)).version == version == 1


async def test_expired_state_begins_fresh(make_adapter, backend, tmp_path, clock):
    async with make_adapter(backend, tmp_path, clock=clock, session_ttl=60) as adapter:
        manager = PersistenceManager(
            adapter, data_type=Needs, data_factory=lambda: Needs(name="nobody"), clock=clock
        )
        async with manager.session("s") as session, session.turn() as turn:
            turn.add("user", "x")
            session.data.name = "Jane"
        clock.pass_(seconds=61)
        assert (await manager.load("s")).data == {"name": "nobody", "age": 0}
        async with manager.session("s") as session:
            assert session.data == Needs(name="nobody")
            async with session.turn():
                session.data.age = 1
        assert (await manager.load("s")).data == {"name": "nobody", "age": 1}
        assert len(await manager.history("s")) == 1


async def test_typed_data_is_merged_by_its_fields(typed):
    manager = typed(Booking, on_conflict="merge")
    async with manager.session("s") as session:
        await session.flush()
        await manager.update_data("s", {"name": "theirs"})
        async with session.turn() as turn:
            turn.add("user", "x")
            session.data.seats.append(Seat(row=1))
        assert session.data == Booking(name="theirs", seats=[Seat(row=1)])
    assert Booking(**(await manager.load("s")).data) == Booking(name="theirs", seats=[Seat(row=1)])


async def test_theirs_is_typed(typed):
    manager = typed(Booking)
    async with manager.session("s") as session:
        await session.flush()
        await manager.update_data("s", {"name": "theirs"})
        with pytest.raises(VersionConflict):
            async with session.turn() as turn:
                session.data.name = "mine"
        assert session.data == Booking()
        await turn.commit(state="theirs")
        assert session.data == Booking(name="theirs")
        assert type(session.data) is Booking


def join(base, mine, theirs):
    theirs.data["age"] = SECRET
    theirs.metadata["half"] = True
    return theirs


SETTLED = pytest.mark.parametrize(
    ("policy", "theirs", "mine"),
    [("merge", {"end": 3}, ("start", 5)), (join, {"end": 9}, ("start", 5))],
)


async def unfit(manager, session, theirs, mine):
    """A turn that fails, since what settling its conflict gives does not fit the type."""
    await session.flush()
    await manager.update_data("s", theirs)
    with pytest.raises(HoldfastError) as caught:
        async with session.turn() as turn:
            turn.add("user", "x")
            setattr(session.data, *mine)
            session.state.metadata["mine"] = 1
    return turn, caught.value


@SETTLED
async def test_what_settling_gives_must_fit_the_type_and_the_stored_data_is_not_blamed(
    typed, policy, theirs, mine
):
    manager = typed(Checked, on_conflict=policy)
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            _, error = await unfit(manager, session, theirs, mine)
            assert SECRET not in str(error)
            assert isinstance(error, VersionConflict | InvalidArgument)
            raise ZeroDivisionError


@SETTLED
async def test_what_settling_gives_and_does_not_fit_is_put_back_whole(typed, plain, policy, theirs, mine):
    manager = typed(Checked, on_conflict=policy)
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            turn, _ = await unfit(manager, session, theirs, mine)
            for _ in range(2):
                assert session.data in (
                    Checked(),
                    Checked(**theirs),
                )  # ours before the turn, or gone on from theirs
                assert session.state.metadata == {}
                with pytest.raises(HoldfastError):
                    await turn.commit()
            await turn.commit(state="theirs")
            assert session.data == Checked(**theirs)
            raise ZeroDivisionError
    stored = await plain.load("s")
    assert (stored.version, stored.data, stored.metadata) == (2, Checked(**theirs).model_dump(), {})
    assert len(await manager.history("s")) == 1


async def test_a_stale_turn_over_invalid_data_is_put_back(typed, plain):
    manager = typed(Checked, on_conflict="merge")
    with pytest.raises(ZeroDivisionError):
        async with manager.session("s") as session:
            await session.flush()
            await plain.update_data("s", {"age": SECRET})
            with pytest.raises(InvalidData) as caught:
                async with session.turn() as turn:
                    turn.add("user", "x")
                    session.data.name = "mine"
            assert SECRET not in str(caught.value)
            assert [message.content for message in turn.messages] == ["x"]
            assert session.data == Checked()
            raise ZeroDivisionError
    assert (await plain.load("s")).version == 2
