"""What is no identifier is refused in every place that takes one, before anything is sent."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from holdfast import Adapter, Capability, InvalidArgument, InvalidIdentifier, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause

# ruff: noqa: E501 - a list of what is refused
REFUSED: list[Any] = [
    "", " ", "   ", "\u3000", "\u00a0", "\x00", "a\x00", "a\x00b", "a\nb", "a\n", "a\r\nb", "\t", "a\x1bb", "a\x7f", "a\x80", "a\x9f", "\x85",
    "x" * 256, "x" * 255 + " ", "é" * 128, "😀" * 64, "x" * 12_000, "x" * 1_000_000, "\ud800", "a\udfff", "\udfff\udbff",
    *(f"a{turned}b" for turned in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u200e\u200f"),
    "\u202a", "\u2069", "\u200f",
    None, 5, 0, 1.5, True, b"a", bytearray(b"a"), {"$gt": ""}, ["a"], ("a",), {"a"}, object(), str,
]  # fmt: skip

Call = Callable[[Adapter, Any], Any]

CALLS: Mapping[str, Call] = {
    "sessions.get": lambda a, x: a.sessions.get(x),
    "sessions.save": lambda a, x: a.sessions.save(Session(id=x)),
    "sessions.save, user": lambda a, x: a.sessions.save(Session(id="s", user_id=x)),
    "sessions.save, agent": lambda a, x: a.sessions.save(Session(id="s", agent=x)),
    "sessions.save, status": lambda a, x: a.sessions.save(Session(id="s", status=x)),
    "sessions.save, turn": lambda a, x: a.sessions.save(Session(id="s"), turn_id=x),
    "sessions.delete": lambda a, x: a.sessions.delete(x),
    "sessions.find, user": lambda a, x: a.sessions.find(SessionQuery(user_id=x)),
    "sessions.find, agent": lambda a, x: a.sessions.find(SessionQuery(agent=x)),
    "sessions.find, status": lambda a, x: a.sessions.find(SessionQuery(status=x)),
    "messages.append": lambda a, x: a.messages.append(x, [Message(role="user")]),
    "messages.append, message": lambda a, x: a.messages.append("s", [Message(id=x, role="user")]),
    "messages.append, role": lambda a, x: a.messages.append("s", [Message(role=x)]),
    "messages.append, user": lambda a, x: a.messages.append("s", [Message(role="user", user_id=x)]),
    "messages.append, turn": lambda a, x: a.messages.append("s", [], turn_id=x),
    "messages.find": lambda a, x: a.messages.find(x),
    "messages.get": lambda a, x: a.messages.get(x, "m"),
    "messages.get, message": lambda a, x: a.messages.get("s", x),
    "commit": lambda a, x: a.commit(Turn(session_id=x)),
    "commit, turn": lambda a, x: a.commit(Turn(id=x, session_id="s")),
    "commit, state": lambda a, x: a.commit(Turn(session_id=x, session=Session(id=x))),
}
"""By name, the calls with a place for an identifier. Where the name ends with one of these, None is legal:"""
OPTIONAL = ("user", "agent", "parent", "turn", "status")

# The same past the models, which check only what they make themselves.
SLIPPED: Mapping[str, Call] = {
    "messages.append, a changed copy": lambda a, x: a.messages.append("s", [_copy(Message(role="user"), id=x)]),
    "messages.append, a copy with another role": lambda a, x: a.messages.append(
        "s", [_copy(Message(role="user"), role=x)]
    ),
    "commit, a changed copy": lambda a, x: a.commit(_copy(Turn(session_id="s"), session_id=x)),
    "commit, a copy with another id": lambda a, x: a.commit(_copy(Turn(session_id="s"), id=x)),
    "sessions.save, a changed copy": lambda a, x: a.sessions.save(_copy(Session(id="s"), id=x)),
}


def _copy(model: Any, **changes: Any) -> Any:
    return model.model_copy(update=changes)


async def _all_refused(case: Case, calls: Mapping[str, Call]) -> None:
    adapter = await case.open()
    target = unwatched(adapter)  # the journal cannot show a model whose fields are of any kind
    for value in REFUSED:
        for name, call in calls.items():
            if value is None and name.endswith(OPTIONAL):
                continue
            with case.about(f"{name}: {ascii(value)[:80]}"):
                _refused(case, partial(call, target, value), value)
    await case.listed(adapter, SessionQuery(nested=True), [])


def _refused(case: Case, call: Callable[[], Any], value: Any) -> None:
    kind = InvalidIdentifier if isinstance(value, str) else InvalidArgument
    error = case.refused_at_once(kind, call)
    text = str(error)
    assert len(text) < 300, f"the error's text has {len(text):,} characters; it must not repeat what was handed in"
    assert text.isprintable(), f"the error's text holds what is no printable character: {text!a}"


@clause("ids.refused", "What is no identifier is refused, wherever one is taken, before anything is sent.")
async def refused(case: Case) -> None:
    await _all_refused(case, CALLS)


@clause(
    "ids.refused_late", "An identifier that was put into a model later is checked too, before anything is sent."
)
async def refused_late(case: Case) -> None:
    await _all_refused(case, SLIPPED)


@clause("ids.refused_tenant", "What is no identifier is no tenant.", needs=[Capability.TENANTS], level=Level.SMOKE)
async def refused_tenant(case: Case) -> None:
    await _all_refused(case, {"for_tenant": lambda a, x: a.for_tenant(x)})


@clause("ids.refused_parent", "What is no identifier is no parent.", needs=[Capability.PARENTS])
async def refused_parent(case: Case) -> None:
    calls: dict[str, Call] = {
        "sessions.save, parent": lambda a, x: a.sessions.save(Session(id="s", parent_id=x)),
        "sessions.find, parent": lambda a, x: a.sessions.find(SessionQuery(parent=x)),
    }
    await _all_refused(case, calls)


@clause(
    "ids.refused_removal",
    "What is no identifier is refused by a removal before anything is sent.",
    needs=[Capability.REMOVE],
)
async def refused_removal(case: Case) -> None:
    calls: dict[str, Call] = {
        "messages.remove": lambda a, x: a.messages.remove(x, after=0, through=1),
        "messages.remove, turn": lambda a, x: a.messages.remove("s", after=0, through=1, turn_id=x),
    }
    await _all_refused(case, calls)


@clause(
    "ids.refused_replacement",
    "What is no identifier is refused by a replacement before anything is sent.",
    needs=[Capability.REPLACE],
)
async def refused_replacement(case: Case) -> None:
    calls: dict[str, Call] = {
        "messages.replace": lambda a, x: a.messages.replace(x, Message(id="m", role="user")),
        "messages.replace, message": lambda a, x: a.messages.replace("s", Message(id=x, role="user")),
        "messages.replace, role": lambda a, x: a.messages.replace("s", Message(id="m", role=x)),
        "messages.replace, a changed copy": lambda a, x: a.messages.replace("s", _copy(Message(role="u"), id=x)),
    }
    await _all_refused(case, calls)


@clause("ids.huge", "An id of ten million characters is refused at once, and its error is short.")
async def huge(case: Case) -> None:
    adapter = unwatched(await case.open())
    calls = (
        "sessions.get",
        "sessions.save",
        "messages.append",
        "messages.append, message",
        "messages.find",
        "commit",
    )
    value = "x" * 10_000_000
    for name in calls:
        with case.about(name):
            _refused(case, partial(CALLS[name], adapter, value), value)
