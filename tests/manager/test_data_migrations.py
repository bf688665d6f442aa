"""Data that an older version of the program has written."""

import gc

import pytest
from pydantic import BaseModel
from tests.manager.versions import NEW, OLD, STEPS, begin, list_tags, raw, split_name

from holdfast import ConfigurationError, InvalidArgument, InvalidData, Message, PersistenceManager, Session

SECRET = "4111 1111"


class Third(BaseModel):
    first: str = ""
    last: str = ""
    tags: list[str] = []
    deep: dict[str, list[int]] = {}


# --- the way up ------------------------------------------------------------------------------------------


async def test_each_version_reads_what_those_before_wrote(program):
    await begin(program(1))
    assert (await program(1).load("s")).data == OLD
    assert (await program(2).load("s")).data == {
        "first": "Jane",
        "last": "Doe",
        "tag": "a b",
        "deep": {"seen": [1]},
    }
    for version, session in ((3, await program(3).load("s")), (3, await program(3).load_or_create("s"))):
        assert (session.data, session.schema_version, session.version) == (NEW, version, 1)
    async with program(3).session("s") as session:
        assert session.data == NEW
    assert await raw(program) == (1, None, OLD)


async def test_from_a_version_in_the_middle(program):
    middle = {"first": "Jane", "last": "Doe", "tag": "x"}
    await begin(program(2), middle)
    assert (await raw(program))[1] == 2
    assert (await program(3).load("s")).data == {
        "first": "Jane",
        "last": "Doe",
        "tags": ["x"],
        "deep": {"seen": [3]},
    }


async def test_it_is_written_back_with_the_next_save_alone(program):
    await begin(program(1))
    manager = program(3)
    async with manager.session("s") as session:
        async with session.turn() as turn:
            turn.add("user", "words alone")
        await session.flush()
        await manager.update("s", lambda session: None)
        assert await raw(program) == (1, None, OLD)
        async with session.turn():
            session.data["more"] = 1
    assert await raw(program) == (2, 3, NEW | {"more": 1})
    assert (await manager.load("s")).data == NEW | {"more": 1}


@pytest.mark.parametrize("way", ["save", "update", "update_data", "complete"])
async def test_each_way_to_save_writes_it_back(program, way):
    await begin(program(1))
    manager = program(3)
    if way == "save":
        await manager.save(await manager.load("s"))
    elif way == "update":
        await manager.update("s", lambda session: session.state.metadata.update(a=1))
    elif way == "update_data":
        await manager.update_data("s", {"tags": []})
    else:
        await manager.complete("s")
    assert await raw(program) == (2, 3, NEW | ({"tags": []} if way == "update_data" else {}))


async def test_a_turn_that_fails_leaves_the_upgraded_data_and_writes_nothing(program):
    await begin(program(1))
    async with program(3).session("s") as session:
        with pytest.raises(ZeroDivisionError):
            async with session.turn():
                session.data["lost"] = 1
                raise ZeroDivisionError
        assert session.data == NEW
    assert await raw(program) == (1, None, OLD)


async def test_the_current_session_is_upgraded_too(program):
    current = await program(1).current("u")
    current.data |= OLD
    await program(1).save(current)
    assert (await program(3).current("u")).data == NEW


async def test_a_current_session_can_be_saved_by_a_program_with_versions(program):
    manager = program(3)
    current = await manager.current("u")
    current.data["first"] = "Jane"
    await manager.save(current)
    stored = await manager.load(current.id)
    assert (stored.data, stored.schema_version) == ({"first": "Jane"}, 3)


async def test_sessions_without_data_are_of_no_version_yet(program, adapter):
    await adapter.sessions.save(Session(id="s"))
    async with program(3).session("s") as session:
        assert session.data == {}
    assert await raw(program) == (1, None, {})
    await program(3).update_data("s", {"first": "Jane"})
    assert await raw(program) == (2, 3, {"first": "Jane"})


async def test_typed_data_is_upgraded_first(program):
    await begin(program(1))
    async with program(3, data_type=Third).session("s") as session:
        assert session.data == Third(**NEW)
        session.data.tags.append("c")
    assert await raw(program) == (2, 3, NEW | {"tags": ["a", "b", "c"]})


async def test_expired_data_begins_at_this_version(make_adapter, backend, tmp_path, clock):
    async with make_adapter(backend, tmp_path, clock=clock, session_ttl=60) as adapter:
        old = PersistenceManager(adapter, clock=clock)
        await begin(old)
        clock.pass_(seconds=61)
        new = PersistenceManager(adapter, clock=clock, schema_version=3, migrations=STEPS)
        assert (await new.load("s")).data == {}
        await new.update_data("s", {"first": "Jane"})
        assert (await new.load("s")).data == {"first": "Jane"}
        assert (await new.load("s", raw=True)).schema_version == 3


# --- what cannot be read ----------------------------------------------------------------------------------


CALLS = {
    "session": lambda manager: manager.session("s").__aenter__(),
    "load": lambda manager: manager.load("s"),
    "load_or_create": lambda manager: manager.load_or_create("s"),
    "update": lambda manager: manager.update("s", lambda session: session.data.clear()),
    "update_data": lambda manager: manager.update_data("s", {"a": 1}),
    "complete": lambda manager: manager.complete("s"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("version", [1, 2])
async def test_a_newer_version_is_refused_and_untouched(program, call, version):
    await begin(program(3), NEW)
    with pytest.raises(InvalidData) as caught:
        await CALLS[call](program(version))
    assert caught.value.path == "schema_version"
    assert caught.value.session.data == NEW
    assert caught.value.session.schema_version == 3
    assert await raw(program) == (1, 3, NEW)
    found = await program(version).load("s", raw=True)
    with pytest.raises(InvalidArgument):
        await program(version).save(found)
    assert await raw(program) == (1, 3, NEW)


@pytest.mark.parametrize("call", CALLS)
async def test_what_is_older_than_the_first_step_is_refused_and_untouched(program, call):
    await begin(program(1))
    manager = program(3, migrations={2: list_tags})
    with pytest.raises(InvalidData) as caught:
        await CALLS[call](manager)
    assert caught.value.session.data == OLD
    assert await raw(program) == (1, None, OLD)


def not_storable(data):
    return {"x": object()}


def raises(data):
    data.clear()
    raise KeyError(SECRET)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("step", [raises, lambda data: None, lambda data: [data], not_storable])
async def test_a_step_that_goes_wrong_is_invalid_data(program, step, first, call):
    await begin(program(1))
    manager = program(3, migrations={1: step, 2: list_tags} if first else {1: split_name, 2: step})
    with pytest.raises(InvalidData) as caught:
        await CALLS[call](manager)
    assert SECRET not in str(caught.value)
    assert caught.value.session.data == OLD
    assert caught.value.session.schema_version is None
    assert await raw(program) == (1, None, OLD)
    assert (await manager.load("s", raw=True)).data == OLD


async def test_a_step_that_awaits_is_refused_and_leaves_nothing_behind(program):
    async def awaits(data):
        return data

    await begin(program(1))
    with pytest.raises(InvalidData) as caught:
        await program(2, migrations={1: awaits}).load("s")
    assert "coroutine" in str(caught.value)
    del caught
    gc.collect()  # a coroutine that nobody has closed warns now


async def test_an_older_version_that_was_loaded_raw_is_not_saved_as_it_is(program):
    await begin(program(1))
    found = await program(3).load("s", raw=True)
    with pytest.raises(InvalidArgument):
        await program(3).save(found)
    assert await raw(program) == (1, None, OLD)


async def test_what_cannot_be_read_can_still_be_spoken_to_and_deleted(program):
    await begin(program(3), NEW)
    old = program(1)
    await old.append("s", Message(role="user", content="y"))
    assert [message.content for message in await old.history("s")] == ["x", "y"]
    assert await old.delete("s")


@pytest.mark.parametrize(
    ("version", "steps"),
    [
        (3, {1: split_name}),
        (3, {1: split_name, 3: list_tags}),
        (4, {1: split_name, 3: list_tags}),
        (2, {1: split_name, 2: list_tags}),
        (2, {0: split_name, 1: split_name}),
        (2, {1: "split_name"}),
        (2, {"1": split_name}),
        (1, {1: split_name}),
        (0, {}),
        (-1, {}),
        (True, {}),
        ("2", {1: split_name}),
        (2.0, {1: split_name}),
        (2, [split_name]),
        (2, {None: split_name}),
    ],
)
def test_a_way_with_a_gap_is_refused_at_construction(adapter, version, steps):
    with pytest.raises(ConfigurationError):
        PersistenceManager(adapter, schema_version=version, migrations=steps)
