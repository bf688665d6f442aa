"""What several ids make together is never what others make: no key, no query and no retry mixes them up."""

from holdfast import Adapter, Capability, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

# Sixteen a session: so many turns with a state are remembered.
TURNS: list[list[tuple[str, int]]] = [
    [
        *(("t", 1), ("t", 11), ("t1", 1), ("t", 0), ("t:1", 1), ("t:1", 0), ("t1", 11), ("t11", 1)),
        *(("T", 1), ("t ", 1), (" t", 1), ("\u00e9", 1), ("e\u0301", 1), ("x" * 255, 0), ("x" * 254, 0), ("%", 1)),
    ],
    [
        *(
            ("7", 0),
            ("07", 0),
            ("7.0", 0),
            ("+7", 0),
            ("7e0", 0),
            ("\uff17", 0),
            ("t-1", 0),
            ("t-1", 1),
            ("t/1", 0),
        ),
        *(
            ("ab-cd", 0),
            ("AB-CD", 0),
            ("abcd", 0),
            ("x" * 191 + "y", 0),
            ("x" * 191 + "z", 0),
            ("_", 0),
            ("null", 0),
        ),
    ],
]


@clause(
    "ids.turns", "Turn ids are exact, with their segments: a turn is a retry only of its very own.", sealed=True
)
async def turns(case: Case) -> None:
    adapter = await case.open()
    for session_id, some in zip("st", TURNS, strict=True):
        await adapter.commit(Turn(session_id=session_id, session=Session(id=session_id)))
        for repeat in (False, True):
            for number, (name, segment) in enumerate(some):
                with case.about(f"turn {name!r}, segment {segment}"):
                    await _check_turn(case, adapter, _numbered(case, session_id, name, segment, number), repeat)
        found = await adapter.messages.find(session_id)
        case.same([(one.turn_id, one.segment) for one in found], some, "turns and segments of what is stored")


def _numbered(case: Case, session_id: str, name: str, segment: int, number: int) -> Turn:
    state, said = Session(id=session_id, data={"n": number}), case.say(f"m{number}")
    return Turn(id=name, segment=segment, session_id=session_id, session=state, expected="any", messages=said)


async def _check_turn(case: Case, adapter: Adapter, turn: Turn, repeat: bool) -> None:  # noqa: FBT001
    done = await adapter.commit(turn)
    case.same(done.replayed, repeat, "replayed")
    told = [(one.turn_id, one.segment) for one in done.messages]
    case.same(told, [(turn.id, turn.segment)], "turn and segment of its message")


SEPARATORS = [":", "::", "/", "|", "#", "-", "_", ".", ",", " ", "~", "@", "+", "\\", "\u2028", "%", "{"]


@clause(
    "ids.pairs",
    "What two ids make together is never what two others make: 'a:b' and 'c', 'a' and 'b:c'.",
    level=Level.SMOKE,
)
async def pairs(case: Case) -> None:
    adapter = await case.open()
    short = [Message(id=f"b{mark}c", role="user", content=f"a, b{mark}c") for mark in SEPARATORS]
    await adapter.commit(Turn(session_id="a", session=Session(id="a"), messages=short))
    for mark in SEPARATORS:
        name = f"a{mark}b"
        message = Message(id="c", role="user", content=f"{name}, c")
        with case.about(f"session {name!r} and message 'c', beside session 'a' and message {f'b{mark}c'!r}"):
            done = await adapter.commit(Turn(session_id=name, session=Session(id=name), messages=[message]))
            case.same(done.replayed, False, "replayed")
    for mark in SEPARATORS:
        name = f"a{mark}b"
        with case.about(f"session {name!r}"):
            case.same([one.content for one in await adapter.messages.find(name)], [f"{name}, c"], "its messages")
            case.same(await adapter.messages.get(name, f"b{mark}c"), None, "a message of session 'a'")
            here, there = await adapter.messages.get(name, "c"), await adapter.messages.get("a", f"b{mark}c")
            told = [one and one.content for one in (here, there)]
            case.same(
                told, [f"{name}, c", f"a, b{mark}c"], f"message 'c' here, and {f'b{mark}c'!r} of session 'a'"
            )
    found = await adapter.messages.find("a")
    case.same([one.content for one in found], [one.content for one in short], "the messages of session 'a'")


@clause(
    "ids.filter_pairs",
    "User and agent of a query are never confused: 'a:b' and 'c' are not 'a' and 'b:c'.",
    level=Level.SMOKE,
)
async def filter_pairs(case: Case) -> None:
    adapter = await case.open()
    marks = SEPARATORS[:10]
    for number, mark in enumerate(marks):
        await adapter.sessions.save(Session(id=f"long {number}", user_id=f"a{mark}b", agent="c", status="d"))
        await adapter.sessions.save(Session(id=f"short {number}", user_id="a", agent=f"b{mark}c", status="d"))
    for number, mark in enumerate(marks):
        with case.about(f"the mark {mark!r}"):
            await case.listed(adapter, SessionQuery(user_id=f"a{mark}b", agent="c"), [f"long {number}"])
            query = SessionQuery(user_id="a", agent=f"b{mark}c", status="d")
            await case.listed(adapter, query, [f"short {number}"])


@clause(
    "ids.tenant_pairs",
    "Tenant and session make no other pair's name: 'a:b' and 'c' are not 'a' and 'b:c'.",
    needs=[Capability.TENANTS],
)
async def tenant_pairs(case: Case) -> None:
    adapter = await case.open()
    places: list[tuple[str | None, str]] = [(None, "a:b:c")]
    for mark in SEPARATORS[:10]:
        places += [(f"a{mark}b", "c"), ("a", f"b{mark}c"), (None, f"a{mark}b{mark}c"), (f"a{mark}b{mark}c", "d")]
    places = list(dict.fromkeys(places))
    views = [adapter if tenant is None else adapter.for_tenant(tenant) for tenant, _ in places]
    for number, (view, (tenant, name)) in enumerate(zip(views, places, strict=True)):
        with case.about(f"tenant {tenant!r}, session {name!r}"):
            await view.sessions.save(Session(id=name, data={"n": number}))
    for number, (view, (tenant, name)) in enumerate(zip(views, places, strict=True)):
        found = await view.sessions.get(name)
        with case.about(f"tenant {tenant!r}, session {name!r}"):
            case.same(found and found.data, {"n": number}, "its data")
