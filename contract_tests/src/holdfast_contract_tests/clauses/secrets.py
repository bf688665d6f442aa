"""What a user said is in no error, neither in its text nor in its causes, and in no log."""

import logging
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from holdfast import Adapter, Capability, HoldfastError, Limits, Message, Session, SessionQuery, Text, Turn
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause

SECRET = "".join(["hun", "ter", "2"])


def _told(error: BaseException | None) -> str:
    """All that an error and what led to it would print."""
    seen: set[int] = set()
    texts: list[str] = []
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        notes = getattr(error, "__notes__", [])
        texts += [str(error), repr(error), repr(error.args), repr(vars(error)), *notes]
        error = error.__cause__ if error.__suppress_context__ else error.__context__
    return "\n".join(texts)


async def _discreet(call: Callable[[], Any]) -> HoldfastError:
    """The error of a call that must fail with one of ours, after it was searched for the secret."""
    try:
        answer = await call()
    except HoldfastError as error:
        _search(error, "the error, or what caused it")
        _search(pickle.loads(pickle.dumps(error)), "the error that went through pickle")  # noqa: S301 - our own
        return error
    raise AssertionError(f"expected an error, but the call was answered: {type(answer).__name__}")


def _search(error: BaseException, what: str) -> None:
    told = _told(error)
    at = told.find(SECRET)
    assert at < 0, f"{what} tells what the user said: …{told[max(0, at - 60) : at + 20]!r}…"


MESSAGES: Mapping[str, Callable[[], Message]] = {
    "raw that does not travel": lambda: _message(content=SECRET, raw=object()),
    "a wrong time": lambda: _message(content=SECRET, created_at=SECRET),
    "content that is an object": lambda: _message(content={SECRET: SECRET}),
    "a text part with a list": lambda: _message(content=[{"type": "text", "text": [SECRET]}]),
    "media without a type": lambda: _message(content=[{"type": "media", "data": SECRET}]),
    "a part whose type is a list": lambda: _message(content=[{"type": [SECRET], "data": SECRET}]),
    "a part that is text": lambda: _message(content=[SECRET]),
    "metadata that are text": lambda: _message(metadata=SECRET),
    "a name that is a list": lambda: _message(name=[SECRET]),
    "tool_calls that are text": lambda: _message(tool_calls=SECRET),
    "tool_call_id that is a list": lambda: _message(content=b"x", tool_call_id=[SECRET]),
    "an object in the metadata": lambda: _message(metadata={"a": [SECRET, object()]}),
    "NaN in the metadata": lambda: _message(metadata={"a": float("nan"), "b": SECRET}),
    "a lone surrogate": lambda: _message(content=SECRET + "\ud800"),
    "a lone surrogate in a part": lambda: _message(content=[Text(text=SECRET + "\ud800")]),
    "a long text": lambda: _message(content=SECRET * 20_000),
    "other words under a known id": lambda: _message(id="m", content=SECRET),
    "a name that became bytes": lambda: _message(content=SECRET).model_copy(update={"name": SECRET.encode()}),
    "a content that became a set": lambda: _message().model_copy(update={"content": {SECRET}}),
}


def _message(**fields: Any) -> Message:
    said: dict[str, Any] = {"role": "user", **fields}
    return Message(**said)


@clause(
    "errors.messages",
    "No error of an append or a commit tells what a message says, and it can be pickled.",
    level=Level.SMOKE,
)
async def messages(case: Case) -> None:
    adapter = unwatched(await case.open(limits=Limits(message_bytes=100_000)))
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(id="m", role="user", content="other words")])
    for name, make in MESSAGES.items():
        with case.about(name):
            await _discreet(partial(_append, adapter, make))
            await _discreet(partial(_commit, adapter, make))


async def _append(adapter: Adapter, make: Callable[[], Message]) -> Any:
    return await adapter.messages.append("s", [make()])


async def _commit(adapter: Adapter, make: Callable[[], Message]) -> Any:
    return await adapter.commit(Turn(session_id="s", messages=[make()]))


@clause("errors.guards", "No error of a guard tells what was to be written, or what is there.", level=Level.SMOKE)
async def guards(case: Case) -> None:
    adapter = await case.open()
    said = [Message(id="m", role="user", content=SECRET, metadata={SECRET: SECRET})]
    mine = Session(id="s", user_id="u", data={"a": SECRET})
    first = await adapter.commit(Turn(id="t", session_id="s", session=mine, messages=said))
    other = [Message(id="m", role="user", content=f"not {SECRET}")]
    new = [Message(role="user", content=SECRET)]
    state = Session(id="s", user_id="u", data={"b": SECRET})
    calls: dict[str, Callable[[], Any]] = {
        "a stale version": lambda: adapter.sessions.save(state),
        "a stale version in a turn": lambda: adapter.commit(Turn(session_id="s", session=state, messages=new)),
        "a stale position": lambda: adapter.messages.append("s", new, last_seq=0),
        "another user's session": lambda: adapter.sessions.save(
            Session(id="s", user_id="v", data={"a": SECRET}), expected="any"
        ),
        "another life": lambda: adapter.commit(Turn(session_id="s", key="x", messages=new)),
        "other words under one id": lambda: adapter.messages.append("s", other),
        "another write under one turn": lambda: adapter.commit(
            Turn(id="t", session_id="s", session=state, expected=first.session.version)
        ),
        "no session": lambda: adapter.messages.append("absent", new),
        "no session to save": lambda: adapter.sessions.save(
            Session(id="absent", data={"a": SECRET}), expected="any"
        ),
        "one id twice": lambda: adapter.messages.append("s", [*other, *said]),
        "a stale deletion": lambda: adapter.sessions.delete("s", expected=9),
    }
    for name, call in calls.items():
        with case.about(name):
            await _discreet(call)


@clause(
    "errors.replacement",
    "No error of a replacement tells what it says, or what is there.",
    needs=[Capability.REPLACE],
)
async def replacement(case: Case) -> None:
    adapter = await case.open(limits=Limits(message_bytes=1000))
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [_message(id="m", content=SECRET)])
    wrong: dict[str, Callable[[], Any]] = {
        "no such message": lambda: adapter.messages.replace("s", _message(id="absent", content=SECRET)),
        "no such session": lambda: adapter.messages.replace("absent", _message(id="m", content=SECRET)),
        "too long": lambda: adapter.messages.replace("s", _message(id="m", content=SECRET * 1000)),
        "a lone surrogate": lambda: adapter.messages.replace("s", _message(id="m", content=f"{SECRET}\ud800")),
    }
    for name, call in wrong.items():
        with case.about(name):
            await _discreet(call)


STATES: Mapping[str, Callable[[], Any]] = {
    "data that are text": lambda: Session(id="s", data=SECRET),  # type: ignore[arg-type]
    "an object beside": lambda: Session(id="s", data={"a": SECRET, "b": object()}),
    "a long state": lambda: Session(id="s", data={"a": SECRET * 2000, "b": "x" * 30_000}),
    "metadata that are a list": lambda: Session(id="s", metadata=[SECRET]),  # type: ignore[arg-type]
    "a route that is text": lambda: Session(id="s", data_by_route={"a": SECRET}),  # type: ignore[dict-item]
    "a current route that is a list": lambda: Session(id="s", current_route=[SECRET]),  # type: ignore[arg-type]
    "a lifetime that is text": lambda: Session(id="s", expires_at=SECRET),  # type: ignore[arg-type]
    "a stale version": lambda: Session(id="s", version=3, data={"a": SECRET}),
    "another user's session": lambda: Session(id="s", user_id="u", data={"a": SECRET}),
    "data that became text": lambda: Session(id="s").model_copy(update={"data": SECRET}),
    "a route that became bytes": lambda: Session(id="s").model_copy(update={"current_route": SECRET.encode()}),
}
QUERIES: Mapping[str, Callable[[], SessionQuery]] = {
    "a limit that is text": lambda: SessionQuery(limit=SECRET),  # type: ignore[arg-type]
    "a cursor that is none": lambda: SessionQuery(cursor=SECRET),
    "an order that is none": lambda: SessionQuery(order=SECRET),  # type: ignore[arg-type]
}
TURNS: Mapping[str, Callable[[], Turn]] = {
    "messages that are text": lambda: Turn(session_id="s", messages=SECRET),  # type: ignore[arg-type]
    "a state that is an object": lambda: Turn(session_id="s", session={"data": SECRET}),  # type: ignore[arg-type]
}


async def _made(call: Callable[[Any], Any], make: Callable[[], Any]) -> Any:
    return await call(make())


@clause("errors.states", "No error of a save, a commit or a listing tells what a state or a query holds.")
async def states(case: Case) -> None:
    adapter = unwatched(await case.open(limits=Limits(state_bytes=20_000)))
    await adapter.sessions.save(Session(id="s"))
    groups: list[tuple[Mapping[str, Callable[[], Any]], Callable[[Any], Any]]] = [
        (STATES, adapter.sessions.save),
        (STATES, lambda state: adapter.commit(Turn(session_id="s", session=state))),
        (QUERIES, adapter.sessions.find),
        (TURNS, adapter.commit),
    ]
    for makers, call in groups:
        for name, make in makers.items():
            with case.about(name):
                await _discreet(partial(_made, call, make))


@clause("errors.paths", "A key in an error's path is short, and what could deceive a reader is escaped.")
async def paths(case: Case) -> None:
    adapter = await case.open()
    hostile = {
        "a word": "k" * 10_000,
        "words": "k " * 10_000,
        "controls": "\x1b[31m" * 100,
        "two-byte letters": "é" * 10_000,
        "lines": "a\nERROR b\r\nc",
        "text turned around": "\u202eabc",
    }
    for name, key in hostile.items():
        with case.about(name):
            session = Session(id="s", data={key: object()})
            text = str(await _discreet(partial(adapter.sessions.save, session)))
            assert len(text) < 300, f"the error's text has {len(text):,} characters"
            assert text.isprintable(), f"the error's text holds what is no printable character: {text!a}"


class _Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = [record.getMessage()]
        if record.exc_info and record.exc_info[1]:
            said.append(_told(record.exc_info[1]))
        self.lines.append(f"{record.name}: {' '.join(said)}")


@clause("errors.logs", "No line that is logged, from INFO up, and no name of the adapter tells what a user said.")
async def logs(case: Case) -> None:
    listener, root = _Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.INFO)
    try:
        adapter = await case.open()
        state = Session(id="s", data={"a": SECRET}, metadata={SECRET: 1})
        said = [Message(id="m", role="user", content=SECRET, raw=[SECRET])]
        await adapter.commit(Turn(session_id="s", session=state, messages=said))
        await adapter.messages.find("s")
        await adapter.sessions.find(SessionQuery(with_state=True))
        await _discreet(lambda: adapter.sessions.save(state))
        await _discreet(lambda: adapter.messages.append("s", [_message(id="m", content=f"not {SECRET}")]))
        named = [repr(adapter), repr(adapter.sessions), repr(adapter.messages), repr(adapter.findings)]
    finally:
        root.setLevel(level)
        root.removeHandler(listener)
    for line in (*listener.lines, *named):
        assert SECRET not in line, f"this tells what the user said: {line!r:.300}"
