"""Death: the process ends, in whatever moment."""

import asyncio

from holdfast import Adapter, Capability, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.processes import start
from holdfast_contract_tests.reading import all_messages

SURVIVES = [Capability.SURVIVES_PROCESS]


@clause(
    "death.restart",
    "What was acknowledged is there when it is opened again, all of it.",
    needs=SURVIVES,
    level=Level.SMOKE,
)
async def restart(case: Case) -> None:
    adapter = await case.new()
    async with adapter:
        session = await adapter.sessions.save(Session(id="s", user_id="u", agent="x", data={"a": [1, None, "é"]}))
        told = await adapter.messages.append("s", case.say("a", "b", metadata={"k": 1.5}))
        await adapter.commit(
            Turn(
                id="t",
                session_id="s",
                session=session.model_copy(update={"status": "odd"}),
                messages=case.say("c"),
            )
        )
        before = await case.everything(adapter)
    again = await case.open()
    case.same(await case.everything(again), before, "what is there when it is opened again")
    case.same(
        list(await again.messages.append("s", case.say("a", "b", metadata={"k": 1.5}))), list(told), "a retry"
    )
    replay = await again.commit(
        Turn(id="t", session_id="s", session=session.model_copy(update={"status": "odd"}), messages=case.say("c"))
    )
    case.same(replay.replayed, True, "whether a retry of the turn is a replay")


@clause(
    "death.kill",
    "A process that is killed inside a commit loses nothing that it was told, and leaves no half of a turn.",
    needs=SURVIVES,
)
async def kill(case: Case) -> None:
    acked: list[int] = []
    sent = in_flight = 0
    took = 0.004  # seconds for a commit, until one has told
    kills = case.size(3, 12, 60)
    for _ in range(kills):
        commits = case.random.randrange(1, 6)
        async with start(case, "turns", first=sent, size=2_000) as process:
            while (said := await process.report()) is not None:
                if "acked" in said:
                    acked.append(said["acked"])
                    took = said["took"]
                    continue
                sent = said["sent"] + 1
                commits -= 1
                if not commits:
                    await asyncio.sleep(case.random.random() * took)
                    process.kill()
            if commits > 0:
                await process.ended_well()  # it was not killed: then it must say why it ended
        in_flight += sent - 1 not in acked
        adapter = await case.new()
        async with adapter:
            await _whole(case, adapter, acked, sent)
    assert acked, "no process was told anything before its end"
    case.notes.append(f"{in_flight} of {kills} kills hit a commit in flight")


async def _whole(case: Case, adapter: Adapter, acked: list[int], sent: int) -> None:
    session = await adapter.sessions.get("s")
    found = await all_messages(adapter, "s") if session else []
    by_turn: dict[int, list[str]] = {}
    for message in found:
        by_turn.setdefault(int(message.turn_id or 0), []).append(message.id)
    for turn, ids in by_turn.items():
        case.same(ids, [f"{turn}/{part}" for part in range(3)], f"the messages of turn {turn}")
    lost = sorted(set(acked) - set(by_turn))
    assert not lost, f"{len(lost)} turns were acknowledged and are lost: {lost[:5]}"
    invented = sorted(set(by_turn) - set(range(sent)))
    assert not invented, f"turns are there that nobody sent: {invented[:5]}"
    case.same([m.seq for m in found], list(range(1, len(found) + 1)), "the positions")
    if session and by_turn:
        case.same(
            session.data["turn"], max(by_turn), "the turn of the state, beside the last turn of the messages"
        )
