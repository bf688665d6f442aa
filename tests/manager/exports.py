"""What the tests of exporting and importing share: a user with all that there is, and what is told of him."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from holdfast import (
    Media,
    Message,
    Other,
    Reasoning,
    RouteVisit,
    Session,
    SessionQuery,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from holdfast.manager.upkeep.chain import Chain
from holdfast.manager.upkeep.exporting import export_user

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "the-secret-words"


async def exported(adapter, user_id="u"):
    return [line async for line in export_user(adapter, user_id, clock=lambda: NOON)]


def said(lines):
    """What lines say, but for what is the store's own: positions, and times of storing."""
    trees = [json.loads(line) for line in lines]
    for tree in trees:
        del tree["digest"]
        for name in ("created_at", "updated_at"):
            tree.get("session", {}).pop(name, None)
        tree.get("message", {}).pop("seq", None)
    return trees


def resealed(trees):
    """Lines that say this, closed as an export closes them."""
    chain = Chain()
    return [chain.close({key: value for key, value in tree.items() if key != "digest"}) for tree in trees]


def message(id, content="hello", role="user", **fields):
    return Message(id=id, role=role, content=content, created_at=NOON + timedelta(seconds=len(id)), **fields)


async def fill(adapter):
    """A user with all that there is: routes, parts, tags, segments, holes, a redaction, children."""
    state = Session(
        id="rich",
        user_id="u",
        agent="helper",
        status="completed",
        completed_at=NOON,
        data={
            "when": NOON,
            "sum": Decimal("1.50"),
            "pair": (1, {2}),
            "$": {"$date": "no date"},
            "z": 1,
            "a": -0.0,
        },
        data_by_route={"booking": {"day": date(2026, 1, 2)}},
        current_route="booking",
        current_step="day",
        route_history=[RouteVisit(route="booking", entered_at=NOON)],
        schema_version=3,
        metadata={"bytes": b"\x00\xff", "text": f"{SECRET} \u2028\x00\U0001f600", "big": 10**400},
    )
    parts = [Text(text="call"), ToolCall(id="c1", name="find", args={"z": 1, "a": [None]}), Reasoning(text="hm")]
    first = [message("m1", SECRET), message("m2", parts, role="assistant", metadata={"k": (1,)})]
    await adapter.commit(Turn(id="t1", session_id="rich", session=state, messages=first))
    result = [
        ToolResult(call_id="c1", content={"found": 2}, error=True),
        Media(mime="image/png", data=b"\x00\xff"),
    ]
    await adapter.commit(
        Turn(id="t1", segment=1, session_id="rich", messages=[message("m3", result, role="tool")])
    )
    unknown = message(
        "m4", [Other(type="hologram", depth=3)], raw={"own": [1]}, format="x/1", name="Ann", step="s"
    )
    await adapter.messages.append("rich", [unknown, message("m5"), message("m6")], turn_id="t2")
    await adapter.messages.remove("rich", after=4, through=5)
    await adapter.messages.replace("rich", message("m6", "[redacted]"))
    await adapter.messages.append("rich", [message("m7", user_id="somebody")], turn_id="t3")
    for name, user, parent in (("a child", "u", "rich"), ("of nobody", None, "a child"), ("empty", "u", None)):
        session = Session(id=name, user_id=user, parent_id=parent, data={"name": name})
        messages = [] if name == "empty" else [message(f"{name} 1"), message(f"{name} 2")]
        await adapter.commit(Turn(session_id=name, session=session, messages=messages))
    await adapter.commit(Turn(session_id="theirs", session=Session(id="theirs", user_id="v")))


async def everything(adapter):
    """All sessions with their messages, as product code reads them, but for what is the store's own."""
    own = {"key", "version", "last_seq", "created_at", "updated_at"}
    found = {}
    for info in await adapter.sessions.find(SessionQuery(nested=True, limit=1000)):
        session = await adapter.sessions.get(info.id)
        messages = await adapter.messages.find(info.id, limit=1000)
        found[info.id] = session.model_dump(exclude=own), [one.model_dump(exclude={"seq"}) for one in messages]
    return found


async def lazily(lines):
    for line in lines:
        await asyncio.sleep(0)
        yield line
