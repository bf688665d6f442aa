"""Races that exactly one wins."""

import asyncio

from holdfast import Adapter, DuplicateIdConflict, Session, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.racing import RACERS, one_winner, outcomes
from holdfast_contract_tests.reading import all_messages


@clause("races.creation", "Of many who create one session at once, exactly one does.", level=Level.SMOKE)
async def creation(case: Case) -> None:
    handles = await case.handles(RACERS)
    for name in ("s1", "s2", "s3"):
        racers = [Session(id=name, data={"by": number}) for number in range(RACERS)]
        results = await outcomes(*(a.sessions.save(s) for a, s in zip(handles, racers, strict=True)))
        winner = one_winner(results, VersionConflict)
        case.same(await handles[0].sessions.get(name), winner, "the session that was created")
        losers = [result for result in results if isinstance(result, VersionConflict)]
        case.same({(lost.expected, lost.actual) for lost in losers}, {(0, 1)}, "what the losers are told")


@clause(
    "races.versions",
    "Of many who save over one version, exactly one wins, and the others change nothing.",
    level=Level.SMOKE,
)
async def versions(case: Case) -> None:
    handles = await case.handles(RACERS)
    current = await handles[0].sessions.save(Session(id="s"))
    for number in range(1, 9):
        racers = [current.model_copy(update={"data": {"by": by, "round": number}}) for by in range(RACERS)]
        results = await outcomes(*(a.sessions.save(s) for a, s in zip(handles, racers, strict=True)))
        winner = one_winner(results, VersionConflict)
        case.same(winner.version, number + 1, "the winner's version")
        losers = [result for result in results if isinstance(result, VersionConflict)]
        case.same({(x.guard, x.expected, x.actual) for x in losers}, {("version", number, number + 1)}, "losers")
        case.same(await handles[-1].sessions.get("s"), winner, "the state after the race")
        current = winner


@clause("races.tail", "Of many who append behind one `last_seq`, exactly one wins, and the others append nothing.")
async def tail(case: Case) -> None:
    handles = await case.handles(RACERS)
    await handles[0].sessions.save(Session(id="s"))
    for number in range(6):
        calls = [
            handles[by].messages.append("s", case.say(f"{number} by {by}"), last_seq=number)
            for by in range(RACERS)
        ]
        [won] = one_winner(await outcomes(*calls), VersionConflict)
        case.same(won.seq, number + 1, "the winner's position")
    case.same([m.seq for m in await all_messages(handles[0], "s")], [1, 2, 3, 4, 5, 6], "all positions")


@clause("races.two_contents", "Of several contents that are sent at once under one id, exactly one is stored.")
async def two_contents(case: Case) -> None:
    handles = await case.handles(RACERS)
    await handles[0].sessions.save(Session(id="s"))
    for word in ("a", "b", "c"):
        calls = [
            adapter.messages.append("s", case.say(word, content=f"said by {by}"))
            for by, adapter in enumerate(handles)
        ]
        [won] = one_winner(await outcomes(*calls), DuplicateIdConflict)
        case.same(await handles[0].messages.get("s", word), won, "the message that is stored")


@clause("races.lost_updates", "No update that was acknowledged is lost: each raised the counter by one.")
async def lost_updates(case: Case) -> None:
    handles = await case.handles(4)
    await handles[0].sessions.save(Session(id="s", data={"n": 0}))
    wanted = case.size(5, 10, 50)

    async def count(adapter: Adapter) -> None:
        counted = 0
        while counted < wanted:
            session = await adapter.sessions.get("s")
            assert session is not None
            session.data["n"] += 1
            try:
                await adapter.sessions.save(session)
                counted += 1
            except VersionConflict:
                await asyncio.sleep(case.random.random() * 0.005)

    await asyncio.gather(*map(count, handles))
    session = await handles[0].sessions.get("s")
    assert session is not None
    case.same((session.data["n"], session.version), (4 * wanted, 4 * wanted + 1), "the counter and the version")


@clause(
    "races.any",
    'Saves with `expected="any"` at once are each stored: each raises the version by one.',
    level=Level.SMOKE,
)
async def any_version(case: Case) -> None:
    handles = await case.handles(RACERS)
    session = await handles[0].sessions.save(Session(id="s"))
    changed = [session.model_copy(update={"data": {"by": by}}) for by in range(RACERS)]
    saved = await asyncio.gather(
        *(a.sessions.save(one, expected="any") for a, one in zip(handles, changed, strict=True))
    )
    case.same(sorted(one.version for one in saved), list(range(2, RACERS + 2)), "the versions that were told")
    last = max(saved, key=lambda one: one.version)
    case.same(await handles[0].sessions.get("s"), last, "the state of the highest version")


@clause("races.same_turn", "One turn that is sent by many at once is stored once, and all get the same answer.")
async def same_turn(case: Case) -> None:
    handles = await case.handles(RACERS)
    session = await handles[0].sessions.save(Session(id="s"))
    turns = [
        Turn(id="messages", session_id="s", messages=case.say("a", "b")),
        Turn(id="state", session_id="s", session=session.model_copy(update={"data": {"n": 1}})),
        Turn(id="new", session_id="new", session=Session(id="new", data={"n": 1}), messages=case.say("a")),
    ]
    for turn in turns:
        with case.about(f"the turn {turn.id!r}"):
            done = await asyncio.gather(*(adapter.commit(turn) for adapter in handles))
            case.same(sorted(one.replayed for one in done), [False, *[True] * (RACERS - 1)], "who was first")
            answers = {(one.session.version, one.session.last_seq, one.session.key) for one in done}
            assert len(answers) == 1, f"the answers differ: {answers}"
            assert len({repr(one.messages) for one in done}) == 1, "the messages of the answers differ"
    counts = [len(await all_messages(handles[0], name)) for name in ("s", "new")]
    case.same(counts, [2, 1], "how many messages are stored")
    versions_now = [await handles[0].sessions.get(name) for name in ("s", "new")]
    case.same([one and one.version for one in versions_now], [2, 1], "the versions")
