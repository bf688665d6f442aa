"""A view of one user: what it shows, what it creates, and what it hands on."""

from types import SimpleNamespace

import pytest
from tests.manager.users import ME, OTHERS, fill, new_view, say, stored

from holdfast import (
    CorruptRecord,
    InvalidArgument,
    InvalidIdentifier,
    NotFound,
    Page,
    Session,
    SessionQuery,
    Turn,
    UnsupportedCapability,
)
from holdfast.codec import Plain
from holdfast.manager.users.view import UserView


@pytest.fixture
def told():
    """The ids that ``denied`` was called with."""
    return []


@pytest.fixture
def view(adapter, told):
    return new_view(adapter, told)


async def test_an_expired_session_that_a_view_has_never_seen_is_not_found(view, adapter, clock, told):
    await fill(adapter, clock, others=True)
    clock.pass_(hours=2)
    for name in ("old", "old-theirs"):
        assert await view.sessions.get(name) is None
        assert await view.sessions.delete(name) is False
        for call in (view.messages.find(name), view.messages.append(name, say("x"))):
            with pytest.raises(NotFound):
                await call
    assert told == []


# --- what is created ---------------------------------------------------------------------------------


async def test_a_new_session_without_a_user_is_stored_as_this_ones(view, adapter):
    fresh = Session(id="s", data={"a": 1})
    saved = await view.sessions.save(fresh)
    assert (saved.user_id, saved.version, saved.data) == (ME, 1, {"a": 1})
    assert (fresh.user_id, fresh.version) == (None, 0)
    assert (await adapter.sessions.get("s")).user_id == ME
    done = await view.commit(Turn(session_id="t", session=Session(id="t"), messages=say("a")))
    assert done.session.user_id == ME
    assert (await adapter.sessions.get("t")).user_id == ME


async def test_a_new_session_of_another_user_is_refused_before_anything_is_sent(told):
    view = new_view(SimpleNamespace(sessions=None, messages=None), told)  # whatever it sent would fail
    for session in (Session(id="s", user_id="you"), Session(id="s", user_id="ME"), Session(id="s", user_id="me ")):
        with pytest.raises(InvalidArgument):
            await view.sessions.save(session)
        with pytest.raises(InvalidArgument):
            await view.commit(Turn(session_id="s", session=session))
    assert told == []


@pytest.mark.parametrize("name", sorted(OTHERS))
async def test_creating_what_another_has_is_not_found_and_never_a_conflict(view, adapter, clock, told, name):
    await fill(adapter, clock, others=True)
    theirs = await stored(adapter, mine=False)
    for user in (None, ME):
        for expected in (None, 0, 2, "any"):
            told.clear()
            fresh = Session(id=name, user_id=user)
            with pytest.raises(NotFound) as error:
                await view.sessions.save(fresh, expected=expected)
            assert str(error.value) == str(NotFound(f"Session {name!r}."))
            with pytest.raises(NotFound):
                await view.commit(Turn(session_id=name, session=fresh, expected=expected, messages=say("x")))
            assert told == [name] * 2
    assert await stored(adapter, mine=False) == theirs


async def test_an_expired_session_of_another_leaves_its_id_free(view, adapter, clock, told):
    await fill(adapter, clock, others=True)
    clock.pass_(hours=2)
    saved = await view.sessions.save(Session(id="old-theirs"))
    assert (saved.version, saved.user_id, told) == (1, ME, [])
    assert (await view.messages.find("old-theirs")).items == ()


# --- listings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["activity", "created"])
async def test_a_listing_shows_this_users_sessions_and_pages_through_them(view, adapter, order):
    for number in range(20):
        await adapter.sessions.save(Session(id=f"s{number}", user_id=[ME, "you", None, "ME"][number % 4]))
    found, cursor = [], None
    while True:
        page = await view.sessions.find(SessionQuery(order=order, limit=2, cursor=cursor))
        found += [info.id for info in page]
        cursor = page.next
        if cursor is None:
            break
        assert len(page) == 2, "others take room on the page"
    assert sorted(found) == ["s0", "s12", "s16", "s4", "s8"]


async def test_a_query_for_another_user_finds_none(view, adapter, clock, told):
    await fill(adapter, clock, others=True)
    for user in ("you", "ME", "absent"):
        assert await view.sessions.find(SessionQuery(user_id=user, nested=True)) == Page()
    assert {info.id for info in await view.sessions.find(SessionQuery(user_id=ME))} == {"mine", "old"}
    assert told == []


async def test_what_an_adapter_lists_though_it_was_not_asked_for_is_left_out(adapter, clock):
    class Deaf:
        async def find(self, query):
            return await adapter.sessions.find(query.model_copy(update={"user_id": None}))

    await fill(adapter, clock, others=True)
    view = UserView(SimpleNamespace(sessions=Deaf(), messages=adapter.messages), ME)
    assert {info.id for info in await view.sessions.find(SessionQuery())} == {"mine", "old"}


async def test_what_is_no_query_is_refused(view):
    class Asking(SessionQuery):
        pass

    for wrong in (None, "s", Asking(), SessionQuery().model_copy(update={"user_id": 5})):
        with pytest.raises(InvalidArgument):
            await view.sessions.find(wrong)


# --- states that cannot be read ----------------------------------------------------------------------


class Damaged(Plain):
    """A codec that reads no state."""

    async def open(self, sealed, places):
        if any(place.kind == "state" for place in places):
            raise CorruptRecord("damaged.")
        return sealed


async def test_a_corrupt_state_is_told_to_its_owner_alone_and_hides_no_message(
    make_adapter, backend, tmp_path, clock, told
):
    async with make_adapter(backend, tmp_path, clock=clock, codec=Damaged()) as adapter:
        for name, user in {"mine": ME, "theirs": "you"}.items():
            await adapter.sessions.save(Session(id=name, user_id=user))
            await adapter.messages.append(name, say("a"))
        view = new_view(adapter, told)
        with pytest.raises(CorruptRecord):
            await view.sessions.get("mine")
        assert [message.id for message in await view.messages.find("mine")] == ["a"]
        [stored] = await view.messages.append("mine", say("b"))
        assert stored.seq == 2
        assert told == []
        assert await view.sessions.get("theirs") is None
        with pytest.raises(NotFound):
            await view.messages.find("theirs")
        with pytest.raises(NotFound):
            await view.messages.append("theirs", say("b"))
        assert told == ["theirs"] * 3
        assert await new_view(adapter).sessions.delete("mine") is True


# --- the adapter -------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["", " ", "a\nb", "x" * 256, 5, None, b"me"])
def test_a_view_is_of_a_user(adapter, wrong):
    with pytest.raises(InvalidIdentifier):
        UserView(adapter, wrong)


async def test_what_concerns_no_session_is_handed_on(view, adapter):
    assert view.capabilities == adapter.capabilities
    assert (view.durability, view.limits) == (adapter.durability, adapter.limits)
    assert (view.findings, view.schema) == (adapter.findings, adapter.schema)
    await view.ping()
    with pytest.raises(InvalidArgument):
        await view.sweep(limit=0)
    with pytest.raises(InvalidArgument):
        await view.commit(Session(id="s"))


async def test_a_sweep_frees_what_is_dead(view, adapter, clock):
    await fill(adapter, clock, others=True)
    clock.pass_(hours=2)
    assert await view.sweep(limit=1) > 0
    while await view.sweep():
        pass
    assert await adapter.sweep() == 0


async def test_a_view_offers_no_more_than_it_understands(adapter):
    class More:
        sessions, messages = adapter.sessions, adapter.messages
        capabilities = adapter.capabilities | {"records"}

        def port(self, kind):
            return kind()

    view = UserView(More(), ME)
    assert view.capabilities == adapter.capabilities
    with pytest.raises(UnsupportedCapability):
        view.port(dict)


async def test_a_view_opens_the_adapter_and_closes_nothing(make_adapter, backend, tmp_path, clock):
    adapter = make_adapter(backend, tmp_path, clock=clock)
    async with UserView(adapter, ME) as view:
        await view.sessions.save(Session(id="s"))
    await view.aclose()
    assert (await adapter.sessions.get("s")).user_id == ME
    await adapter.aclose()


async def test_in_another_tenant_it_is_the_same_user(view, adapter, told):
    other = adapter.for_tenant("t")
    await adapter.sessions.save(Session(id="s", user_id=ME))
    await other.sessions.save(Session(id="s", user_id="you"))
    await other.sessions.save(Session(id="mine", user_id=ME))
    assert await view.sessions.get("s") is not None
    there = view.for_tenant("t")
    assert (await there.sessions.get("mine")).user_id == ME
    assert told == []
    assert await there.sessions.get("s") is None
    assert told == ["s"]
    assert await view.sessions.get("mine") is None
