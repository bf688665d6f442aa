"""Arguments of the wrong kind: every call refuses them before anything is sent."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, NamedTuple, cast

from holdfast import (
    Adapter,
    Capability,
    InvalidArgument,
    Message,
    Session,
    SessionInfo,
    SessionQuery,
    Turn,
)
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause

JUNK: list[Any] = [
    5,
    -1,
    1.5,
    True,
    "text",
    b"bytes",
    [],
    (),
    {},
    {"a": 1},
    {"$gt": ""},
    object(),
    Session,
    len,
    ...,
]
NUMBERS: list[Any] = [
    -1,
    -(2**63),
    2**63,
    2**64,
    10**400,
    1.0,
    float("nan"),
    float("inf"),
    True,
    False,
    "1",
    "all",
]


class Hole(NamedTuple):
    """A call with a hole, and the kinds of junk that are legal there; a number is wanted if it is ``[5]``."""

    call: Callable[[Adapter, Any], Any]
    legal: list[Any]


def _message(**fields: Any) -> Message:
    said: dict[str, Any] = {"role": "user", **fields}
    return Message(**said)


def _turn(**fields: Any) -> Turn:
    said: dict[str, Any] = {"session_id": "s", **fields}
    return Turn(**said)


def _copy(model: Any, **changes: Any) -> Any:
    """A model that was changed past its rules, which are checked only when one is made."""
    return model.model_copy(update=changes)


SESSIONS: Mapping[str, Hole] = {
    "save": Hole(lambda a, x: a.sessions.save(x), []),
    "save, expected": Hole(lambda a, x: a.sessions.save(Session(id="s"), expected=x), [5]),
    "save, data": Hole(lambda a, x: a.sessions.save(Session(id="s", data=x)), [{}, {"a": 1}, {"$gt": ""}]),
    "save, metadata": Hole(lambda a, x: a.sessions.save(Session(id="s", metadata=x)), [{}, {"a": 1}, {"$gt": ""}]),
    "save, data_by_route": Hole(lambda a, x: a.sessions.save(Session(id="s", data_by_route=x)), [{}]),
    "save, version": Hole(lambda a, x: a.sessions.save(Session(id="s", version=x)), [5]),
    "save, expires_at": Hole(lambda a, x: a.sessions.save(Session(id="s", expires_at=x)), []),
    "save, completed_at": Hole(lambda a, x: a.sessions.save(Session(id="s", completed_at=x)), []),
    "find": Hole(lambda a, x: a.sessions.find(x), []),
    "find, nested": Hole(lambda a, x: a.sessions.find(SessionQuery(nested=x)), [True]),
    "find, with_state": Hole(lambda a, x: a.sessions.find(SessionQuery(with_state=x)), [True]),
    "find, order": Hole(lambda a, x: a.sessions.find(SessionQuery(order=x)), []),
    "find, limit": Hole(lambda a, x: a.sessions.find(SessionQuery(limit=x)), [5]),
    "find, limit of a copy": Hole(lambda a, x: a.sessions.find(_copy(SessionQuery(), limit=x)), [5]),
    "find, cursor": Hole(lambda a, x: a.sessions.find(SessionQuery(cursor=x)), []),
    "find, cursor of a copy": Hole(lambda a, x: a.sessions.find(_copy(SessionQuery(), cursor=x)), []),
    "find, updated_before": Hole(lambda a, x: a.sessions.find(SessionQuery(updated_before=x)), []),
    "delete, key": Hole(lambda a, x: a.sessions.delete("s", key=x), ["text"]),
    "delete, expected": Hole(lambda a, x: a.sessions.delete("s", expected=x), [5]),
    "delete, last_seq": Hole(lambda a, x: a.sessions.delete("s", last_seq=x), [5]),
    "sweep, limit": Hole(lambda a, x: a.sweep(limit=x), [5]),
}

MESSAGES: Mapping[str, Hole] = {
    "append": Hole(lambda a, x: a.messages.append("s", x), [[], ()]),
    "append, one": Hole(lambda a, x: a.messages.append("s", [_message(), x]), []),
    "append, last_seq": Hole(lambda a, x: a.messages.append("s", [_message()], last_seq=x), [5]),
    "append, content": Hole(lambda a, x: a.messages.append("s", [_message(content=x)]), ["text", []]),
    "append, part": Hole(lambda a, x: a.messages.append("s", [_message(content=[x])]), []),
    "append, name": Hole(lambda a, x: a.messages.append("s", [_message(name=x)]), ["text"]),
    "append, metadata": Hole(
        lambda a, x: a.messages.append("s", [_message(metadata=x)]), [{}, {"a": 1}, {"$gt": ""}]
    ),
    "append, created_at": Hole(lambda a, x: a.messages.append("s", [_message(created_at=x)]), []),
    "append, content of a copy": Hole(
        lambda a, x: a.messages.append("s", [_copy(_message(), content=x)]), ["text", []]
    ),
    "append, part of a copy": Hole(lambda a, x: a.messages.append("s", [_copy(_message(), content=[x])]), []),
    "append, name of a copy": Hole(lambda a, x: a.messages.append("s", [_copy(_message(), name=x)]), ["text"]),
    "append, metadata of a copy": Hole(
        lambda a, x: a.messages.append("s", [_copy(_message(), metadata=x)]), [{}, {"a": 1}, {"$gt": ""}]
    ),
    "append, created_at of a copy": Hole(
        lambda a, x: a.messages.append("s", [_copy(_message(), created_at=x)]), []
    ),
    "find, after": Hole(lambda a, x: a.messages.find("s", after=x), [5]),
    "find, before": Hole(lambda a, x: a.messages.find("s", before=x), [5]),
    "find, last": Hole(lambda a, x: a.messages.find("s", last=x), [5]),
    "find, limit": Hole(lambda a, x: a.messages.find("s", limit=x), [5]),
    "find, align": Hole(lambda a, x: a.messages.find("s", align=x), []),
    "find, cursor": Hole(lambda a, x: a.messages.find("s", cursor=x), []),
    "find, on_corrupt": Hole(lambda a, x: a.messages.find("s", on_corrupt=x), []),
}

TURNS: Mapping[str, Hole] = {
    "commit": Hole(lambda a, x: a.commit(x), []),
    "segment": Hole(lambda a, x: a.commit(_turn(segment=x)), [5]),
    "key": Hole(lambda a, x: a.commit(_turn(key=x)), ["text"]),
    "messages": Hole(lambda a, x: a.commit(_turn(messages=x)), [[], ()]),
    "session": Hole(lambda a, x: a.commit(_turn(session=x)), []),
    "expected": Hole(lambda a, x: a.commit(_turn(session=Session(id="s"), expected=x)), [5]),
    "last_seq": Hole(lambda a, x: a.commit(_turn(last_seq=x)), [5]),
    "segment of a copy": Hole(lambda a, x: a.commit(_copy(_turn(), segment=x)), [5]),
    "messages of a copy": Hole(lambda a, x: a.commit(_copy(_turn(), messages=x)), [[], ()]),
    "session of a copy": Hole(lambda a, x: a.commit(_copy(_turn(), session=x)), []),
    "expected of a copy": Hole(lambda a, x: a.commit(_copy(_turn(session=Session(id="s")), expected=x)), [5]),
    "last_seq of a copy": Hole(lambda a, x: a.commit(_copy(_turn(), last_seq=x)), [5]),
}

REMOVALS: Mapping[str, Hole] = {
    "remove, after": Hole(lambda a, x: a.messages.remove("s", after=x, through=9), [5]),
    "remove, through": Hole(lambda a, x: a.messages.remove("s", after=0, through=x), [5]),
    "turn, remove": Hole(lambda a, x: a.commit(_turn(remove=x)), []),
    "turn, remove after": Hole(lambda a, x: a.commit(_turn(remove=(x, 9))), [5]),
    "turn, remove through": Hole(lambda a, x: a.commit(_turn(remove=(0, x))), [5]),
    "turn, remove of a copy": Hole(lambda a, x: a.commit(_copy(_turn(), remove=x)), []),
    "turn, remove after of a copy": Hole(lambda a, x: a.commit(_copy(_turn(), remove=(x, 9))), [5]),
}

REPLACEMENTS: Mapping[str, Hole] = {
    "replace": Hole(lambda a, x: a.messages.replace("s", x), []),
    "replace, content of a copy": Hole(
        lambda a, x: a.messages.replace("s", _copy(_message(id="m"), content=x)), ["text", []]
    ),
}


def _among(value: object, legal: list[Any]) -> bool:
    return any(type(value) is type(one) and value == one for one in legal)


async def _a_session(case: Case) -> Adapter:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", [Message(id="m", role="user", content="old")])
    return adapter


async def _refuses(case: Case, holes: Mapping[str, Hole]) -> None:
    adapter = await _a_session(case)
    target = unwatched(adapter)  # the journal cannot show a model whose fields are of any kind
    async with case.unchanged(adapter):
        for name, (call, legal) in holes.items():
            junk = [*JUNK, *NUMBERS] if legal == [5] else JUNK
            for value in junk:
                if not _among(value, legal):
                    with case.about(f"{name}: {value!r:.60}"):
                        case.refused_at_once(InvalidArgument, partial(call, target, value))


@clause(
    "inputs.sessions",
    "Calls on sessions refuse arguments of the wrong kind before anything is sent.",
    level=Level.SMOKE,
)
async def sessions(case: Case) -> None:
    await _refuses(case, SESSIONS)


@clause(
    "inputs.messages",
    "Calls on messages refuse arguments of the wrong kind before anything is sent.",
    level=Level.SMOKE,
)
async def messages(case: Case) -> None:
    await _refuses(case, MESSAGES)


@clause(
    "inputs.turns",
    "A commit refuses what is no turn, and turns with wrong parts, before anything is sent.",
    level=Level.SMOKE,
)
async def turns(case: Case) -> None:
    await _refuses(case, TURNS)


@clause(
    "inputs.removals",
    "A removal refuses arguments of the wrong kind before anything is sent.",
    needs=[Capability.REMOVE],
)
async def removals(case: Case) -> None:
    await _refuses(case, REMOVALS)


@clause(
    "inputs.replacements",
    "A replacement refuses arguments of the wrong kind before anything is sent.",
    needs=[Capability.REPLACE],
)
async def replacements(case: Case) -> None:
    await _refuses(case, REPLACEMENTS)


@clause("inputs.page_sizes", "A page of no items, or of fewer, is refused: it never means all, or the end.")
async def page_sizes(case: Case) -> None:
    adapter = await _a_session(case)
    for wrong in (0, -1, -(2**31)):
        calls: dict[str, Callable[[int], Any]] = {
            "messages.find, limit": lambda x: adapter.messages.find("s", limit=x),
            "messages.find, last": lambda x: adapter.messages.find("s", last=x),
            "messages.find, limit with before": lambda x: adapter.messages.find("s", before=5, limit=x),
            "sessions.find, limit": lambda x: adapter.sessions.find(SessionQuery(limit=x)),
            "sweep, limit": lambda x: adapter.sweep(limit=x),
        }
        for name, call in calls.items():
            with case.about(f"{name}={wrong}"):
                case.refused_at_once(InvalidArgument, partial(call, wrong))


@clause("inputs.times", "A time without a zone, or outside the years 1 to 9999 in UTC, is refused.")
async def times(case: Case) -> None:
    adapter = await _a_session(case)
    naive = datetime.fromisoformat("2026-01-01")
    early = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
    late = datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))
    async with case.unchanged(adapter):
        for when in (naive, early, late):
            calls: dict[str, Callable[[datetime], Any]] = {
                "created_at": lambda x: adapter.messages.append("s", [_message(created_at=x)]),
                "created_at of a copy": lambda x: adapter.messages.append("s", [_copy(_message(), created_at=x)]),
                "completed_at": lambda x: adapter.sessions.save(Session(id="t", completed_at=x)),
                "completed_at of a copy": lambda x: adapter.sessions.save(_copy(Session(id="t"), completed_at=x)),
                "updated_before": lambda x: adapter.sessions.find(SessionQuery(updated_before=x)),
            }
            for name, call in calls.items():
                with case.about(f"{name}={when!r}"):
                    case.refused_at_once(InvalidArgument, partial(call, when))
    last = datetime.max.replace(tzinfo=UTC)
    [told] = await adapter.messages.append("s", [_message(created_at=last)])
    case.same(told.created_at, last, "created_at, the last one that is legal")


@clause("inputs.models", "What looks like a session or a message, but is of another class, is refused.")
async def models(case: Case) -> None:
    class Lookalike(Session):
        pass

    class Saying(Message):
        pass

    class Asking(SessionQuery):
        pass

    class Committing(Turn):
        pass

    adapter = await _a_session(case)
    calls: dict[str, Callable[[], Any]] = {
        "save of a SessionInfo": lambda: adapter.sessions.save(cast("Session", SessionInfo(id="t"))),
        "save of a subclass of Session": lambda: adapter.sessions.save(Lookalike(id="t")),
        "commit with a subclass of Session": lambda: adapter.commit(
            Turn(session_id="t").model_copy(update={"session": Lookalike(id="t")})
        ),
        "append of a subclass of Message": lambda: adapter.messages.append("s", [Saying(role="user")]),
        "find with a subclass of SessionQuery": lambda: adapter.sessions.find(Asking()),
        "commit of a subclass of Turn": lambda: adapter.commit(Committing(session_id="s")),
    }
    if Capability.REPLACE in adapter.capabilities:
        calls["replace by a subclass of Message"] = lambda: adapter.messages.replace("s", Saying(role="user"))
    async with case.unchanged(adapter):
        for name, call in calls.items():
            with case.about(name):
                case.refused_at_once(InvalidArgument, call)


@clause("inputs.unchecked_models", "A model that was made without its rules is refused all the same.")
async def unchecked_models(case: Case) -> None:
    adapter = await _a_session(case)
    wrong: dict[str, Any] = {"id": "m", "role": "user", "session_id": "s", "data": 5}
    wrong |= {"content": 5, "messages": 5, "limit": "x"}
    calls: dict[str, Callable[[], Any]] = {
        "Message": lambda: adapter.messages.append("s", [Message.model_construct(**wrong)]),
        "Session": lambda: adapter.sessions.save(Session.model_construct(**wrong)),
        "SessionInfo": lambda: adapter.sessions.save(cast("Session", SessionInfo.model_construct(**wrong))),
        "Turn": lambda: adapter.commit(Turn.model_construct(**wrong)),
        "SessionQuery": lambda: adapter.sessions.find(SessionQuery.model_construct(**wrong)),
    }
    async with case.unchanged(adapter):
        for name, call in calls.items():
            with case.about(name):
                case.refused_at_once(InvalidArgument, call)


@clause("inputs.by_name", "Numbers that would be mixed up are taken by name only.")
async def by_name(case: Case) -> None:
    adapter: Any = await _a_session(case)
    calls: dict[str, Callable[[], Any]] = {
        "messages.remove('s', 0, 1)": lambda: adapter.messages.remove("s", 0, 1),
        "sessions.delete('s', 1)": lambda: adapter.sessions.delete("s", 1),
        "messages.find('s', 5)": lambda: adapter.messages.find("s", 5),
    }
    async with case.unchanged(adapter):
        for name, call in calls.items():
            with case.about(name):
                case.refused_at_once(TypeError, call)
