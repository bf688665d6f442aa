"""What planted bugs asked for beside the clauses of turns."""

from holdfast import Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

DATA = {"kept": True}


@clause(
    "turns.messages_keep_state",
    "No append, and no turn of messages alone, changes anything of a state.",
    level=Level.SMOKE,
)
async def messages_keep_state(case: Case) -> None:
    # The state is compared with what was saved: a state that was lost before looks unchanged afterwards.
    adapter = await case.open()
    await adapter.sessions.save(
        Session(id="s", data=DATA, data_by_route={"r": DATA}, current_route="r", metadata=DATA, schema_version=3)
    )
    await adapter.messages.append("s", case.say("a"))
    await adapter.commit(Turn(session_id="s", messages=case.say("b")))
    found = await adapter.sessions.get("s")
    assert found is not None, "the session is gone"
    case.same(found.data, DATA, "data")
    case.same(found.data_by_route, {"r": DATA}, "data_by_route")
    case.same((found.metadata, found.current_route, found.schema_version), (DATA, "r", 3), "the rest of the state")
