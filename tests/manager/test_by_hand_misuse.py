"""What cannot be right by hand is refused with an error of ours, and nothing is written."""

import pytest

from holdfast import InvalidArgument, Message, NotFound, Session, VersionConflict


@pytest.mark.parametrize(
    "call",
    [
        lambda manager: manager.save("s"),
        lambda manager: manager.save(None),
        lambda manager: manager.append("s", "hello"),
        lambda manager: manager.append("s", {"role": "user", "content": "x"}),
        lambda manager: manager.update("s", {"a": 1}),
        lambda manager: manager.update("s", None),
        lambda manager: manager.update_data("s", None),
        lambda manager: manager.update_data("s", {1: "x"}),
        lambda manager: manager.update_data("s", {"x": object()}),
        lambda manager: manager.sessions(older_than=5),
        lambda manager: manager.sessions(limit=0),
        lambda manager: manager.load(""),
        lambda manager: manager.delete("s", expected="1"),
    ],
)
async def test_misuse_is_refused(manager, call):
    await manager.save(Session(id="s", data={"kept": 1}))
    with pytest.raises(InvalidArgument):
        await call(manager)
    after = await manager.load("s")
    assert (after.version, after.data) == (1, {"kept": 1})
    assert await manager.history("s") == []


@pytest.mark.parametrize("changes", [5, None, "ab", [("a", 1)]])
async def test_changes_of_data_are_a_dict(manager, changes):
    async with manager.session("s") as session:
        with pytest.raises(InvalidArgument):
            session.merge_data(changes)
        assert session.data == {}


async def test_save_is_guarded_and_leaves_its_argument_alone(manager):
    await manager.save(Session(id="s", user_id="u", data={"a": [1]}))
    loaded, other = await manager.load("s"), await manager.load("s")
    loaded.data["a"].append(2)
    assert other.data == (await manager.load("s")).data == {"a": [1]}
    saved = await manager.save(loaded)
    assert (loaded.version, saved.version, saved.data) == (1, 2, {"a": [1, 2]})
    with pytest.raises(VersionConflict):
        await manager.save(other)
    saved.user_id = "v"
    with pytest.raises(NotFound):
        await manager.save(saved)
    assert (await manager.load("s")).version == 2


async def test_an_append_under_its_turn_id_is_stored_once(manager):
    await manager.save(Session(id="s"))
    message = Message(id="m", role="user", content="x")
    first = await manager.append("s", message, turn_id="t")
    assert await manager.append("s", message, turn_id="t") == first
    assert len(await manager.history("s")) == 1
    with pytest.raises(NotFound):
        await manager.append("nowhere", message)
