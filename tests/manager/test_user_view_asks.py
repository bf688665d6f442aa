"""What a view of one user asks of the adapter below, and when; and that it stores what it was handed."""

import pytest
from tests.manager.meddling import ME, Meddled, a_world

from holdfast import InvalidArgument, Message, Session, SessionQuery, Turn
from holdfast.manager.users import ownership
from holdfast.manager.users.view import UserView


def new(**fields):
    return Message(id="new", role="user", content="new words", **fields)


async def test_a_turn_of_a_loaded_session_costs_no_look_and_a_read_costs_one(adapter):
    world = await a_world(adapter)
    session = await world.view.sessions.get("s")
    asked = [
        (["commit"], lambda view: view.commit(Turn(session_id="s", key=session.key, messages=[new()]))),
        (["commit"], lambda view: view.messages.append("s", [new()])),
        (["messages.find", "sessions.get"], lambda view: view.messages.find("s")),
        (["messages.get", "sessions.get"], lambda view: view.messages.get("s", "m1")),
        (["sessions.save"], lambda view: view.sessions.save(session)),
        (["sessions.find"], lambda view: view.sessions.find(SessionQuery())),
        (["sessions.delete"], lambda view: view.sessions.delete("s", key=session.key)),
    ]
    for calls, call in asked:
        world.below.meddle({})
        await call(world.view)
        assert world.below.calls == calls


async def test_a_session_that_was_not_seen_costs_a_look(adapter):
    for calls, call in {
        ("sessions.get", "commit"): lambda view: view.messages.append("s", [new()]),
        ("sessions.get", "messages.find", "sessions.get"): lambda view: view.messages.find("s"),
    }.items():
        world = await a_world(adapter)
        world.below.meddle({})
        await call(world.view)
        assert world.below.calls == list(calls)


async def test_a_view_remembers_a_bounded_number_of_sessions(adapter, monkeypatch):
    monkeypatch.setattr(ownership, "_REMEMBERED", 3)
    below = Meddled(adapter)
    view = UserView(below, ME)

    async def calls(name):
        below.meddle({})
        await view.messages.append(name, [])
        return below.calls

    known, unknown = ["commit"], ["sessions.get", "commit"]
    for name in "abc":
        await view.sessions.save(Session(id=name))
    assert await calls("a") == known  # so it is not the one that was used longest ago any more
    await view.sessions.save(Session(id="d"))
    assert [await calls(name) for name in "acdb"] == [known, known, known, unknown]
    assert await calls("a") == unknown


# --- what is handed in --------------------------------------------------------------------------------


WRITES = {
    "append": lambda view, session, said: view.messages.append("s", said),
    "turn": lambda view, session, said: view.commit(Turn(session_id="s", messages=said)),
    "turn below": lambda view, session, said: view.commit(
        Turn(session_id="below", session=session, messages=said)
    ),
    "save below": lambda view, session, said: view.sessions.save(session),
    "replace": lambda view, session, said: view.messages.replace("s", said[0].model_copy(update={"id": "m1"})),
}


@pytest.mark.parametrize("what", WRITES)
async def test_what_the_caller_changes_while_a_view_looks_is_not_stored(adapter, what):
    world = await a_world(adapter)
    said = [new(metadata={"n": 1})]
    session = Session(id="below", parent_id="s", data={"n": 1})

    async def change():
        said[0].metadata["n"] = 2
        said.append(Message(id="other", role="user", metadata={"n": 3}))
        session.data["n"] = 2

    world.below.meddle({("before", 1): change})
    await WRITES[what](world.view, session, said)
    stored = await adapter.sessions.get("below")
    assert (stored.data if stored else None) == ({"n": 1} if what.endswith("below") else None)
    messages = await adapter.messages.find("below" if stored else "s")
    metadata = [message.metadata for message in messages if message.metadata]
    assert metadata == ([] if what == "save below" else [{"n": 1}])


async def test_what_is_wrong_is_refused_before_a_view_looks(adapter):
    world = await a_world(adapter)
    world.below.meddle({})
    bad = new().model_copy(update={"metadata": {"n": {1}, "f": float("nan")}})
    calls = {
        "append": lambda view: view.messages.append("s", [bad]),
        "append of no list": lambda view: view.messages.append("s", 5),
        "turn": lambda view: view.commit(Turn(session_id="s").model_copy(update={"messages": 5})),
        "turn of another": lambda view: view.commit(Turn(session_id="s").model_copy(update={"messages": [5]})),
        "key": lambda view: view.commit(Turn(session_id="s").model_copy(update={"key": []})),
        "turn of a wrong segment": lambda view: view.commit(
            Turn(session_id="s").model_copy(update={"segment": "x"})
        ),
        "message of no id": lambda view: view.messages.append("s", [new().model_copy(update={"id": ""})]),
        "empty key": lambda view: view.commit(Turn(session_id="s", key="")),
        "session id": lambda view: view.commit(Turn(session_id="s").model_copy(update={"session_id": []})),
        "replace": lambda view: view.messages.replace("s", bad),
        "replace by none": lambda view: view.messages.replace("s", None),
        "remove": lambda view: view.messages.remove("s", after="0", through=1),
        "find": lambda view: view.messages.find([]),
        "get": lambda view: view.messages.get("s", ""),
        "delete": lambda view: view.sessions.delete("s", key=5),
        "delete of no id": lambda view: view.sessions.delete([]),
        "save": lambda view: view.sessions.save(5),
        "save below": lambda view: view.sessions.save(
            Session(id="below", parent_id="s", data={"n": float("nan")})
        ),
    }
    for name, call in calls.items():
        with pytest.raises(InvalidArgument):
            await call(world.view)
        assert world.below.calls == [], name
