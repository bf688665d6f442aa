"""A view of one user where states cannot be read: nobody but their owner is told that they are there."""

import pytest
from tests.manager.users import say

from holdfast import CorruptRecord, Hooks, Message, NotFound, PersistenceManager, Session
from holdfast.codec import Plain


class Damaged(Plain):
    """A codec that reads no state any more, once it is told so."""

    told = False

    async def open(self, sealed, places):
        if self.told and any(place.kind == "state" for place in places):
            raise CorruptRecord("damaged.")
        return sealed


@pytest.fixture
async def damaged(make_adapter, backend, tmp_path):
    """Sessions of Jane, of Bob and of nobody, whose states cannot be read; and a session of Jane's to come."""
    codec = Damaged()
    async with make_adapter(backend, tmp_path, codec=codec) as adapter:
        for name, user in {"janes": "jane", "bobs": "bob", "nobodys": None}.items():
            await adapter.sessions.save(Session(id=name, user_id=user))
            await adapter.messages.append(name, say("m"))
        codec.told = True
        yield adapter


async def enter(manager, session_id, **how):
    async with manager.session(session_id, **how):
        return "entered"


CALLS = {
    "session": enter,
    "session that must be there": lambda manager, name: enter(manager, name, create=False),
    "session below": lambda manager, name: enter(manager, "new", parent_id=name),
    "load_or_create": lambda manager, name: manager.load_or_create(name),
    "append": lambda manager, name: manager.append(name, Message(role="user", content="x")),
    "history": lambda manager, name: manager.history(name),
    "describe": lambda manager, name: manager.describe(name),
    "update": lambda manager, name: manager.update(name, lambda session: None),
    "remove_last_turn": lambda manager, name: manager.remove_last_turn(name),
    "prune": lambda manager, name: manager.prune(name, keep=1),
    "redact": lambda manager, name: manager.redact(name, "m"),
}


@pytest.mark.parametrize("name", ["bobs", "nobodys"])
@pytest.mark.parametrize("what", CALLS)
async def test_what_is_not_in_the_view_and_cannot_be_read_is_not_found(damaged, what, name):
    denied = []
    hooks = Hooks(on_denied=lambda *who: denied.append(who))
    with pytest.raises(NotFound) as caught:
        await CALLS[what](PersistenceManager(damaged, hooks=hooks).for_user("jane"), name)
    assert str(caught.value) == str(NotFound(f"Session {name!r}."))
    assert set(denied) == {(name, "jane")}
    assert caught.value.__cause__ is None
    assert [message.id for message in await damaged.messages.find(name)] == ["m"]


async def test_opening_what_is_not_in_the_view_and_cannot_be_read_is_denied_once(damaged):
    denied = []
    view = PersistenceManager(damaged, hooks=Hooks(on_denied=lambda *who: denied.append(who))).for_user("jane")
    with pytest.raises(NotFound):
        await enter(view, "bobs")
    assert denied == [("bobs", "jane")]


async def test_its_owner_is_told_that_it_cannot_be_read(damaged):
    janes = PersistenceManager(damaged).for_user("jane")
    for what in ("session", "session that must be there", "load_or_create", "update", "describe"):
        with pytest.raises(CorruptRecord):
            await CALLS[what](janes, "janes")
    assert [message.id for message in await janes.history("janes")] == ["m"]


async def test_whether_an_id_is_free_is_told_without_reading_the_state(damaged):
    view = PersistenceManager(damaged).for_user("jane").adapter
    for name in ("janes", "unused"):
        await view.check_free(name)
    for name in ("bobs", "nobodys"):
        with pytest.raises(NotFound):
            await view.check_free(name)
