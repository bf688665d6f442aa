"""Limits: at the edge it is stored, one over it is refused by name, and nothing is written."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    Limits,
    Message,
    PayloadTooLarge,
    Session,
    SessionQuery,
    ToolCall,
    Turn,
    UnserializableValue,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

__all__ = ["over"]

Write = Callable[[Adapter, str], Awaitable[Any]]


def over(case: Case, call: Callable[[], Any], limit: str, allowed: int) -> None:
    """A call that is over a limit is refused by the limit's name, before anything is sent."""
    error = case.refused_at_once(PayloadTooLarge, call)
    try:
        case.same((error.limit, error.allowed), (limit, allowed), "the limit and its value, as the error has them")
        assert error.actual > allowed, f"the error says that {error.actual:,} is over {allowed:,}"
        assert limit in str(error), f"the error's text does not name the limit {limit!r}: {error}"
    finally:
        del error  # its traceback knows this frame: a cycle, which would keep what the call had made


async def _edge(case: Case, adapter: Adapter, write: Write, limit: str) -> int:
    """The longest text that is accepted, found by halving; everything above it is refused."""
    allowed: int = getattr(adapter.limits, limit)
    fits, too_long = 0, 4 * allowed
    await write(adapter, "")
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        try:
            await write(adapter, "x" * middle)
            fits = middle
        except PayloadTooLarge:
            too_long = middle
    for size in (too_long, too_long + 1, too_long * 2, too_long + 100_000):
        with case.about(f"a text of {size:,} characters, where {limit} is {allowed:,}"):
            over(case, partial(write, adapter, "x" * size), limit, allowed)
    return fits


def _between(found: int, low: int, high: int, what: str) -> None:
    assert low <= found <= high, (
        f"the longest {what} that was accepted has {found} characters, not {low} to {high}"
    )


def _append(adapter: Adapter, text: str) -> Awaitable[Any]:
    return adapter.messages.append("s", [Message(role="user", content=text)])


def _append_wide(adapter: Adapter, text: str) -> Awaitable[Any]:
    return _append(adapter, "é" * len(text))


def _append_four(adapter: Adapter, text: str) -> Awaitable[Any]:
    return adapter.messages.append("s", [Message(role="user", content=text) for _ in range(4)])


def _save(adapter: Adapter, text: str) -> Awaitable[Any]:
    return adapter.sessions.save(Session(id="s", data={"v": text}), expected="any")


async def _limited(case: Case, **limits: int) -> Adapter:
    adapter = await case.open(limits=Limits(**limits))
    await adapter.sessions.save(Session(id="s"))
    return adapter


@clause(
    "limits.declared", "The limits that were asked for are those that the adapter declares.", level=Level.SMOKE
)
async def declared(case: Case) -> None:
    wanted = Limits(message_bytes=1000, turn_bytes=2000, turn_messages=3, state_bytes=4000, depth=5, page=6)
    adapter = await case.open(limits=wanted)
    case.same(adapter.limits, wanted, "limits")


@clause("limits.message_bytes", "`message_bytes` counts the bytes of one encoded message.", level=Level.SMOKE)
async def message_bytes(case: Case) -> None:
    adapter = await _limited(case, message_bytes=100)
    size = await _edge(case, adapter, _append, "message_bytes")
    _between(size, 60, 100, "text")
    case.same(await _edge(case, adapter, _append_wide, "message_bytes"), size // 2, "two-byte letters that fit")
    [last] = await adapter.messages.find("s", last=1)
    case.same(last.content, "é" * (size // 2), "the longest message of two-byte letters, as it is read")


@clause("limits.turn_bytes", "`turn_bytes` counts the bytes of all messages of one write.", level=Level.SMOKE)
async def turn_bytes(case: Case) -> None:
    adapter = await _limited(case, turn_bytes=400)
    _between(await _edge(case, adapter, _append_four, "turn_bytes"), 60, 100, "text in each of four messages")


@clause("limits.state_bytes", "`state_bytes` counts the bytes of the encoded state.")
async def state_bytes(case: Case) -> None:
    adapter = await _limited(case, state_bytes=200)
    _between(await _edge(case, adapter, _save, "state_bytes"), 150, 200, "text in a state")


@clause(
    "limits.every_call", "Limits on bytes hold for every call and field, and what is over one changes nothing."
)
async def every_call(case: Case) -> None:
    adapter = await case.open(limits=Limits(message_bytes=100, turn_bytes=250, state_bytes=200))
    await adapter.sessions.save(Session(id="s", data={"a": 1}))
    await adapter.messages.append("s", case.say("m"))
    long, three = "x" * 101, [Message(role="user", content="x" * 80) for _ in range(3)]
    calls: list[tuple[str, int, Callable[[], Any]]] = [
        *(("message_bytes", 100, call) for call in _long_messages(adapter, long)),
        ("turn_bytes", 250, lambda: adapter.messages.append("s", three)),
        ("turn_bytes", 250, lambda: adapter.commit(Turn(session_id="s", messages=three))),
        *(("state_bytes", 200, call) for call in _long_states(adapter, "x" * 201)),
    ]
    async with case.unchanged(adapter):
        for number, (limit, allowed, call) in enumerate(calls):
            with case.about(f"{limit}, call {number}"):
                over(case, call, limit, allowed)


def _long_messages(adapter: Adapter, long: str) -> list[Callable[[], Any]]:
    def append(**fields: Any) -> Callable[[], Any]:
        # A short one goes with it, in front: it must not be stored either.
        said: dict[str, Any] = {"role": "user", **fields}
        both = [Message(role="user"), Message(**said)]
        return lambda: adapter.messages.append("s", both)

    fields: list[dict[str, Any]] = [
        *({"content": long}, {"content": [{"type": "text", "text": long}]}, {"raw": long.encode()}, {"raw": long}),
        *({"metadata": {long: 1}}, {"metadata": {"a": long}}, {"name": long}, {"route": long}, {"format": long}),
        {"content": [ToolCall(id="1", name="f", args={"a": long})]},
        {"raw": "x" * 60, "content": "x" * 60},
    ]
    turn = Turn(session_id="s", messages=[Message(role="user", content=long)])
    return [*(append(**said) for said in fields), lambda: adapter.commit(turn)]


def _long_states(adapter: Adapter, long: str) -> list[Callable[[], Any]]:
    fields: list[dict[str, Any]] = [
        *({"data": {"v": long}}, {"data": {long: 1}}, {"metadata": {"v": long}}, {"current_step": long}),
        *({"data_by_route": {"r": {"v": long}}}, {"current_route": long}),
        {"data": {"v": "x" * 120}, "metadata": {"v": "x" * 120}},
    ]

    def calls(said: dict[str, Any]) -> list[Callable[[], Any]]:
        turn = Turn(session_id="s", session=Session(id="s", **said), messages=[Message(role="user")])
        return [
            lambda: adapter.sessions.save(Session(id="t", **said)),
            lambda: adapter.sessions.save(Session(id="s", **said), expected="any"),
            lambda: adapter.commit(turn),
        ]

    return [call for said in fields for call in calls(said)]


@clause("limits.replacement", "`message_bytes` holds for a replacement too.", needs=[Capability.REPLACE])
async def replacement(case: Case) -> None:
    adapter = await _limited(case, message_bytes=100)
    await adapter.messages.append("s", case.say("m"))
    large = Message(id="m", role="user", content="x" * 101)
    async with case.unchanged(adapter):
        over(case, lambda: adapter.messages.replace("s", large), "message_bytes", 100)


@clause("limits.turn_messages", "`turn_messages` is how many messages one write may bring.")
async def turn_messages(case: Case) -> None:
    adapter = await _limited(case, turn_messages=3)
    four = case.say(*"abcd")
    async with case.unchanged(adapter):
        over(case, lambda: adapter.messages.append("s", four), "turn_messages", 3)
        over(case, lambda: adapter.commit(Turn(session_id="s", messages=four)), "turn_messages", 3)
        state = Session(id="t")
        over(case, lambda: adapter.commit(Turn(session_id="t", session=state, messages=four)), "turn_messages", 3)
    told = await adapter.messages.append("s", four[:3])
    case.same([one.seq for one in told], [1, 2, 3], "the positions of three messages")


@clause("limits.page", "`page` is the largest page, and `page_default` the one when the call does not say.")
async def page(case: Case) -> None:
    adapter = await case.open(limits=Limits(page=3, page_default=2))
    for name in "stuvw":
        await adapter.sessions.save(Session(id=name))
    await adapter.messages.append("s", case.say(*"abcde"))
    sizes = {
        "messages.find": len(await adapter.messages.find("s")),
        "messages.find(before=5)": len(await adapter.messages.find("s", before=5)),
        "messages.find(limit=3)": len(await adapter.messages.find("s", limit=3)),
        "messages.find(last=3)": len(await adapter.messages.find("s", last=3)),
        "messages.find(limit=1)": len(await adapter.messages.find("s", limit=1)),
    }
    case.same(list(sizes.values()), [2, 2, 3, 3, 1], f"the sizes of {', '.join(sizes)}")
    if Capability.LISTING_EXACT in adapter.capabilities:
        asked = [SessionQuery(order="created", limit=limit) for limit in (None, 3, 1)]
        lengths = [len(await adapter.sessions.find(query)) for query in asked]
        case.same(lengths, [2, 3, 1], "the sizes of listings with limit=None, 3 and 1")
    cursor = (await adapter.messages.find("s", limit=3)).next
    calls: dict[str, Callable[[], Any]] = {
        "messages.find(limit=4)": lambda: adapter.messages.find("s", limit=4),
        "messages.find(last=4)": lambda: adapter.messages.find("s", last=4),
        "messages.find(before=5, limit=4)": lambda: adapter.messages.find("s", before=5, limit=4),
        "sessions.find(limit=4)": lambda: adapter.sessions.find(SessionQuery(limit=4)),
        "messages.find(cursor=…, limit=4)": lambda: adapter.messages.find("s", cursor=cursor, limit=4),
    }
    for name, call in calls.items():
        with case.about(name):
            over(case, call, "page", 3)


@clause("limits.default_page", "A default page is never over the largest.")
async def default_page(case: Case) -> None:
    adapter = await case.open(limits=Limits(page=3))
    for name in "stuvw":
        await adapter.sessions.save(Session(id=name))
    await adapter.messages.append("s", case.say(*"abcde"))
    case.same(len(await adapter.messages.find("s")), 3, "the size of a page of messages")
    if Capability.LISTING_EXACT in adapter.capabilities:
        case.same(len(await adapter.sessions.find(SessionQuery())), 3, "the size of a page of sessions")


# The depth of what is handed in: for an object, it counts as one.
_DEEP: dict[str, Callable[[Adapter, Any], Any]] = {
    "data": lambda a, v: a.sessions.save(Session(id="t", data=v), turn_id="t"),
    "metadata": lambda a, v: a.sessions.save(Session(id="u", metadata=v), turn_id="t"),
    "data_by_route": lambda a, v: a.sessions.save(Session(id="v", data_by_route=v), turn_id="t"),
    "data in a turn": lambda a, v: a.commit(Turn(session_id="w", session=Session(id="w", data=v))),
    "metadata of a message": lambda a, v: a.messages.append("s", [Message(role="u", metadata=v)]),
    "raw": lambda a, v: a.messages.append("s", [Message(role="u", raw=v)]),
    "raw in a turn": lambda a, v: a.commit(Turn(session_id="s", messages=[Message(role="u", raw=v)])),
    "args": lambda a, v: a.messages.append("s", [Message(role="u", content=[ToolCall(id="", name="", args=v)])]),
}


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = {"k": value}
    return value


async def _deep(case: Case, adapter: Adapter) -> None:
    depth = adapter.limits.depth
    await adapter.sessions.save(Session(id="s"))
    async with case.unchanged(adapter):
        for place, call in _DEEP.items():
            with case.about(f"{place}, nested {depth + 1} deep, where depth is {depth}"):
                case.refused_at_once(UnserializableValue, partial(call, adapter, _nested(depth + 1)))
    for place, call in _DEEP.items():
        with case.about(f"{place}, nested {depth} deep, where depth is {depth}"):
            await call(adapter, _nested(depth))
    found = await adapter.sessions.get("t")
    case.same(found and found.data, _nested(depth), "data of the session, as it is read")
    raws = [one.raw for one in await adapter.messages.find("s")]
    case.same(raws, [None, _nested(depth), _nested(depth), None], "raw of the messages, as they are read")


@clause("limits.depth", "A value nests up to the depth and no deeper.")
async def depth(case: Case) -> None:
    await _deep(case, await case.open())


@clause("limits.small_depth", "A value nests up to the depth that was asked for and no deeper.")
async def small_depth(case: Case) -> None:
    await _deep(case, await case.open(limits=Limits(depth=3)))
