"""Identifiers: almost anything is legal, harmless and exact; the rest is refused before anything is sent."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import InvalidArgument, InvalidIdentifier, Message, Session, SessionQuery, Turn, ids

# ruff: noqa: E501, Q003 - lists of hard and of refused ids
HARD = [
    "a", "A", "á", "a\u0301", "ａ", "a ", " a", "a\u00a0", "a\u200b", "a\u200d", "😀", "👨‍👩‍👧", "会話", "٧", "7", "07", "+7", "7.0",
    ":", "a:b", "a:b:c", "s:*:1", "*", "?", "[a]", "a*", "{}", "{a}{b}", "}{", "{a", "/", "a/b", "../../etc/x", "..", ".", "C:\\x",
    "%", "_", "a%b", "'", "''", '"', "`", "x') OR '1'='1", "m\"; DROP TABLE x; --", "$set", "a.b", "$", "@a:{*}", "tenant:* OR x",
    "null", "None", "true", "\\", "\\x00", "\\u0000", "#", "?x=1", "a,b", "[]", '["a"]', "~", "~#", "<script>", "a\u2028b", "\ufeff", "\uffff",
    "\ue000", "\U0010ffff", "\u3000x", "x" * 255, "é" * 127 + "x", "😀" * 63 + "abc",
]  # fmt: skip

REFUSED = [
    "", " ", "   ", "\u3000", "\x00", "a\x00", "a\x00b", "a\nb", "a\r\nb", "\t", "a\x1bb", "a\x7f", "a\x80", "a\x9f", "\x85",
    "x" * 256, "é" * 128, "😀" * 64, "x" * 12_000, "x" * 10_000_000, "\ud800", "a\udfff", "\udbff\udfff"[::-1],
    "a\u202eb", "\u202a", "\u202b", "\u202c", "\u202d", "\u2066", "\u2067", "\u2068", "\u2069", "\u061c", "\u200e", "\u200f",
    None, 5, 1.5, True, b"a", {"$gt": ""}, ["a"], ("a",), object(),
]  # fmt: skip


def shown(value):
    return f"{value!r:.20}".encode("ascii", "replace").decode()


async def test_hard_ids_are_exact_and_apart(adapter, everything):
    assert len({identifier.encode() for identifier in HARD}) == len(HARD)
    for number, hard in enumerate(HARD):
        session = Session(id=hard, user_id=hard, agent=hard, status=hard, data={"n": number})
        saved = await adapter.sessions.save(session)
        assert (saved.id, saved.user_id, saved.agent, saved.status) == (hard,) * 4
        message = Message(id=hard, role=hard, user_id=hard, content=str(number))
        await adapter.commit(Turn(id=hard, session_id=hard, messages=[message]))
    for number, hard in enumerate(HARD):
        session = await adapter.sessions.get(hard)
        assert (session.id, session.user_id, session.data, session.last_seq) == (hard, hard, {"n": number}, 1)
        [message] = await adapter.messages.find(hard)
        assert (message.id, message.role, message.turn_id, message.user_id) == (hard,) * 4
        assert await adapter.messages.get(hard, hard) == message
        for query in ({"user_id": hard}, {"agent": hard}, {"status": hard}):
            assert [info.id for info in await adapter.sessions.find(SessionQuery(**query))] == [hard]
    listed = await adapter.sessions.find(SessionQuery(order="created", limit=1000))
    assert [info.id for info in listed] == sorted(HARD)
    half = HARD[::2]
    for hard in half:
        assert await adapter.sessions.delete(hard)
    left = await adapter.sessions.find(SessionQuery(order="created", limit=1000))
    assert [info.id for info in left] == sorted(set(HARD) - set(half))


async def test_hard_ids_of_messages_live_in_one_session(adapter):
    await adapter.sessions.save(Session(id="s"))
    stored = await adapter.messages.append("s", [Message(id=hard, role="user", content=hard) for hard in HARD])
    for message in stored:
        assert await adapter.messages.get("s", message.id) == message
    again = await adapter.messages.append("s", [Message(id=hard, role="user", content=hard) for hard in HARD])
    assert tuple(again) == tuple(stored)
    await adapter.messages.replace("s", Message(id="*", role="user", content="redacted"))
    changed = [message.id for message in await adapter.messages.find("s") if message.content != message.id]
    assert changed == ["*"]


async def test_hard_ids_are_tenants(adapter):
    for hard in HARD:
        await adapter.for_tenant(hard).sessions.save(Session(id="s", data={"of": hard}))
    for hard in HARD:
        [session] = await adapter.for_tenant(hard).sessions.find(SessionQuery(with_state=True))
        assert session.data == {"of": hard}
    assert (await adapter.sessions.find(SessionQuery())).items == ()


async def test_hard_ids_are_parents(adapter):
    for number, hard in enumerate(HARD):
        await adapter.sessions.save(Session(id=hard))
        await adapter.sessions.save(Session(id=f"child {number}", parent_id=hard))
    for number, hard in enumerate(HARD):
        found = await adapter.sessions.find(SessionQuery(parent=hard))
        assert [(info.id, info.parent_id) for info in found] == [(f"child {number}", hard)]


legal = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(
    lambda text: not text.isspace() and not set(text) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=legal, second=legal)
async def test_any_two_legal_ids_are_one_only_if_they_are_equal(adapter, first, second):
    view = adapter.for_tenant(ids.new_id())
    for name in {first, second}:
        await view.sessions.save(Session(id=name, data={"id": name}))
        await view.messages.append(name, [Message(id=name, role="user", content=name)])
    for name in {first, second}:
        assert (await view.sessions.get(name)).data == {"id": name}
        assert (await view.messages.get(name, name)).content == name
    assert {info.id for info in await view.sessions.find(SessionQuery())} == {first, second}


CALLS = {
    "sessions.get": lambda a, x: a.sessions.get(x),
    "sessions.save": lambda a, x: a.sessions.save(Session(id=x)),
    "sessions.save user": lambda a, x: a.sessions.save(Session(id="s", user_id=x)),
    "sessions.save agent": lambda a, x: a.sessions.save(Session(id="s", agent=x)),
    "sessions.save parent": lambda a, x: a.sessions.save(Session(id="s", parent_id=x)),
    "sessions.save status": lambda a, x: a.sessions.save(Session(id="s", status=x)),
    "sessions.save turn": lambda a, x: a.sessions.save(Session(id="s"), turn_id=x),
    "sessions.delete": lambda a, x: a.sessions.delete(x),
    "sessions.find user": lambda a, x: a.sessions.find(SessionQuery(user_id=x)),
    "sessions.find agent": lambda a, x: a.sessions.find(SessionQuery(agent=x)),
    "sessions.find status": lambda a, x: a.sessions.find(SessionQuery(status=x)),
    "sessions.find parent": lambda a, x: a.sessions.find(SessionQuery(parent=x)),
    "messages.append": lambda a, x: a.messages.append(x, [Message(role="user")]),
    "messages.append id": lambda a, x: a.messages.append("s", [Message(id=x, role="user")]),
    "messages.append role": lambda a, x: a.messages.append("s", [Message(role=x)]),
    "messages.append user": lambda a, x: a.messages.append("s", [Message(role="user", user_id=x)]),
    "messages.append turn": lambda a, x: a.messages.append("s", [], turn_id=x),
    "messages.find": lambda a, x: a.messages.find(x),
    "messages.get": lambda a, x: a.messages.get(x, "m"),
    "messages.get id": lambda a, x: a.messages.get("s", x),
    "messages.remove": lambda a, x: a.messages.remove(x, after=0, through=1),
    "messages.remove turn": lambda a, x: a.messages.remove("s", after=0, through=1, turn_id=x),
    "messages.replace": lambda a, x: a.messages.replace(x, Message(id="m", role="user")),
    "messages.replace id": lambda a, x: a.messages.replace("s", Message(id=x, role="user")),
    "commit": lambda a, x: a.commit(Turn(session_id=x)),
    "commit turn": lambda a, x: a.commit(Turn(id=x, session_id="s")),
    "for_tenant": lambda a, x: a.for_tenant(x),
}
OPTIONAL = ("user", "agent", "parent", "turn", "status")


@pytest.mark.parametrize("value", REFUSED, ids=shown)
async def test_what_is_no_identifier_is_refused_in_every_place(adapter, refused_at_once, value):
    for name, call in CALLS.items():
        if value is None and name.endswith(OPTIONAL):
            continue
        kind = InvalidIdentifier if isinstance(value, str) else InvalidArgument
        error = refused_at_once(lambda call=call: call(adapter, value), kind)
        assert len(str(error)) < 300
    assert (await adapter.sessions.find(SessionQuery(nested=True))).items == ()


@pytest.mark.parametrize("size", [1, 254, 255])
async def test_an_id_may_have_255_bytes(adapter, size):
    await adapter.sessions.save(Session(id="x" * size))
    assert (await adapter.sessions.get("x" * size)).id == "x" * size
