"""Order: what takes no position, and what never gives one back."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from holdfast import (
    Adapter,
    Capability,
    DuplicateIdConflict,
    Limits,
    Message,
    NotFound,
    PayloadTooLarge,
    Session,
    SessionQuery,
    Turn,
    VersionConflict,
)
from holdfast.ids import new_id
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load, positions

# --- what takes no position -----------------------------------------------------------------------


@clause(
    "order.refused_takes_none", "A write that is refused takes no position: no hole is left.", level=Level.SMOKE
)
async def refused_takes_none(case: Case) -> None:
    adapter = await case.open(limits=Limits(turn_messages=3))
    session = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"), turn_id="t")
    x, y = case.say("x", "y")
    other_a = case.say("a", content="other words")[0]
    stale = Session(id="s", key=session.key, version=7)
    refusals: list[tuple[type[Exception], Any]] = [
        (DuplicateIdConflict, lambda: adapter.messages.append("s", [x, other_a, y])),
        (VersionConflict, lambda: adapter.messages.append("s", [x, y], last_seq=0)),
        (VersionConflict, lambda: adapter.commit(Turn(session_id="s", session=stale, messages=[x, y]))),
        (NotFound, lambda: adapter.commit(Turn(session_id="s", key="0" * 32, messages=[x, y]))),
        (PayloadTooLarge, lambda: adapter.messages.append("s", case.say("1", "2", "3", "4"))),
        (DuplicateIdConflict, lambda: adapter.messages.append("s", [x, y, x])),
    ]
    for number, (kind, call) in enumerate(refusals, 2):
        with case.about(f"a write that is refused with {kind.__name__}"):
            await case.refused(kind, call())
            case.same((await load(adapter)).last_seq, number - 1, "last_seq after the refusal")
            [told] = await adapter.messages.append("s", case.say(f"m{number}"))
            case.same(told.seq, number, "the next position")
    found = await adapter.messages.find("s")
    case.same([message.seq for message in found], list(range(1, len(refusals) + 2)), "all positions")


@clause(
    "order.refused_among_others",
    "Writes that are refused take no position from those that fly with them.",
    level=Level.SMOKE,
)
async def refused_among_others(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"))
    other_a = case.say("a", content="other words")[0]

    async def write(number: int) -> int | None:
        said = case.say(f"x{number}")
        try:
            told = await adapter.messages.append("s", [*said, other_a] if number % 2 else said)
        except DuplicateIdConflict:
            return None
        return told[0].seq

    given = await asyncio.gather(*map(write, range(12)))
    case.same([seq is None for seq in given], [False, True] * 6, "which writes were refused")
    case.same(sorted(seq for seq in given if seq), [2, 3, 4, 5, 6, 7], "the positions of the others")


@clause(
    "order.duplicates_take_none",
    "A message that is there already takes no second position.",
    sealed=True,
    level=Level.SMOKE,
)
async def duplicates_take_none(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"))
    told = await adapter.messages.append("s", case.say("c", "a"))
    case.same(positions(told), {"c": 3, "a": 1}, "positions of known messages")
    told = await adapter.messages.append("s", case.say("d", "b", "e"))
    case.same(positions(told), {"d": 4, "b": 2, "e": 5}, "positions of new messages around a known one")
    await adapter.messages.append("s", [])
    [told_last] = await adapter.messages.append("s", case.say("f"))
    case.same(told_last.seq, 6, "the next position")
    session = await load(adapter)
    case.same((session.last_seq, session.message_count), (6, 6), "last_seq and message_count")


# --- for good -------------------------------------------------------------------------------------


@clause(
    "order.never_reused",
    "A position that was removed is never given again.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def never_reused(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say(*"abcdefghij"))
    case.same(await adapter.messages.remove("s", after=5, through=10), 5, "how many were removed")
    [told] = await adapter.messages.append("s", case.say("next"))
    case.same(told.seq, 11, "the position after removing 6 to 10")
    found = await adapter.messages.find("s")
    case.same([message.seq for message in found], [1, 2, 3, 4, 5, 11], "the positions that are left")
    await adapter.messages.remove("s", after=0, through=11)
    [told] = await adapter.messages.append("s", case.say("first of a new beginning"))
    case.same(told.seq, 12, "the position after removing all")


@clause(
    "order.never_reused_in_one_step",
    "A turn that replaces the tail gives its messages new positions, not those that it removes.",
    needs=[Capability.REMOVE],
)
async def never_reused_in_one_step(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say(*"abcdef"))
    for number, (after, expected) in enumerate(((3, {"b0": 7, "e": 8}), (0, {"b1": 9, "e": 10}))):
        turn = Turn(session_id="s", messages=case.say(f"b{number}", "e"), remove=(after, 6 + 2 * number))
        done = await adapter.commit(turn)
        case.same(positions(done.messages), expected, "the new positions")
    case.same(positions((await adapter.messages.find("s")).items), {"b1": 9, "e": 10}, "what is left")
    session = await load(adapter)
    case.same((session.last_seq, session.message_count), (10, 2), "last_seq and message_count")


@clause(
    "order.never_reused_by_others",
    "A position that one handle removed is not given again by another.",
    needs=[Capability.REMOVE, Capability.SHARED],
)
async def never_reused_by_others(case: Case) -> None:
    one, other = await case.handles(2)
    await one.sessions.save(Session(id="s"))
    await one.messages.append("s", case.say("a", "b", "c"))
    await other.messages.append("s", case.say("d"))
    await one.messages.remove("s", after=0, through=4)
    [told] = await other.messages.append("s", case.say("e"))
    case.same(told.seq, 5, "the position that the other handle gives")
    fresh = await case.open()
    await fresh.messages.remove("s", after=4, through=5)
    [told] = await fresh.messages.append("s", case.say("f"))
    case.same(told.seq, 6, "the position that a third handle gives")


@clause(
    "order.last_seq",
    "`last_seq` is the highest position ever given: saves and removals do not move it.",
    needs=[Capability.REMOVE],
)
async def last_seq(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"))
    await adapter.messages.remove("s", after=1, through=3)
    session = await adapter.sessions.save(await load(adapter))
    case.same((session.last_seq, session.message_count), (3, 1), "last_seq and message_count after a removal")
    await adapter.messages.remove("s", after=0, through=3)
    session = await load(adapter)
    case.same((session.last_seq, session.message_count), (3, 0), "last_seq and message_count of nothing")
    [listed] = await case.listed(adapter, SessionQuery(), ["s"])
    case.same((listed.last_seq, listed.message_count), (3, 0), "last_seq and message_count as listed")
    await case.refused(VersionConflict, adapter.messages.append("s", case.say("d"), last_seq=1))
    [told] = await adapter.messages.append("s", case.say("d"), last_seq=3)
    case.same(told.seq, 4, "the position of the next message")


@clause(
    "order.redaction_moves_nothing",
    "A message that is replaced keeps its position, and moves neither `last_seq` nor `message_count`.",
    needs=[Capability.REPLACE],
)
async def redaction_moves_nothing(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"))
    told = await adapter.messages.replace("s", Message(id="a", role="user", content="x"))
    case.same(told.seq, 1, "the position of the replaced message")
    session = await adapter.sessions.save(await load(adapter))
    case.same((session.last_seq, session.message_count), (3, 3), "last_seq and message_count")
    case.same(positions((await adapter.messages.find("s")).items), {"a": 1, "b": 2, "c": 3}, "the positions")
    [told] = await adapter.messages.append("s", case.say("d"))
    case.same(told.seq, 4, "the position of the next message")


# --- any mixture ----------------------------------------------------------------------------------

Step = tuple[str, Any]
APPENDING = st.tuples(st.just("append"), st.lists(st.integers(0, 12), unique=True, max_size=4))
REMOVING = st.tuples(st.just("remove"), st.tuples(st.integers(0, 15), st.integers(1, 5)))


@clause(
    "order.any_mixture",
    "Positions stay dense, and are never reused, in any mixture of appends and removals.",
    needs=[Capability.REMOVE],
)
def any_mixture(case: Case) -> None:
    adapter = case.run(case.open())

    @case.given(case.size(20, 40, 300), steps=st.lists(APPENDING | REMOVING, max_size=10))
    def holds(steps: list[Step]) -> None:
        case.run(_play(case, adapter, steps))

    holds()


async def _play(case: Case, adapter: Adapter, steps: Sequence[Step]) -> None:
    """Ids come from a small pool, so that some are there already and some were removed before."""
    name = new_id()
    await adapter.sessions.save(Session(id=name))
    stored: dict[str, int | None] = {}
    last = 0
    for kind, what in steps:
        if kind == "append":
            words = [f"m{number}" for number in what]
            for word in words:
                if word not in stored:
                    last += 1
                    stored[word] = last
            told = await adapter.messages.append(name, case.say(*words))
            case.same(positions(told), {word: stored[word] for word in words}, "positions as told")
        elif last:
            after = min(what[0], last - 1)
            through = min(after + what[1], last)
            hit = [word for word, seq in stored.items() if after < (seq or 0) <= through]
            case.same(await adapter.messages.remove(name, after=after, through=through), len(hit), "removed")
            for word in hit:
                del stored[word]
    found = positions((await adapter.messages.find(name)).items)
    case.same(found, dict(sorted(stored.items(), key=lambda one: one[1] or 0)), "the messages as read")
    session = await load(adapter, name)
    expected = (last, len(stored), 1)
    case.same((session.last_seq, session.message_count, session.version), expected, "last_seq, count, version")
