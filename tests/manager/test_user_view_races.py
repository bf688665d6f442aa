"""A view of one user while sessions change hands, between its look at a session and what it does then."""

from itertools import combinations

import pytest
from tests.manager.meddling import HOW, ME, YOU, a_world

from holdfast import CursorLost, HoldfastError, Message, NotFound, Page, Session, SessionQuery, Turn


def new():
    return Message(id="new", role="user", content="new words")


def state():
    return Session(id="s", user_id=ME, version=1, data={"n": 1})


CALLS = {
    "sessions.get": lambda view: view.sessions.get("s"),
    "save": lambda view: view.sessions.save(state()),
    "save over any": lambda view: view.sessions.save(state(), expected="any"),
    "create": lambda view: view.sessions.save(Session(id="s")),
    "create below": lambda view: view.sessions.save(Session(id="below", parent_id="s")),
    "create below by a turn": lambda view: view.commit(
        Turn(session_id="below", session=Session(id="below", parent_id="s"), messages=[new()])
    ),
    "children": lambda view: view.sessions.find(SessionQuery(parent="s", with_state=True)),
    "list": lambda view: view.sessions.find(SessionQuery(with_state=True)),
    "delete": lambda view: view.sessions.delete("s"),
    "append": lambda view: view.messages.append("s", [new()]),
    "append again": lambda view: view.messages.append(
        "s", [Message(id="m1", role="user", content="of me, life 1")]
    ),
    "messages": lambda view: view.messages.find("s"),
    "last message": lambda view: view.messages.find("s", last=1),
    "messages.get": lambda view: view.messages.get("s", "m1"),
    "remove": lambda view: view.messages.remove("s", after=0, through=2),
    "turn": lambda view: view.commit(Turn(session_id="s", messages=[new()])),
    "turn of nothing": lambda view: view.commit(Turn(session_id="s")),
    "turn with a state": lambda view: view.commit(Turn(session_id="s", session=state(), messages=[new()])),
}
REPLACE = {"replace": lambda view: view.messages.replace("s", Message(id="m1", role="user", content="redacted"))}
BETWEEN = {("after", 1), ("before", 2)}  # the look at a session and its replacement, which the protocol cannot tie
ONCE_MORE = ["sessions.get", "save over any", "delete", "messages", "messages.get", "remove", "append", "turn"]
ONE = [(when, number) for number in range(1, 8) for when in ("before", "after")]
TWO = list(combinations(ONE[:10], 2))

every_call = pytest.mark.parametrize("what", CALLS | REPLACE)
on_few_backends = pytest.mark.parametrize("backend", ["memory"])


async def answer(what, view):
    """What a call says, errors too."""
    try:
        return await (CALLS | REPLACE)[what](view)
    except HoldfastError as error:
        return error


def shows_nothing(found):
    return found in (None, False, Page()) or type(found) is NotFound


@on_few_backends
@pytest.mark.parametrize("how", HOW)
@every_call
async def test_what_becomes_another_users_is_neither_shown_nor_touched(adapter, what, how):
    for moment in ONE:
        world, theirs = await a_world(adapter, how), None

        async def change_hands(world=world):
            nonlocal theirs
            await world.begin(YOU)
            theirs = await world.theirs()

        world.below.meddle({moment: change_hands})
        found = await answer(what, world.view)
        assert "of you" not in repr(found), moment
        if theirs is None:
            continue  # it needed fewer calls
        assert await adapter.sessions.get("below") is None, moment
        inexact = what == "replace" and moment in BETWEEN
        assert (await world.theirs() != theirs) is inexact, moment
        if moment == ("before", 1) or inexact:
            assert shows_nothing(found), moment
            assert world.told == (["s"] if what != "list" else []), moment


@on_few_backends
@pytest.mark.parametrize("how", HOW)
@every_call
async def test_what_was_another_users_is_not_shown(adapter, what, how):
    for moment in ONE:
        world = await a_world(adapter, how, YOU)
        world.below.meddle({moment: world.begins(ME)})
        found = await answer(what, world.view)
        assert "of you" not in repr(found), moment
        assert shows_nothing(found) or len(world.below.calls) >= moment[1], moment


@on_few_backends
@pytest.mark.parametrize("how", HOW)
@every_call
async def test_what_was_another_users_for_a_moment_is_neither_shown_nor_touched(adapter, what, how):
    for first, second in TWO:
        world, theirs = await a_world(adapter, how), []

        async def change_hands(world=world, theirs=theirs):
            await world.begin(YOU)
            theirs.append(await world.theirs())

        async def change_back(world=world, theirs=theirs):
            theirs.append(await world.theirs())
            await world.begin(ME)

        world.below.meddle({first: change_hands, second: change_back})
        found = await answer(what, world.view)
        assert "of you" not in repr(found), (first, second)
        if len(theirs) == 2 and what != "replace":
            assert theirs[0] == theirs[1], (first, second)


@on_few_backends
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("what", [*ONCE_MORE, *REPLACE])
async def test_the_next_life_of_the_same_user_is_found(adapter, what, how):
    for moment in ONE:
        world = await a_world(adapter, how)
        world.below.meddle({moment: world.begins(ME)})
        found = await answer(what, world.view)
        assert not isinstance(found, HoldfastError), (moment, found)
        assert not shows_nothing(found), moment
        assert world.told == []


async def test_a_child_that_came_to_hang_from_another_users_session_is_taken_back(adapter):
    world = await a_world(adapter)
    world.below.meddle({("after", 1): world.begins(YOU)})
    with pytest.raises(NotFound):
        await world.view.sessions.save(Session(id="below", parent_id="s"))
    assert world.below.calls == ["sessions.get", "sessions.save", "sessions.get", "sessions.delete"]
    assert await adapter.sessions.get("below") is None
    assert {info.id for info in await adapter.sessions.find(SessionQuery(parent="s"))} == {"child"}


async def test_what_a_cursor_has_lost_is_told_to_the_owner_alone(adapter):
    world = await a_world(adapter, HOW[1])
    cursor = (await world.view.messages.find("s", limit=1)).next
    await world.begin(ME)
    with pytest.raises(CursorLost):
        await world.view.messages.find("s", cursor=cursor)
    await world.begin(YOU)
    with pytest.raises(NotFound):
        await world.view.messages.find("s", cursor=cursor)


async def test_an_error_is_not_of_another_users_session(adapter):
    world = await a_world(adapter)
    world.below.meddle({("before", 2): world.begins(YOU)})
    with pytest.raises(NotFound, match=r"Session 's'\.$"):  # not: message 'none' of that session
        await world.view.messages.replace("s", Message(id="none", role="user"))


async def test_a_session_that_is_gone_for_a_moment_is_found_again(adapter):
    for what in ("messages", "last message", "messages.get", "children"):
        world = await a_world(adapter, HOW[1])

        async def end():
            await adapter.sessions.delete("s")

        world.below.meddle({("before", 1): end, ("after", 1): world.begins(ME)})
        found = await answer(what, world.view)
        assert "of me, life 2" in repr(found) or what == "children", what
        assert not shows_nothing(found), what
