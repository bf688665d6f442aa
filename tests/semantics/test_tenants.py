"""Tenants: rows of one can neither be seen nor changed from another, by any public method."""

import inspect

import pytest

from holdfast import (
    Adapter,
    InvalidIdentifier,
    Message,
    MessageRepository,
    NotFound,
    Session,
    SessionQuery,
    SessionRepository,
    Turn,
)


@pytest.fixture
async def views(adapter, say):
    """The default tenant and two others; only the first one's session has anything."""
    views = {"": adapter, "t": adapter.for_tenant("t"), "T": adapter.for_tenant("T")}
    await views["t"].sessions.save(Session(id="s", user_id="u", data={"a": 1}))
    await views["t"].messages.append("s", say("a", "b", "c"))
    await views["t"].sessions.save(Session(id="child", parent_id="s"))
    return views


async def nothing(call):
    assert await call in (None, False, 0)


async def empty(call):
    assert len(await call) == 0


async def not_found(call):
    with pytest.raises(NotFound) as caught:
        await call
    assert type(caught.value) is NotFound


async def harmless(call):
    await call


async def _whole(view):
    return await view.sessions.get("s")


# For each public method: calls from another tenant, and what must come of them.
PROBES = {
    "sessions.get": lambda a, s: [(nothing, a.sessions.get("s"))],
    "sessions.save": lambda a, s: [
        (not_found, a.sessions.save(s)),
        (not_found, a.sessions.save(s, expected="any")),
        (not_found, a.sessions.save(Session(id="x", parent_id="s"))),
    ],
    "sessions.find": lambda a, s: [
        (empty, a.sessions.find(SessionQuery(nested=True, include_expired=True))),
        (empty, a.sessions.find(SessionQuery(parent="s"))),
        (empty, a.sessions.find(SessionQuery(user_id="u", with_state=True))),
    ],
    "sessions.delete": lambda a, s: [(nothing, a.sessions.delete("s")), (nothing, a.sessions.delete("child"))],
    "messages.append": lambda a, s: [(not_found, a.messages.append("s", [Message(id="a", role="user")]))],
    "messages.find": lambda a, s: [(not_found, a.messages.find("s"))],
    "messages.get": lambda a, s: [(not_found, a.messages.get("s", "a"))],
    "messages.remove": lambda a, s: [(not_found, a.messages.remove("s", after=0, through=3))],
    "messages.replace": lambda a, s: [(not_found, a.messages.replace("s", Message(id="a", role="user")))],
    "commit": lambda a, s: [
        (not_found, a.commit(Turn(session_id="s", messages=[Message(id="x", role="user")]))),
        (not_found, a.commit(Turn(session_id="s", session=s, remove=(0, 3)))),
        (not_found, a.commit(Turn(session_id="s", key=s.key, messages=[Message(id="x", role="user")]))),
    ],
    "sweep": lambda a, s: [(nothing, a.sweep())],
    "ping": lambda a, s: [(harmless, a.ping())],
    "initialize": lambda a, s: [(harmless, a.initialize())],
}
# These have nothing to do with rows, or have a test of their own here.
WITHOUT_ROWS = {"aclose", "for_tenant", "port", "sessions", "messages"}
WITHOUT_ROWS |= {"capabilities", "durability", "limits", "findings"}


def public(protocol, prefix=""):
    return {prefix + name for name, _ in inspect.getmembers(protocol) if not name.startswith("_")}


def test_every_public_method_is_probed():
    methods = public(SessionRepository, "sessions.") | public(MessageRepository, "messages.") | public(Adapter)
    assert methods == PROBES.keys() | WITHOUT_ROWS


def test_adapters_have_no_public_method_that_the_probes_do_not_know(adapter):
    own = {"from_url", "snapshot", "clear"}
    assert public(type(adapter)) <= PROBES.keys() | WITHOUT_ROWS | own
    assert public(type(adapter.sessions), "sessions.") <= PROBES.keys()
    assert public(type(adapter.messages), "messages.") <= PROBES.keys()


@pytest.mark.parametrize("stranger", ["", "T"])
@pytest.mark.parametrize("method", PROBES)
async def test_another_tenants_session_is_as_if_there_were_none(views, everything, stranger, method):
    session = await _whole(views["t"])
    before = await everything(views["t"])
    for check, call in PROBES[method](views[stranger], session):
        await check(call)
    assert await everything(views["t"]) == before
    assert await everything(views[stranger]) == ((), [])


@pytest.mark.parametrize("stranger", ["", "T"])
async def test_one_id_is_another_session_in_each_tenant(views, everything, stranger, say):
    before = await everything(views["t"])
    mine = views[stranger]
    session = await mine.sessions.save(Session(id="s", data={"b": 2}))
    assert session.key != (await _whole(views["t"])).key
    [stored] = await mine.messages.append("s", [Message(id="a", role="user", content="mine")], turn_id="t1")
    assert stored.seq == 1
    await mine.messages.replace("s", Message(id="a", role="user", content="redacted"))
    await mine.messages.remove("s", after=0, through=1)
    assert await mine.sessions.delete("s")
    assert await everything(views["t"]) == before


async def test_a_turn_of_one_tenant_is_no_replay_in_another(views):
    turn = Turn(session_id="n", session=Session(id="n"), messages=[Message(id="a", role="user")])
    for view in views.values():
        assert not (await view.commit(turn)).replayed


async def test_errors_of_missing_and_foreign_sessions_read_the_same(views):
    texts = set()
    for session_id in ("s", "none"):
        with pytest.raises(NotFound) as caught:
            await views[""].messages.append(session_id, [Message(role="user")])
        texts.add(str(caught.value).replace(repr(session_id), "…"))
    assert len(texts) == 1


async def test_a_view_of_a_view_replaces_and_does_not_nest(views):
    nested = views["T"].for_tenant("t")
    assert await _whole(nested) == await _whole(views["t"])
    assert await _whole(views["t"].for_tenant("T")) is None


async def test_tenant_and_id_do_not_run_into_each_other(adapter):
    pairs = [("a", "b:c"), ("a:b", "c"), ("a", "b/c"), ("a/b", "c"), ("ab", "c"), ("a", "bc"), ('a","b', "c")]
    for tenant, session_id in pairs:
        session = Session(id=session_id, data={"of": [tenant, session_id]})
        await adapter.for_tenant(tenant).sessions.save(session)
    for tenant, session_id in pairs:
        view = adapter.for_tenant(tenant)
        assert (await view.sessions.get(session_id)).data == {"of": [tenant, session_id]}
        listed = [info.id for info in await view.sessions.find(SessionQuery())]
        assert sorted(listed) == sorted(other for name, other in pairs if name == tenant)


@pytest.mark.parametrize("tenant", ["", " ", "\x00", "a\nb", "x" * 256, "\ud800", None, 5, b"t", ["t"]], ids=repr)
async def test_a_tenant_is_an_identifier(adapter, tenant):
    with pytest.raises(InvalidIdentifier):
        adapter.for_tenant(tenant)


async def test_closing_a_view_closes_nothing(views):
    await views["t"].aclose()
    async with views["t"]:
        pass
    assert await _whole(views["t"]) is not None
    await views[""].ping()


async def test_a_view_shares_what_the_adapter_is(adapter):
    view = adapter.for_tenant("t")
    assert type(view) is type(adapter)
    assert view.capabilities == adapter.capabilities
    assert view.durability == adapter.durability
    assert view.limits == adapter.limits
    assert view.findings == adapter.findings


async def test_a_view_made_before_opening_works_after_it(new_adapter):
    adapter = new_adapter()
    view = adapter.for_tenant("t")
    async with adapter:
        await view.sessions.save(Session(id="s"))
        assert await adapter.sessions.get("s") is None
        assert view.capabilities == adapter.capabilities


async def test_the_default_tenant_is_no_other(adapter):
    await adapter.sessions.save(Session(id="s"))
    for tenant in ("default", "None", "null", "0", "''"):
        assert await adapter.for_tenant(tenant).sessions.get("s") is None
