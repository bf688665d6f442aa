"""Models that were changed by ``model_copy``, which checks nothing: refused before they could do harm."""

from datetime import datetime
from functools import partial
from typing import Any

from holdfast import InvalidArgument, Message, RouteVisit, Session, SessionQuery, Turn
from holdfast.parts import Text, ToolCall
from holdfast_contract_tests.case import Case, unwatched
from holdfast_contract_tests.clause import Level, clause

NO_IDS: list[Any] = [5, {"$gt": ""}, [], "a\x00"]


@clause(
    "inputs.changed_parts",
    "A message with a part that was changed to something illegal is refused, not stored.",
    level=Level.SMOKE,
)
async def changed_parts(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    parts: list[Any] = [
        Text(text="x").model_copy(update={"text": 5}),
        ToolCall.model_construct(id="no name"),  # type: ignore[call-arg]
        ToolCall(id="1", name="f").model_copy(update={"name": None}),
    ]
    async with case.unchanged(adapter):
        for part in parts:
            with case.about(f"the part {part!r}"):
                said = [Message(id="a", role="user").model_copy(update={"content": [part]})]
                case.refused_at_once(InvalidArgument, partial(adapter.messages.append, "s", said))


@clause("inputs.changed_visits", "A state with a route that was changed to something illegal is refused.")
async def changed_visits(case: Case) -> None:
    adapter = await case.open()
    visit = RouteVisit(route="r", entered_at=case.clock())
    for change in ({"route": 5}, {"entered_at": 5}, {"entered_at": datetime(2026, 1, 1)}):  # noqa: DTZ001 - no zone
        with case.about(f"{change}"):
            session = Session(id="s", route_history=[visit.model_copy(update=change)])
            case.refused_at_once(InvalidArgument, partial(adapter.sessions.save, session))
    case.same(await adapter.sessions.get("s"), None, "the session that was refused")


@clause(
    "inputs.changed_queries",
    "A query that was changed to something illegal is refused before it is sent.",
    level=Level.SMOKE,
)
async def changed_queries(case: Case) -> None:
    adapter = unwatched(await case.open())
    changes: list[dict[str, Any]] = [
        *({name: wrong} for name in ("user_id", "agent", "status", "parent") for wrong in NO_IDS),
        {"updated_before": "x"},
        {"updated_before": datetime(2026, 1, 1)},  # noqa: DTZ001 - no zone
        *({"order": "id; drop"}, {"nested": "yes"}, {"include_expired": 1}, {"with_state": None}),
    ]
    for change in changes:
        with case.about(f"{change}"):
            query = SessionQuery().model_copy(update=change)
            case.refused_at_once(InvalidArgument, partial(adapter.sessions.find, query))


@clause("inputs.changed_turns", "A turn whose key was changed to something illegal is refused before it is sent.")
async def changed_turns(case: Case) -> None:
    adapter = unwatched(await case.open())
    await adapter.sessions.save(Session(id="s"))
    for key in (5, {"$gt": ""}, "a\x00", "\ud800", ""):
        with case.about(f"the key {key!r}"):
            turn = Turn(session_id="s", messages=case.say("a")).model_copy(update={"key": key})
            case.refused_at_once(InvalidArgument, partial(adapter.commit, turn))
    case.same((await adapter.messages.find("s")).items, (), "the messages that were refused")
