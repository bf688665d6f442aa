"""What planted bugs asked for beside the clauses of retries."""

from holdfast import Capability, NotFound, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


@clause(
    "retries.all_removed_since",
    "The answer to a retried turn has no messages where all of them were removed since.",
    needs=[Capability.REMOVE],
)
async def all_removed_since(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    turn = Turn(session_id="s", session=session, messages=case.say("a", "b"))
    await adapter.commit(turn)
    await adapter.messages.remove("s", after=0, through=2)
    async with case.unchanged(adapter):
        again = await adapter.commit(turn)
    case.same((again.messages, again.replayed), ((), True), "messages and replayed of the retry")


@clause(
    "retries.nothing_to_nobody",
    "Appending no messages, or a turn of nothing, to a session that is not there is refused.",
    level=Level.SMOKE,
)
async def nothing_to_nobody(case: Case) -> None:
    adapter = await case.open()
    await case.refused(NotFound, adapter.messages.append("none", []))
    await case.refused(NotFound, adapter.commit(Turn(session_id="none")))
    case.same(await adapter.sessions.get("none"), None, "the session")
