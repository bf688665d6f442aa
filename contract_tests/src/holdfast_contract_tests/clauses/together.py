"""Several writes of one session that fly together: each is answered as if it had come alone."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    Committed,
    DuplicateIdConflict,
    Message,
    Session,
    Turn,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

VOLUME = 600  # writes: more than fly in one flush, and enough to notice one that is dropped of fifty
TURNS = 192  # turns with a state: of one session only one flies at a time
READ_AT_ONCE = 50


def _volume(adapter: Adapter) -> int:
    return min(VOLUME, adapter.limits.queue_items)


async def _begin(case: Case, *names: str) -> Adapter:
    adapter = await case.open()
    for name in names or ("s",):
        await adapter.sessions.save(Session(id=name))
    return adapter


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is gone"
    return session


async def _stored(adapter: Adapter, session_id: str = "s") -> list[Message]:
    found: list[Message] = []
    cursor = None
    while True:
        page = await adapter.messages.find(session_id, cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


async def _outcomes(calls: Sequence[Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


def _kinds(outcomes: Sequence[Any]) -> list[str]:
    errors = (BaseException,)
    return [type(one).__name__ if isinstance(one, errors) else "answered" for one in outcomes]


@clause(
    "together.answers",
    "Each of several turns at once is told its own messages, and the session as it was then.",
    level=Level.SMOKE,
)
async def answers(case: Case) -> None:
    adapter = await _begin(case)
    turns = [Turn(id=f"t{n}", session_id="s", messages=case.say(f"{n}a", f"{n}b")) for n in range(8)]
    done = await asyncio.gather(*map(adapter.commit, turns))
    for turn, one in zip(turns, done, strict=True):
        case.same([m.id for m in one.messages], [m.id for m in turn.messages], "the ids that a turn is told")
        last = one.messages[-1].seq
        told = (one.messages[0].seq, one.session.last_seq, one.session.message_count, one.replayed)
        case.same(told, ((last or 0) - 1, last, last, False), "first position, last_seq, message_count, replayed")
    ends = sorted(one.session.last_seq for one in done)
    case.same(ends, list(range(2, 18, 2)), "last_seq after each of eight turns of two messages")
    ordered = sorted(done, key=lambda one: one.session.last_seq)
    case.same(await _stored(adapter), [m for one in ordered for m in one.messages], "what is stored")


@clause(
    "together.states",
    "Of states that are saved at once with messages none is lost, and each is told its version.",
    level=Level.SMOKE,
)
async def states(case: Case) -> None:
    adapter = await _begin(case)
    turns = [
        Turn(session_id="s", session=Session(id="s", data={"n": n}), expected="any", messages=case.say(f"m{n}"))
        for n in range(10)
    ]
    done = await asyncio.gather(*map(adapter.commit, turns))
    versions = sorted(one.session.version for one in done)
    case.same(versions, list(range(2, 12)), "the versions of ten turns with a state")
    last = max(range(10), key=lambda n: done[n].session.version)
    now = await _now(adapter)
    case.same((now.version, now.data), (11, {"n": last}), "version and data: those of the turn that came last")
    case.same(sorted(m.id for m in await _stored(adapter)), [f"m{n}" for n in range(10)], "what is stored")


@clause(
    "together.mixed",
    "Appends, saves and turns of one session at once are all stored, each once.",
    level=Level.SMOKE,
)
async def mixed(case: Case) -> None:
    adapter = await _begin(case, "s", "other")
    value = Session(id="s", data={"n": 1})
    calls: list[Awaitable[Any]] = []
    for n in range(6):
        calls.append(adapter.messages.append("s", case.say(f"a{n}", f"b{n}")))
        calls.append(adapter.sessions.save(value, expected="any"))
        turn = Turn(session_id="s", session=value, expected="any", messages=case.say(f"c{n}"))
        calls.append(adapter.commit(turn))
        calls.append(adapter.messages.append("other", case.say(f"a{n}")))
    outcomes = await _outcomes(calls)
    case.same(_kinds(outcomes), ["answered"] * len(calls), "what became of the writes")
    versions = [one.version for one in outcomes if isinstance(one, Session)]
    versions += [one.session.version for one in outcomes if isinstance(one, Committed)]
    case.same(sorted(versions), list(range(2, 14)), "the versions of twelve writes with a state")
    now = await _now(adapter)
    case.same((now.version, now.last_seq, now.message_count), (13, 18, 18), "version, last_seq, message_count")
    stored = await _stored(adapter)
    case.same([message.seq for message in stored], list(range(1, 19)), "the positions")
    expected = sorted(f"{word}{n}" for word in "abc" for n in range(6))
    case.same(sorted(message.id for message in stored), expected, "what is stored")
    case.same(len(await _stored(adapter, "other")), 6, "the number of messages of another session")


@clause(
    "together.deletions",
    "Deletions and creations at once with appends, saves and turns of other sessions take nothing from them.",
)
async def deletions(case: Case) -> None:
    rounds = 5
    adapter = await _begin(case, "a", "b", *(f"old{n}" for n in range(rounds)))
    value = Session(id="b", data={"n": 1})

    async def work(n: int) -> list[Any]:
        turn = Turn(session_id="b", session=value, expected="any", messages=case.say(f"turn{n}"))
        made = Turn(session_id=f"turn{n}", session=Session(id=f"turn{n}", data={"n": n}), messages=case.say("m"))
        calls: list[Awaitable[Any]] = [
            adapter.messages.append("a", case.say(f"x{n}")),
            adapter.sessions.delete(f"old{n}"),
            adapter.messages.append("b", case.say(f"x{n}")),
            adapter.sessions.save(Session(id=f"new{n}", data={"n": n})),
            adapter.messages.append("a", case.say(f"y{n}")),
            adapter.commit(made),
            adapter.commit(turn),
        ]
        return await _outcomes(calls)

    outcomes = [one for some in await asyncio.gather(*map(work, range(rounds))) for one in some]
    case.same(_kinds(outcomes), ["answered"] * len(outcomes), "what became of the writes")
    case.same([one for one in outcomes if isinstance(one, bool)], [True] * rounds, "what the deletions answer")
    for name, words in {"a": ("x", "y"), "b": ("x", "turn")}.items():
        found = sorted(message.id for message in await _stored(adapter, name))
        case.same(found, sorted(f"{word}{n}" for word in words for n in range(rounds)), f"what {name!r} has")
    for n in range(rounds):
        case.same(await adapter.sessions.get(f"old{n}"), None, f"the deleted session 'old{n}'")
        created = [(await _now(adapter, f"{name}{n}")).data for name in ("new", "turn")]
        case.same(created, [{"n": n}] * 2, f"data of 'new{n}' and 'turn{n}'")
        case.same([m.id for m in await _stored(adapter, f"turn{n}")], ["m"], f"what 'turn{n}' has")


@clause("together.turn_id_of_a_state", "An append by the turn id of a state that was saved is refused.")
async def turn_id_of_a_state(case: Case) -> None:
    adapter = await _begin(case)
    session = await _now(adapter)
    await adapter.commit(Turn(id="t", session_id="s", session=session, messages=case.say("a")))
    async with case.unchanged(adapter):
        error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", case.say("b"), turn_id="t"))
    case.same(error.ids, ("t",), "the ids that the error names")


@clause("together.known", "A known message among new ones keeps its place, and the new ones get theirs.")
async def known(case: Case) -> None:
    adapter = await _begin(case)
    [old] = await adapter.messages.append("s", case.say("old"))
    case.clock.pass_(hours=1)
    calls = [adapter.messages.append("s", case.say(word)) for word in ("a", "old", "b")]
    [first], [again], [second] = await asyncio.gather(*calls)
    case.same(again, old, "the answer for the known message")
    case.same(sorted([first.seq or 0, second.seq or 0]), [2, 3], "the positions of the new messages")
    case.same(sorted(m.id for m in await _stored(adapter)), ["a", "b", "old"], "what is stored")


@clause("together.overlapping", "Of appends at once that share messages each message is stored once.")
async def overlapping(case: Case) -> None:
    adapter = await _begin(case)
    pairs = ["ab", "bc", "cd", "da", "ac", "bd"]
    done = await asyncio.gather(*(adapter.messages.append("s", case.say(*pair)) for pair in pairs))
    stored = {message.id: message for message in await _stored(adapter)}
    case.same(sorted(stored), list("abcd"), "what is stored")
    case.same(sorted(m.seq or 0 for m in stored.values()), [1, 2, 3, 4], "the positions")
    for pair, answer in zip(pairs, done, strict=True):
        case.same(list(answer), [stored[word] for word in pair], f"the answer to the append of {pair}")


@clause("together.other_words", "Of appends at once of one id with different words exactly one is stored.")
async def other_words(case: Case) -> None:
    adapter = await _begin(case)
    said = [Message(id="a", role="user", content=f"text {n}") for n in range(6)]
    outcomes = await _outcomes([adapter.messages.append("s", [message]) for message in said])
    expected = ["DuplicateIdConflict"] * 5 + ["answered"]
    case.same(sorted(_kinds(outcomes)), expected, "what became of six appends of one id")
    [winner] = [one for one in outcomes if not isinstance(one, BaseException)]
    case.same(await _stored(adapter), list(winner), "what is stored")


@clause(
    "together.other_content", "Of turns at once under one turn id with different states exactly one is stored."
)
async def other_content(case: Case) -> None:
    adapter = await _begin(case)
    values = [Session(id="s", data={"n": n}) for n in range(6)]
    calls = [adapter.sessions.save(value, expected="any", turn_id="t") for value in values]
    outcomes = await _outcomes(calls)
    expected = ["DuplicateIdConflict"] * 5 + ["answered"]
    case.same(sorted(_kinds(outcomes)), expected, "what became of six saves under one turn id")
    [winner] = [one for one in outcomes if isinstance(one, Session)]
    case.same(await _now(adapter), winner, "what is stored")


@clause(
    "together.refused", "A write that is refused takes nothing from those that fly with it, and leaves nothing."
)
async def refused(case: Case) -> None:
    adapter = await _begin(case)
    session = await _now(adapter)
    await adapter.messages.append("s", case.say("old"))
    other = Message(id="old", role="user", content="other words")
    stale = Turn(session_id="s", session=session, expected=7, messages=case.say("stale"))
    calls: dict[str, Awaitable[Any]] = {
        "answered 0": adapter.messages.append("s", case.say("new0", "more0")),
        "NotFound 0": adapter.messages.append("missing", case.say("new1")),
        "DuplicateIdConflict 0": adapter.messages.append("s", [*case.say("half"), other]),
        "answered 1": adapter.messages.append("s", case.say("new1", "more1")),
        "VersionConflict 0": adapter.commit(stale),
        "NotFound 1": adapter.commit(Turn(session_id="s", key="0" * 32, messages=case.say("dead"))),
        "VersionConflict 1": adapter.messages.append("s", case.say("late"), last_seq=99),
        "answered 2": adapter.commit(Turn(session_id="s", session=session, messages=case.say("new2", "more2"))),
        "DuplicateIdConflict 1": adapter.messages.append("s", [other]),
        "answered 3": adapter.messages.append("s", case.say("new3", "more3")),
    }
    kinds = _kinds(await _outcomes(list(calls.values())))
    case.same(kinds, [name.split()[0] for name in calls], "what became of the writes")
    stored = await _stored(adapter)
    expected = ["old", *(f"{word}{n}" for n in range(4) for word in ("new", "more"))]
    case.same(sorted(message.id for message in stored), sorted(expected), "what is stored")
    case.same([message.seq for message in stored], list(range(1, 10)), "the positions")
    case.same((await _now(adapter)).version, 2, "the version")


@clause(
    "together.removals",
    "Removals at once with appends and saves take what they name, and nothing else.",
    needs=[Capability.REMOVE],
)
async def removals(case: Case) -> None:
    adapter = await _begin(case)
    await adapter.messages.append("s", case.say(*"abcdef"))
    calls: list[Awaitable[Any]] = [
        adapter.messages.remove("s", after=0, through=2),
        adapter.messages.append("s", case.say("x")),
        adapter.sessions.save(Session(id="s", data={"n": 1}), expected="any"),
        adapter.messages.remove("s", after=3, through=5),
        adapter.messages.append("s", case.say("y")),
        adapter.messages.remove("s", after=1, through=4, turn_id="t"),
    ]
    outcomes = await _outcomes(calls)
    case.same(_kinds(outcomes), ["answered"] * len(calls), "what became of the writes")
    removed = outcomes[0] + outcomes[3] + outcomes[5]
    case.same(removed, 5, "how many the removals of 1-2, 4-5 and 2-4 said they removed, all in all")
    stored = await _stored(adapter)
    case.same(sorted(message.id for message in stored), ["f", "x", "y"], "what is stored")
    now = await _now(adapter)
    case.same((now.last_seq, now.message_count, now.version), (8, 3, 2), "last_seq, message_count, version")


@clause("together.many_appends", f"Of {VOLUME} appends at once, to many sessions, none is lost.")
async def many_appends(case: Case) -> None:
    names = [f"s{number}" for number in range(8)]
    adapter = await _begin(case, *names)
    sent = [(names[n % 8], f"m{n}") for n in range(_volume(adapter))]
    done = await asyncio.gather(*(adapter.messages.append(name, case.say(word)) for name, word in sent))
    told = {(name, message.id, message.seq) for (name, _), [message] in zip(sent, done, strict=True)}
    stored = {(name, message.id, message.seq) for name in names for message in await _stored(adapter, name)}
    lost, invented = sorted(told - stored), sorted(stored - told)
    assert not lost, f"{len(lost)} of {len(sent)} acknowledged appends are not stored as told: {lost[:5]}"
    assert not invented, f"{len(invented)} messages are stored that nobody was told of: {invented[:5]}"
    case.same(len(told), len(sent), "the number of messages")


@clause("together.many_saves", f"Of {VOLUME} saves at once, to many sessions, none is lost.")
async def many_saves(case: Case) -> None:
    adapter = await case.open()
    values = [Session(id=f"s{number}", data={"n": number}) for number in range(_volume(adapter))]
    for version in (1, 2):
        saved = await asyncio.gather(*map(adapter.sessions.save, values))
        stored = await _read(adapter, values)
        for value, answer, found in zip(values, saved, stored, strict=True):
            told = (answer.id, answer.data, answer.version)
            case.same(told, (value.id, value.data, version), "id, data and version")
            case.same(found, answer, f"what is stored of {value.id!r}")
        values = [one.model_copy(update={"data": {"again": one.data}}) for one in saved]


async def _read(adapter: Adapter, values: Sequence[Session]) -> list[Session | None]:
    found: list[Session | None] = []
    for start in range(0, len(values), READ_AT_ONCE):
        some = values[start : start + READ_AT_ONCE]
        found += await asyncio.gather(*(adapter.sessions.get(value.id) for value in some))
    return found


@clause("together.many_turns", f"Of {TURNS} turns at once, to many sessions, none is lost.")
async def many_turns(case: Case) -> None:
    names = [f"s{number}" for number in range(8)]
    adapter = await _begin(case, *names)
    turns = [
        Turn(session_id=name, session=Session(id=name, data={"n": n}), expected="any", messages=case.say(f"m{n}"))
        for n in range(TURNS // 8)
        for name in names
    ]
    done = await asyncio.gather(*map(adapter.commit, turns))
    for name in names:
        with case.about(f"session {name!r}, which got {TURNS // 8} turns"):
            mine = [(turn, one) for turn, one in zip(turns, done, strict=True) if turn.session_id == name]
            versions = sorted(one.session.version for _, one in mine)
            case.same(versions, list(range(2, TURNS // 8 + 2)), "the versions that were told")
            last, _ = max(mine, key=lambda pair: pair[1].session.version)
            now = await _now(adapter, name)
            case.same((now.version, now.last_seq), (TURNS // 8 + 1, TURNS // 8), "version and last_seq")
            case.same(now.data, last.session.data if last.session else None, "the data of the turn that came last")
            found = sorted(message.id for message in await _stored(adapter, name))
            case.same(found, sorted(f"m{n}" for n in range(TURNS // 8)), "what is stored")
