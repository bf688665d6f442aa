"""What a user said, and passwords, are in no error: neither in its text, nor in its causes."""

import pickle

import pytest

import holdfast
from holdfast import HoldfastError, Limits, Message, Session, SessionQuery, Turn

SECRET = "".join(["hun", "ter", "2"])


def told(error):
    """All that an error and what led to it would print."""
    seen, texts = set(), []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ if error.__suppress_context__ else error.__context__
    return "\n".join(texts)


WRONG = [
    lambda: Message(role="user", content=SECRET, raw=object()),
    lambda: Message(role="user", content=SECRET, created_at=SECRET),
    lambda: Message(role="user", content={SECRET: SECRET}),
    lambda: Message(role="user", content=[{"type": "text", "text": [SECRET]}]),
    lambda: Message(role="user", content=[{"type": "media", "data": SECRET}]),
    lambda: Message(role="user", content=[{"type": [SECRET], "data": SECRET}]),
    lambda: Message(role="user", content=[SECRET]),
    lambda: Message(role="user", metadata=SECRET),
    lambda: Message(role="user", name=[SECRET]),
    lambda: Message(role="user", tool_calls=SECRET),
    lambda: Message(role="user", content=b"x", tool_call_id=[SECRET]),
    lambda: Message(role="user", metadata={"a": [SECRET, object()]}),
    lambda: Message(role="user", metadata={"a": float("nan"), "b": SECRET}),
    lambda: Message(role="user", content=SECRET + "\ud800"),
    lambda: Message(role="user", content=SECRET * 20_000),
    lambda: Message(id="m", role="user", content=SECRET),
]


@pytest.mark.parametrize("make", WRONG)
async def test_no_word_of_a_message_is_in_an_error(open_adapter, make):
    adapter = await open_adapter(limits=Limits(message_bytes=100_000))
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(id="m", role="user", content="other words")])
    with pytest.raises(HoldfastError) as caught:
        await adapter.messages.append("s", [make()])
    assert SECRET not in told(caught.value)
    assert SECRET not in told(pickle.loads(pickle.dumps(caught.value)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Session(id="s", data=SECRET),
        lambda: Session(id="s", data={"a": SECRET, "b": object()}),
        lambda: Session(id="s", data={"a": SECRET * 200_000, "b": "x" * 3_000_000}),
        lambda: Session(id="s", metadata=[SECRET]),
        lambda: Session(id="s", data_by_route={"a": SECRET}),
        lambda: Session(id="s", current_route=[SECRET]),
        lambda: Session(id="s", expires_at=SECRET),
        lambda: Session(id="s", version=3, data={"a": SECRET}),
        lambda: Session(id="s", user_id="u", data={"a": SECRET}),
        lambda: Turn(session_id="s", messages=SECRET),
        lambda: Turn(session_id="s", session={"data": SECRET}),
        lambda: SessionQuery(limit=SECRET),
        lambda: SessionQuery(cursor=SECRET),
    ],
)
async def test_no_word_of_a_state_or_a_query_is_in_an_error(adapter, make):
    await adapter.sessions.save(Session(id="s"))
    with pytest.raises(HoldfastError) as caught:
        made = make()
        await (adapter.sessions.find(made) if isinstance(made, SessionQuery) else adapter.sessions.save(made))
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize(
    "key", ["k" * 10_000, "k " * 10_000, "\x1b[31m" * 100, "é" * 10_000], ids=["word", "words", "ansi", "é"]
)
async def test_a_key_in_a_path_is_short_and_escaped(adapter, key):
    with pytest.raises(HoldfastError) as caught:
        await adapter.sessions.save(Session(id="s", data={key: object()}))
    assert len(str(caught.value)) < 300
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}#et@h:x",
        f"nosuch://user:{SECRET}@host/db",
        f"memory://user:{SECRET}@host",
        f"memory://:{SECRET}@",
        f"sqlite://user:{SECRET}@host/x.db",
        f"sqlite:///x.db?password={SECRET}&timeout=x",
        f"sqlite:///x.db?timeout={SECRET}",
        f"sqlite:///x.db?timeout=1&timeout={SECRET}",
        f"sqlite:///x.db?{SECRET}",
        f"sqlite:///x.db#{SECRET}",
        f"memory://[{SECRET}",
        f"sqlite://:{SECRET}@h:99999999/x?readers=1",
        f"{SECRET}",
        f"//{SECRET}@host",
    ],
)
def test_no_password_of_a_url_is_in_an_error(url):
    with pytest.raises(HoldfastError) as caught:
        holdfast.open(url)
    assert SECRET not in told(caught.value)
