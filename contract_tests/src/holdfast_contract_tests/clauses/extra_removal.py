"""What planted bugs asked for beside the clauses of removals."""

from datetime import timedelta

from holdfast import Capability, Message, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


@clause(
    "removal.leaves_last_message_at",
    "A removal leaves `last_message_at`, whatever the times of the messages that it takes and leaves.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def leaves_last_message_at(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    times = [case.clock() + timedelta(hours=hours) for hours in (1, 5, 3)]
    await adapter.messages.append("s", [Message(role="user", created_at=at) for at in times])
    for after, through in ((2, 3), (0, 1), (0, 3)):
        await adapter.messages.remove("s", after=after, through=through)
        found = await adapter.sessions.get("s")
        assert found is not None, "the session is gone"
        with case.about(f"the messages behind {after} up to {through} removed"):
            case.same(found.last_message_at, times[-1], "last_message_at")
