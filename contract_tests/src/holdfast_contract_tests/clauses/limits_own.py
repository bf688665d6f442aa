"""The adapter's own limits: what they allow is stored whole; and what is small until it is encoded."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from gc import collect
from tracemalloc import get_traced_memory, reset_peak, start, stop
from typing import Any

from holdfast import Limits, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.clauses.limits import over

_ROOM = 1000  # bytes that encoding may add to a text


@clause(
    "limits.own_bytes",
    "What the adapter's own limits on bytes allow is stored and read whole.",
)
async def own_bytes(case: Case) -> None:
    adapter = await case.open()
    limits = adapter.limits
    each = min(limits.message_bytes, limits.turn_bytes // 2) - _ROOM
    state, text = _text(limits.state_bytes - _ROOM), _text(each)
    said = [Message(id=word, role="user", content=f"{word}{text}") for word in "ab"]
    await adapter.commit(Turn(session_id="s", session=Session(id="s", data={"v": state}), messages=said))
    found = await adapter.sessions.get("s")
    assert found is not None, "the session that was just created is not there"
    case.same(len(found.data["v"]), len(state), "the length of the text in the state")
    case.same(found.data == {"v": state}, True, "whether the state is what was saved")
    read = await adapter.messages.find("s")
    case.same([len(one.text) for one in read], [each + 1] * 2, "the lengths of the messages")
    case.same([one.text for one in read] == [one.text for one in said], True, "whether they are what was said")


def _text(length: int) -> str:
    """A text in which no piece is like another."""
    return "".join(f"{number:07} " for number in range(length // 8 + 1))[:length]


@clause(
    "limits.own_bytes_over",
    "What is over the adapter's own limits on bytes is refused by name.",
)
async def own_bytesover(case: Case) -> None:
    adapter = await case.open()
    limits = adapter.limits
    await adapter.sessions.save(Session(id="s"))
    long = "x" * (limits.message_bytes + 1)
    part = "x" * (limits.message_bytes - _ROOM)
    many = [Message(role="user", content=part) for _ in range(limits.turn_bytes // len(part) + 1)]
    state = Session(id="s", data={"v": "x" * (limits.state_bytes + 1)})
    async with case.unchanged(adapter):
        one = [Message(role="user", content=long)]
        over(case, lambda: adapter.messages.append("s", one), "message_bytes", limits.message_bytes)
        if len(many) <= limits.turn_messages:
            over(case, lambda: adapter.messages.append("s", many), "turn_bytes", limits.turn_bytes)
        over(case, lambda: adapter.sessions.save(state, expected="any"), "state_bytes", limits.state_bytes)


@clause(
    "limits.own_messages", "The adapter's own `turn_messages` are stored in one write, and one more is refused."
)
async def own_messages(case: Case) -> None:
    adapter = await case.open()
    most = adapter.limits.turn_messages
    await adapter.sessions.save(Session(id="s"))
    many = case.say(*(f"m{number}" for number in range(most + 1)))
    over(case, lambda: adapter.messages.append("s", many), "turn_messages", most)
    told = await adapter.messages.append("s", many[:most])
    case.same([one.seq for one in told], list(range(1, most + 1)), "positions")
    huge = [Message(role="user")] * (100 * most + 1)
    over(case, lambda: adapter.messages.append("s", huge), "turn_messages", most)
    limit = adapter.limits.page
    found = await adapter.messages.find("s", limit=limit)
    case.same([one.id for one in found], [f"m{number}" for number in range(min(most, limit))], "the largest page")
    over(case, lambda: adapter.messages.find("s", limit=limit + 1), "page", limit)
    over(case, lambda: adapter.sessions.find(SessionQuery(limit=limit + 1)), "page", limit)


def _doubled(levels: int, seed: Any) -> Any:
    value = seed
    for _ in range(levels):
        value = [value, value]
    return value


# Small in memory, since they hold one thing many times; tens of megabytes as text. A hostile one is larger.
_BOMBS: dict[str, Callable[[], Any]] = {
    "lists in lists": lambda: _doubled(20, []),
    "tuples in lists": lambda: _doubled(20, ()),
    "one text, many times": lambda: ["x" * 10_000] * 3_000,
    "one run of bytes, many times": lambda: [b"x" * 10_000] * 3_000,
    "one key, many times": lambda: [{"x" * 10_000: 1}] * 3_000,
    "one long integer, many times": lambda: [10**4299] * 3_000,
    "one long Decimal, many times": lambda: [Decimal("9" * 10_000)] * 1_000,
    "one set, many times": lambda: [frozenset(range(1000))] * 3_000,
    "None, a million times": lambda: [None] * 1_000_000,
    "True, a million times": lambda: [True] * 1_000_000,
    "0, a million times": lambda: [0] * 1_000_000,
}
_SPENT = 5_000_000  # bytes


@clause(
    "limits.unfolding",
    "A small value that unfolds to a huge text is refused before memory is spent on it.",
)
async def unfolding(case: Case) -> None:
    adapter = await case.open(limits=Limits(state_bytes=20_000, message_bytes=20_000))
    await adapter.sessions.save(Session(id="s"))
    target = unwatched(adapter)  # the journal would unfold it
    for name, make in _BOMBS.items():
        value = make()
        session, message = Session(id="t", data={"v": value}), Message(role="user", raw=value)
        with case.about(name):
            start()
            try:
                reset_peak()
                before = get_traced_memory()[0]
                over(case, partial(target.sessions.save, session), "state_bytes", 20_000)
                collect()  # what only the collector frees was not spent for good; when it runs is chance
                append = partial(target.messages.append, "s", [message])
                over(case, append, "message_bytes", 20_000)
                spent = get_traced_memory()[1] - before
            finally:
                stop()
            assert spent < _SPENT, f"{spent:,} bytes of memory were spent, more than {_SPENT:,}"
