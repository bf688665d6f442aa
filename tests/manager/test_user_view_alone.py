"""A view of one user answers as a database would in which there are no others."""

import pytest
from tests.manager.users import ME, NAMES, OTHERS, fill, new_view, outcome, say, stored

from holdfast import Message, Session, SessionQuery, Turn


def state(name, **fields):
    return Session(id=name, **{"user_id": ME, "version": 2, "data": {"n": 1}, **fields})


# By name, a call about one session; ``keys`` has the key of each, of another user's too.
CALLS = {
    "sessions.get": lambda a, s, keys: a.sessions.get(s),
    "save": lambda a, s, keys: a.sessions.save(state(s), turn_id="t"),
    "save of a stale version": lambda a, s, keys: a.sessions.save(state(s, version=1)),
    "save over any": lambda a, s, keys: a.sessions.save(state(s), expected="any"),
    "save over any of a new value": lambda a, s, keys: a.sessions.save(state(s, version=0), expected="any"),
    "save with a key": lambda a, s, keys: a.sessions.save(state(s, key=keys[s])),
    "save of nobody's": lambda a, s, keys: a.sessions.save(state(s, user_id=None)),
    "save of another's": lambda a, s, keys: a.sessions.save(state(s, user_id="you")),
    "create below": lambda a, s, keys: a.sessions.save(Session(id="new", user_id=ME, parent_id=s)),
    "create below by a turn": lambda a, s, keys: a.commit(
        Turn(id="t", session_id="new", session=Session(id="new", user_id=ME, parent_id=s), messages=say("x"))
    ),
    "children": lambda a, s, keys: a.sessions.find(SessionQuery(parent=s)),
    "children with state": lambda a, s, keys: a.sessions.find(SessionQuery(parent=s, user_id=ME, with_state=True)),
    "delete": lambda a, s, keys: a.sessions.delete(s),
    "delete by key": lambda a, s, keys: a.sessions.delete(s, key=keys[s]),
    "delete by another key": lambda a, s, keys: a.sessions.delete(s, key="another"),
    "delete, guarded": lambda a, s, keys: a.sessions.delete(s, expected=2, last_seq=3),
    "delete of a stale version": lambda a, s, keys: a.sessions.delete(s, expected=1),
    "append": lambda a, s, keys: a.messages.append(s, say("x", "y"), turn_id="t"),
    "append again": lambda a, s, keys: a.messages.append(s, say("m1", "m2", "m3"), turn_id="first"),
    "append other words": lambda a, s, keys: a.messages.append(s, [Message(id="m1", role="user", content="!")]),
    "append nothing": lambda a, s, keys: a.messages.append(s, []),
    "append to a stale tail": lambda a, s, keys: a.messages.append(s, say("x"), last_seq=1),
    "append to the tail": lambda a, s, keys: a.messages.append(s, say("x"), last_seq=3, turn_id="t"),
    "messages": lambda a, s, keys: a.messages.find(s),
    "last message": lambda a, s, keys: a.messages.find(s, last=1),
    "some messages": lambda a, s, keys: a.messages.find(s, after=1, limit=1, align="turn", on_corrupt="report"),
    "messages.get": lambda a, s, keys: a.messages.get(s, "m2"),
    "messages.get of none": lambda a, s, keys: a.messages.get(s, "none"),
    "remove": lambda a, s, keys: a.messages.remove(s, after=1, through=2, turn_id="t"),
    "remove too much": lambda a, s, keys: a.messages.remove(s, after=1, through=9),
    "replace": lambda a, s, keys: a.messages.replace(s, Message(id="m2", role="user", content="other words")),
    "replace of none": lambda a, s, keys: a.messages.replace(s, Message(id="none", role="user")),
    "turn": lambda a, s, keys: a.commit(Turn(id="t", session_id=s, messages=say("x"), last_seq=3)),
    "turn with a key": lambda a, s, keys: a.commit(Turn(id="t", session_id=s, key=keys[s], messages=say("x"))),
    "turn with another key": lambda a, s, keys: a.commit(Turn(session_id=s, key="another", messages=say("x"))),
    "turn of nothing": lambda a, s, keys: a.commit(Turn(session_id=s)),
    "turn with a removal": lambda a, s, keys: a.commit(
        Turn(id="t", session_id=s, messages=say("x"), remove=(1, 3))
    ),
    "turn with a state": lambda a, s, keys: a.commit(Turn(id="t", session_id=s, session=state(s))),
    "turn with a state and a key": lambda a, s, keys: a.commit(
        Turn(id="t", session_id=s, session=state(s), key=keys[s], messages=say("x"))
    ),
}


@pytest.fixture(params=[False, True], ids=["new view", "view that has seen them"])
def seen(request):
    return request.param


@pytest.fixture
async def alone(make_adapter, backend, tmp_path, clock):
    """Another database, for what this user would have if there were no others."""
    (tmp_path / "alone").mkdir()
    async with make_adapter(backend, tmp_path / "alone", clock=clock) as opened:
        yield opened


@pytest.mark.parametrize("backend", ["memory"])  # what the others do alike is proved by the contract
@pytest.mark.parametrize("what", CALLS)
async def test_a_view_answers_as_a_database_of_this_user_alone_would(adapter, alone, clock, what, seen):
    names = NAMES if seen else [name for name in NAMES if name != "old"]
    for name in names:
        told = []
        view = new_view(adapter, told)
        await begin_anew(adapter, clock, others=True)
        await begin_anew(alone, clock, others=False)
        if seen:
            assert [await view.sessions.get(one) is not None for one in NAMES] == [True] * 2 + [False] * 4
        keys, keys_alone = await keys_of(adapter), await keys_of(alone)
        clock.pass_(hours=2)
        theirs = await stored(adapter, mine=False)
        told.clear()
        found = await outcome(CALLS[what](view, name, keys))
        assert found == await outcome(CALLS[what](alone, name, keys_alone)), name
        assert await stored(adapter, mine=False) == theirs, name
        assert await stored(adapter, mine=True) == await stored(alone, mine=True), name
        assert told == sorted({name} & OTHERS), name


async def keys_of(adapter):
    sessions = await adapter.sessions.find(SessionQuery(nested=True))
    return dict.fromkeys(NAMES, "absent") | {one.id: one.key for one in sessions}


async def begin_anew(adapter, clock, *, others):
    for one in await adapter.sessions.find(SessionQuery(nested=True, include_expired=True)):
        await adapter.sessions.delete(one.id)
    await fill(adapter, clock, others=others)
