"""Races between lives: deletion, expiry, children."""

from datetime import timedelta

from holdfast import Capability, NotFound, Session, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.racing import RACERS, one_winner, outcomes
from holdfast_contract_tests.reading import all_messages


@clause("races.deletion", "Appends that race with a deletion are refused or die with it: the next life is empty.")
async def deletion(case: Case) -> None:
    handles = await case.handles(4)
    for number in range(8):
        old = await handles[0].sessions.save(Session(id="s", data={"life": number}))
        late = [Turn(session_id="s", key=old.key, messages=case.say(f"{number} {by}")) for by in range(3)]
        calls = [a.commit(turn) for a, turn in zip(handles[1:], late, strict=True)]
        results = await outcomes(handles[0].sessions.delete("s"), *calls)
        assert results[0] is True, f"the deletion gave {results[0]!r}"
        strange = [x for x in results[1:] if isinstance(x, BaseException) and type(x) is not NotFound]
        assert not strange, f"an append to a dead session must be NotFound, found {strange!r}"
        case.same(await handles[1].sessions.get("s"), None, "the session after its deletion")
        again = await handles[1].sessions.save(Session(id="s"))
        for adapter, turn in zip(handles[1:], late, strict=True):
            await case.refused(NotFound, adapter.commit(turn))
        case.same((again.last_seq, again.version), (0, 1), "last_seq and version of the next life")
        case.same(await all_messages(handles[0], "s"), [], "the messages of the next life")
        await handles[0].sessions.delete("s")


@clause(
    "races.expired",
    "Of many who create an expired session anew at once, exactly one does, and the old rows stay unseen.",
    needs=[Capability.EXPIRY],
    level=Level.SMOKE,
)
async def expired(case: Case) -> None:
    handles = await case.handles(RACERS)
    for name in ("s", "t"):
        await handles[0].sessions.save(Session(id=name, expires_at=case.clock() + timedelta(hours=1)))
        await handles[0].messages.append(name, case.say("old"))
    case.clock.pass_(hours=2)
    results = await outcomes(*(adapter.sessions.save(Session(id="s")) for adapter in handles))
    winner = one_winner(results, VersionConflict)
    case.same(await handles[1].sessions.get("s"), winner, "the session that was created anew")
    case.same(await all_messages(handles[2], "s"), [], "the messages of the new life")
    states = [Session(id="t", data={"by": number}) for number in range(len(handles))]
    turns = [Turn(session_id="t", session=one, messages=case.say(f"new {one.data['by']}")) for one in states]
    done = one_winner(
        await outcomes(*(adapter.commit(turn) for adapter, turn in zip(handles, turns, strict=True))),
        VersionConflict,
    )
    found = await all_messages(handles[2], "t")
    case.same(found, list(done.messages), "the messages of the life that a turn created anew")
    stored = await handles[1].sessions.get("t")
    assert stored is not None, "the session that a turn created anew is not there"
    case.same(found[0].text, f"new {stored.data['by']}", "the message, against whose state is stored")


@clause(
    "races.orphans",
    "A child that is created while its parent is deleted does not outlive it.",
    needs=[Capability.PARENTS],
)
async def orphans(case: Case) -> None:
    handles = await case.handles(4)
    for number in range(6):
        await handles[0].sessions.save(Session(id="p"))
        names = [f"child {number} {by}" for by in range(3)]
        calls = [
            adapter.sessions.save(Session(id=name, parent_id="p"))
            for adapter, name in zip(handles[1:], names, strict=True)
        ]
        results = await outcomes(handles[0].sessions.delete("p"), *calls)
        strange = [x for x in results if isinstance(x, BaseException) and type(x) is not NotFound]
        assert not strange, f"a child of a dead parent must be NotFound, found {strange!r}"
        for name in names:
            case.same(await handles[1].sessions.get(name), None, f"{name!r} after its parent's deletion")
