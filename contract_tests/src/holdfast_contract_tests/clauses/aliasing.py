"""Nothing that was handed in or out is the stored thing itself."""

import asyncio
import copy
from typing import Any

from holdfast import Adapter, Capability, Message, Session, SessionQuery, Text, ToolCall, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


def _spoil(value: Any) -> None:
    """Change everything that can be changed in a value."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            _spoil(inner)
        value["spoiled"] = True
    elif isinstance(value, list | tuple):
        for inner in list(value):
            _spoil(inner)
        if isinstance(value, list):
            value.append("spoiled")
    elif isinstance(value, set):
        value.add("spoiled")
    elif hasattr(value, "__dict__"):
        for inner in [*vars(value).values(), getattr(value, "model_extra", None)]:
            _spoil(inner)


def _rich(message_id: str = "m") -> Message:
    content: Any = [
        Text.model_validate({"text": "a", "extra": {"e": [1]}}),
        ToolCall(id="1", name="f", args={"a": [1], "b": ({"c": 1},)}),
    ]
    return Message(id=message_id, role="user", content=content, metadata={"m": [1]}, raw={"r": [{"x": {1}}]})


def _full(session_id: str) -> Session:
    data: dict[str, Any] = {"list": [1], "dict": {"a": 1}, "tuple": ([1],)}
    session = Session(id=session_id, data=data, metadata={"b": {}}, data_by_route={"r": {"c": [1]}})
    session.enter_route("one")
    return session


async def _seen(case: Case, adapter: Adapter) -> Any:
    """All that can be read, in every way; nobody else has these objects."""
    [listed] = await case.everything(adapter)
    names = [(session.id, [one.id for one in said or ()]) for session, said in listed]
    got = {name: await adapter.sessions.get(name) for name, _ in names}
    read = {(name, one): await adapter.messages.get(name, one) for name, said in names for one in said}
    return copy.deepcopy({"listings": listed, "sessions.get": got, "messages.get": read})


async def _a_session(case: Case) -> tuple[Adapter, Session]:
    adapter = await case.open()
    return adapter, await adapter.sessions.save(_full("s"))


@clause(
    "aliasing.passed",
    "What a caller does to a value after it was stored changes nothing.",
    sealed=True,
    level=Level.SMOKE,
)
async def passed(case: Case) -> None:
    adapter, _ = await _a_session(case)
    message, messages, session = _rich("a"), [_rich("b"), _rich("c")], _full("t")
    turn = Turn(session_id="u", session=_full("u"), messages=[_rich("d")])
    await adapter.sessions.save(session)
    await adapter.messages.append("t", [message])
    await adapter.messages.append("t", messages)
    await adapter.commit(turn)
    before = await _seen(case, adapter)
    for value in (message, messages, session, turn):
        _spoil(value)
    session.status, session.agent = "spoiled", "spoiled"
    case.same(await _seen(case, adapter), before, "what is stored, after the caller changed what he had passed")
    case.same([one.id for one in await adapter.messages.find("t")], ["a", "b", "c"], "the messages")


@clause(
    "aliasing.replacement",
    "What a caller does to a replacement afterwards changes nothing.",
    needs=[Capability.REPLACE],
    level=Level.SMOKE,
)
async def replacement(case: Case) -> None:
    adapter, _ = await _a_session(case)
    await adapter.messages.append("s", case.say("m"))
    message = _rich()
    told = await adapter.messages.replace("s", message)
    before = await _seen(case, adapter)
    case.same((message.seq, message.turn_id), (None, None), "position and turn of the message that was passed")
    _spoil(message)
    _spoil(told)
    case.same(await _seen(case, adapter), before, "what is stored, after the caller changed what he had")


@clause(
    "aliasing.returned",
    "What a caller does to an answer changes nothing that is stored.",
    sealed=True,
    level=Level.SMOKE,
)
async def returned(case: Case) -> None:
    adapter, session = await _a_session(case)
    session.data["new"] = [1]
    done = await adapter.commit(Turn(id="t", session_id="s", session=session, messages=[_rich()]))
    saved = await adapter.sessions.save(_full("t"))
    before = await _seen(case, adapter)
    answers: dict[str, Any] = {
        "commit: messages": done.messages,
        "commit: session": done.session,
        "save": saved,
        "append of what is there": await adapter.messages.append("s", [_rich()]),
        "sessions.get": await adapter.sessions.get("s"),
        "sessions.find": (await adapter.sessions.find(SessionQuery(with_state=True))).items,
        "messages.find": (await adapter.messages.find("s")).items,
        "messages.get": await adapter.messages.get("s", "m"),
    }
    for name, answer in answers.items():
        _spoil(answer)
        for one in answer if isinstance(answer, list | tuple) else [answer]:
            if isinstance(one, Session):
                one.status = "spoiled"
        found = await _seen(case, adapter)
        case.same(found, before, f"what is stored, after the caller changed what {name} gave back")


@clause("aliasing.save", "A save leaves its argument alone, and gives back another value.", sealed=True)
async def save(case: Case) -> None:
    adapter, session = await _a_session(case)
    session.data["list"].append(2)
    before = copy.deepcopy(session)
    saved = await adapter.sessions.save(session)
    case.same(session, before, "the session that was passed")
    assert saved is not session, "save gave back the very object that was passed"
    case.same((session.version, saved.version), (1, 2), "the versions, passed and given back")
    _spoil(saved)
    case.same(session, before, "the session that was passed, after the answer was changed")
    stored = await adapter.sessions.get("s")
    _spoil(session)
    case.same(
        await adapter.sessions.get("s"), stored, "what is stored, after the session that was passed was changed"
    )


@clause("aliasing.turn", "A turn and its messages are left alone: positions are in the answer only.", sealed=True)
async def turn(case: Case) -> None:
    adapter, session = await _a_session(case)
    messages = [_rich(), Message(role="user")]
    sent = Turn(session_id="s", session=session, messages=messages)
    before = copy.deepcopy((sent, messages))
    done = await adapter.commit(sent)
    case.same((sent, messages), before, "the turn and the messages that were passed")
    case.same([one.seq for one in messages], [None, None], "the positions in the messages that were passed")
    case.same([one.seq for one in done.messages], [1, 2], "the positions in the answer")
    appended = [Message(id="x", role="user"), _rich("y")]
    before_append = copy.deepcopy(appended)
    told = await adapter.messages.append("s", appended)
    case.same(appended, before_append, "the messages that were passed to append")
    case.same([one.seq for one in told], [3, 4], "the positions that append gave back")


@clause(
    "aliasing.on_its_way",
    "What changes while a write is on its way was not said: the values of the call count.",
    sealed=True,
)
async def on_its_way(case: Case) -> None:
    adapter, session = await _a_session(case)
    message, messages = _rich(), [Message(id="a", role="user", metadata={"a": 1})]
    state = copy.deepcopy(session.data)
    sent = Turn(session_id="s", session=session, messages=[message])
    running = asyncio.ensure_future(adapter.commit(sent))
    beside = asyncio.ensure_future(adapter.messages.append("s", messages))
    await asyncio.sleep(0)
    _spoil(message)
    _spoil(session)
    messages[0].metadata["a"] = 2
    messages.append(Message(id="late", role="user"))
    done, appended = await asyncio.gather(running, beside)
    stored = {one.id: one for one in await adapter.messages.find("s")}
    case.same(sorted(stored), ["a", "m"], "the messages that are stored")
    case.same((stored["m"].metadata, stored["m"].raw), ({"m": [1]}, {"r": [{"x": {1}}]}), "the turn's message")
    case.same(stored["m"].content, _rich().content, "the content of the turn's message")
    case.same(stored["a"].metadata, {"a": 1}, "metadata of the message that was appended")
    found = await adapter.sessions.get("s")
    case.same(found and found.data, state, "the state")
    case.same(
        {one.id: one for one in (*done.messages, *appended)}, {one: stored[one] for one in "ma"}, "the answers"
    )


@clause(
    "aliasing.growing_turn", "A turn whose list of messages grows while it is on its way is stored as it was sent."
)
async def growing_turn(case: Case) -> None:
    adapter, _ = await _a_session(case)
    sent = Turn(session_id="s", messages=[Message(id="a", role="user")])
    running = asyncio.ensure_future(adapter.commit(sent))
    await asyncio.sleep(0)
    if isinstance(sent.messages, list):
        sent.messages.append(Message(id="late", role="user"))
    done = await running
    case.same([one.id for one in done.messages], ["a"], "the messages in the answer")
    case.same([one.id for one in await adapter.messages.find("s")], ["a"], "the messages that are stored")


@clause("aliasing.loads", "Two loads share nothing, at one time or one after the other.")
async def loads(case: Case) -> None:
    adapter, _ = await _a_session(case)
    await adapter.messages.append("s", [_rich()])
    one, two = await asyncio.gather(adapter.sessions.get("s"), adapter.sessions.get("s"))
    first, second = await asyncio.gather(adapter.messages.get("s", "m"), adapter.messages.get("s", "m"))
    here, there = await asyncio.gather(adapter.messages.find("s"), adapter.messages.find("s"))
    session, message = copy.deepcopy(two), copy.deepcopy(second)
    _spoil([one, first, here.items])
    case.same(two, session, "a session that was loaded, after another one was changed")
    case.same(await adapter.sessions.get("s"), session, "a session that is loaded afterwards")
    case.same(second, message, "a message that was read, after another one was changed")
    case.same(await adapter.messages.get("s", "m"), message, "a message that is read afterwards")
    case.same(list(there), [message], "a page that was read, after another one was changed")
    case.same(list(await adapter.messages.find("s")), [message], "a page that is read afterwards")


@clause("aliasing.queries", "Reading leaves its arguments alone.")
async def queries(case: Case) -> None:
    adapter, session = await _a_session(case)
    query = SessionQuery(status=session.status, order="created", with_state=True, limit=5)
    before = copy.deepcopy(query)
    await adapter.sessions.find(query)
    case.same(query, before, "the query that was passed")
