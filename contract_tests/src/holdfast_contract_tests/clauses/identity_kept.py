"""Identity: a write of messages leaves every column of its session that is none of its business."""

from datetime import timedelta
from typing import Any

from holdfast import Adapter, Capability, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.clauses._turns import info, now


async def _begin(case: Case) -> tuple[Adapter, Session]:
    """A session of four messages, with every column set that the adapter offers; and how it is stored."""
    adapter = await case.open()
    at = case.clock.now
    own: dict[str, Any] = {"user_id": "u", "agent": "a", "status": "odd", "data": {"n": 1}, "metadata": {"m": 1}}
    own |= {"completed_at": at - timedelta(days=1, microseconds=1), "schema_version": 3, "current_route": "r"}
    if Capability.EXPIRY in adapter.capabilities:
        own |= {"expires_at": at + timedelta(days=9), "state_expires_at": at + timedelta(days=8, microseconds=1)}
    if Capability.PARENTS in adapter.capabilities:
        await adapter.sessions.save(Session(id="p"))
        own["parent_id"] = "p"
    await adapter.sessions.save(Session(id="s", **own))
    await adapter.messages.append("s", case.say(*"abcd"))
    case.clock.pass_(hours=1, microseconds=1)
    stored = await now(adapter)
    case.same({name: getattr(stored, name) for name in own}, own, "what was saved, as it is read")
    return adapter, stored


async def _kept(case: Case, adapter: Adapter, before: Session, **changes: Any) -> Session:
    """The session, which may differ from what it was in these fields alone, and in ``updated_at``."""
    expected = before.model_copy(update={"updated_at": case.clock.now, **changes})
    found = await now(adapter)
    case.same(found, expected, "the session afterwards")
    if {Capability.LISTING_EXACT, Capability.ACTIVITY_EXACT} <= adapter.capabilities:
        [listed] = await case.listed(adapter, SessionQuery(nested=True, user_id="u"), ["s"])
        case.same(listed, info(found), "the session as it is listed afterwards")
    case.clock.pass_(hours=1, microseconds=1)
    return found


@clause(
    "identity.kept_by_append", "An append changes positions, counts and times of its session, and nothing else."
)
async def kept_by_append(case: Case) -> None:
    adapter, stored = await _begin(case)
    await adapter.messages.append("s", case.say("e", "f"))
    said = {"last_message_at": case.clock.now}
    stored = await _kept(case, adapter, stored, last_seq=6, message_count=6, **said)
    await adapter.commit(Turn(session_id="s", messages=case.say("g")))
    said = {"last_message_at": case.clock.now}
    await _kept(case, adapter, stored, last_seq=7, message_count=7, **said)


@clause(
    "identity.kept_by_removal",
    "A removal changes the count and the time of its session, and nothing else.",
    needs=[Capability.REMOVE],
)
async def kept_by_removal(case: Case) -> None:
    adapter, stored = await _begin(case)
    await adapter.messages.remove("s", after=3, through=4)
    stored = await _kept(case, adapter, stored, message_count=3)
    await adapter.commit(Turn(session_id="s", remove=(0, 2)))
    stored = await _kept(case, adapter, stored, message_count=1)
    await adapter.messages.remove("s", after=0, through=4)
    await _kept(case, adapter, stored, message_count=0)


@clause(
    "identity.kept_by_replacement",
    "A replacement changes the time of its session, and nothing else.",
    needs=[Capability.REPLACE],
)
async def kept_by_replacement(case: Case) -> None:
    adapter, stored = await _begin(case)
    for word in ("a", "d", "d"):
        with case.about(f"the message {word!r} replaced"):
            await adapter.messages.replace("s", Message(id=word, role="system", content="[redacted]"))
            stored = await _kept(case, adapter, stored)
