"""Identifiers: almost anything is legal and harmless, and two are the same only if they are equal byte by byte."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from hypothesis import strategies as st

from holdfast import Adapter, Capability, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

# ruff: noqa: E501 - lists of hard ids
FEW = ["a", "A", "a ", " a", "\u00e1", "a\u0301", "\uff41", "a:b", "a/b", "..", "%", "_", "*", "7", "07", "'", "😀", "x" * 255]

HARD = [
    # the same to a collation, to a normal form, to the eye
    "a", "A", "\u00e1", "a\u0301", "\u00c1", "\uff41", "a ", " a", "a  ", "a\u00a0", "a\u200b", "a\u200d", "\u3000x", "x\u3000", "\ufeff", "\ufeffa",
    "ß", "ss", "SS", "\u017f", "s", "k", "\u212a", "\ufb01", "fi", "\u2460", "1", "İ", "i", "ı", "I", "σ", "ς", "Σ", "\u0430", "\u212b", "\u00c5",
    # numbers, and what somebody takes for one
    "٧", "7", "07", "+7", "-7", "7.0", "7e0", "0x7", "0", "-0", "9007199254740992", "9007199254740993", "1e400", "NaN", "Infinity",
    # names of other kinds, in several spellings
    "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "550e8400e29b41d4a716446655440000",
    "507f1f77bcf86cd799439011", "507F1F77BCF86CD799439011", "2026-01-01", "2026-01-01T00:00:00Z", "null", "None", "true", "True", "undefined",
    # what has a meaning in a key, a pattern, a path, a query
    ":", "a:b", "a:b:c", "a::b", "s:*:1", "*", "?", "[a]", "a*", "{}", "{a}{b}", "}{", "{a", "/", "a/b", "../../etc/x", "..", ".", "C:\\x", "CON",
    "%", "_", "a%b", "a_b", "'", "''", '"', "`", "x') OR '1'='1", "m\"; DROP TABLE x; --", "$set", "a.b", "$", "@a:{*}", "tenant:* OR x",
    "\\", "\\x00", "\\u0000", "%00", "#", "?x=1", "a,b", "[]", '["a"]', "~", "~#", "<script>", "a\u2028b", "\uffff", "a|b", "a-b", "-", "--", "+", "&", "=1",
    "😀", "👨‍👩‍👧", "会話", "\ue000", "\U0010ffff", "\ud7ff", "_id", "_all", "__proto__",
    # long ones that differ at their ends
    "x" * 255, "x" * 254, "x" * 254 + "y", "y" + "x" * 254, "é" * 127 + "x", "é" * 127 + "y", "😀" * 63 + "abc", "😀" * 63 + "abd",
]  # fmt: skip

_AT_ONCE = 16


async def _each(case: Case, names: Sequence[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do the same with each name, a few at a time."""

    async def one(name: str) -> None:
        with case.about(f"the id {name!r}"):
            await work(name)

    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        results = await asyncio.gather(*map(one, some), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _created(name: str, number: int, **fields: str) -> Turn:
    """A turn that creates a session, and names everything in it by one word."""
    session = Session(id=name, data={"n": number}, **fields)
    message = Message(id=name, role=name, user_id=name, content=str(number))
    return Turn(id=name, session_id=name, session=session, messages=[message])


async def _check_session(case: Case, adapter: Adapter, name: str, number: int) -> None:
    session = await adapter.sessions.get(name)
    assert session is not None, f"the session {name!r} is not there"
    case.same((session.id, session.data, session.last_seq), (name, {"n": number}, 1), "the session")
    page = await adapter.messages.find(name)
    said = [(one.id, one.role, one.turn_id, one.user_id, one.content) for one in page]
    case.same(said, [(name, name, name, name, str(number))], "its messages")
    case.same(await adapter.messages.get(name, name), page.items[0], "its message, by its id")


async def _check_apart(case: Case, names: Sequence[str]) -> Adapter:
    adapter = await case.open()
    for number, name in enumerate(names):
        with case.about(f"the id {name!r}"):
            done = await adapter.commit(_created(name, number))
            case.same((done.session.id, done.replayed), (name, False), "the new session, and whether it was there")
    numbers = {name: number for number, name in enumerate(names)}
    await _each(case, names, lambda name: _check_session(case, adapter, name, numbers[name]))
    return adapter


async def _check_left(case: Case, adapter: Adapter, expected: Sequence[str]) -> None:
    """Where listing is exact, one page lists them all."""
    if Capability.LISTING_EXACT in adapter.capabilities:
        page = await adapter.sessions.find(SessionQuery(order="created", limit=adapter.limits.page))
        case.same(sorted(info.id for info in page), sorted(expected), "the ids that are listed")


@clause("ids.exact", "Ids that look alike are different ids: none is trimmed, folded, normalised or cut.")
async def exact(case: Case) -> None:
    adapter = await _check_apart(case, FEW)
    await _check_left(case, adapter, FEW)


@clause("ids.sessions", "Any legal id can be a session's, and reaches that session alone.", level=Level.DEFAULT)
async def sessions(case: Case) -> None:
    assert len({name.encode() for name in HARD}) == len(HARD), "the suite's own list has an id twice"
    adapter = await _check_apart(case, HARD)
    await _check_left(case, adapter, HARD)
    for name in HARD[::2]:
        with case.about(f"the id {name!r}"):
            case.same(await adapter.sessions.delete(name), True, "what delete gave back")
    await _check_left(case, adapter, HARD[1::2])
    numbers = {name: number for number, name in enumerate(HARD)}
    await _each(case, HARD[1::2], lambda name: _check_session(case, adapter, name, numbers[name]))


@clause("ids.messages", "Any legal id can be a message's, and reaches that message alone.", sealed=True)
async def messages(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    stored = await adapter.messages.append("s", case.say(*HARD))
    case.same([one.id for one in stored], HARD, "the ids that append gave back")
    by_id = {one.id: one for one in stored}

    async def check(name: str) -> None:
        case.same(await adapter.messages.get("s", name), by_id[name], "what messages.get gave")

    await _each(case, HARD, check)
    again = await adapter.messages.append("s", case.say(*HARD))
    case.same(list(again), list(stored), "what append gave back the second time")
    found = await adapter.messages.find("s", limit=len(HARD) + 1)
    case.same([(one.id, one.seq) for one in found], [(one.id, one.seq) for one in stored], "what is stored")


@clause(
    "ids.replaced",
    "A replacement reaches the message of that id alone.",
    needs=[Capability.REPLACE],
)
async def replaced(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say(*HARD))
    done: list[str] = []
    for name in ("*", "%", "_", "a", "'", "x" * 254):
        with case.about(f"the id {name!r}"):
            await adapter.messages.replace("s", Message(id=name, role="user", content="redacted"))
            done.append(name)
            found = await adapter.messages.find("s", limit=len(HARD))
            changed = [one.id for one in found if one.content != one.id]
            case.same(sorted(changed), sorted(done), "the messages with another text")


@clause("ids.filters", "A query by user, agent or status finds those of exactly that id.", level=Level.DEFAULT)
async def filters(case: Case) -> None:
    adapter = await case.open()
    for number, name in enumerate(HARD):
        with case.about(f"the id {name!r}"):
            new = Session(id=f"s{number}", user_id=name, agent=name, status=name)
            saved = await adapter.sessions.save(new)
            case.same((saved.user_id, saved.agent, saved.status), (name,) * 3, "user, agent and status")
    numbers = {name: number for number, name in enumerate(HARD)}

    async def check(name: str) -> None:
        for field in ("user_id", "agent", "status"):
            with case.about(f"a query by {field}"):
                query = SessionQuery.model_validate({field: name})
                [info] = await case.listed(adapter, query, [f"s{numbers[name]}"])
                case.same((info.user_id, info.agent, info.status), (name,) * 3, "user, agent and status")

    await _each(case, HARD, check)


@clause(
    "ids.walk",
    "A walk over sessions that were created at one moment gives each once, whatever their ids are.",
    needs=[Capability.LISTING_EXACT],
    level=Level.DEFAULT,
)
async def walk(case: Case) -> None:
    adapter = await case.open()
    for name in HARD:
        await adapter.sessions.save(Session(id=name))
    for query in (SessionQuery(order="created", limit=7), SessionQuery(order="activity", limit=7)):
        found: list[str] = []
        cursor = None
        while len(found) <= len(HARD):
            page = await adapter.sessions.find(query.model_copy(update={"cursor": cursor}))
            found += [info.id for info in page]
            cursor = page.next
            if cursor is None:
                break
        twice = sorted({name for name in found if found.count(name) > 1})
        assert not twice, f"the walk by {query.order} gave these ids twice: {twice!a}"
        lost = sorted(set(HARD) - set(found))
        assert not lost, f"the walk by {query.order} lost these ids: {lost!a}"


TURNS = [
    *(("t", 1), ("t", 11), ("t1", 1), ("t", 0), ("t:1", 1), ("t:1", 0), ("t1", 11), ("t11", 1)),
    *(("T", 1), ("t ", 1), (" t", 1), ("\u00e9", 1), ("e\u0301", 1), ("x" * 255, 0), ("x" * 254, 0), ("%", 1)),
]


@clause("ids.turns", "Turn ids are exact, with their segments: a turn is a retry only of its very own.", sealed=True)
async def turns(case: Case) -> None:
    adapter = await case.open()
    await adapter.commit(Turn(session_id="s", session=Session(id="s")))
    for repeat in (False, True):
        for number, (name, segment) in enumerate(TURNS):
            state = Session(id="s", data={"n": number})
            said = case.say(f"m{number}")
            turn = Turn(id=name, segment=segment, session_id="s", session=state, expected="any", messages=said)
            with case.about(f"turn {name!r}, segment {segment}"):
                done = await adapter.commit(turn)
                case.same(done.replayed, repeat, "replayed")
                told = [(one.turn_id, one.segment) for one in done.messages]
                case.same(told, [(name, segment)], "turn and segment of its message")
    found = await adapter.messages.find("s")
    told = [(one.turn_id, one.segment) for one in found]
    case.same(told, TURNS, "turns and segments of what is stored")


SEPARATORS = [":", "::", "/", "|", "#", "-", "_", ".", ",", " ", "~", "@", "+", "\\", "\u2028", "%", "{"]


@clause("ids.pairs", "What two ids make together is never what two others make: 'a:b' and 'c', 'a' and 'b:c'.")
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
    found = await adapter.messages.find("a")
    case.same([one.content for one in found], [one.content for one in short], "the messages of session 'a'")


@clause("ids.filter_pairs", "User and agent of a query are never confused: 'a:b' and 'c' are not 'a' and 'b:c'.")
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
    "ids.tenants",
    "Any legal id can be a tenant's, and shows that tenant's sessions alone.",
    needs=[Capability.TENANTS],
    level=Level.DEFAULT,
)
async def tenants(case: Case) -> None:
    adapter = await case.open()
    names = [*HARD, "default", "public", "main", "-1"]
    for name in names:
        with case.about(f"the tenant {name!r}"):
            await adapter.for_tenant(name).sessions.save(Session(id="s", data={"of": name}))

    async def check(name: str) -> None:
        session = await adapter.for_tenant(name).sessions.get("s")
        assert session is not None, f"the session of tenant {name!r} is not there"
        case.same(session.data, {"of": name}, "the tenant's session")
        query = SessionQuery(with_state=True)
        [listed] = await case.listed(adapter.for_tenant(name), query, ["s"])
        case.same(listed.key, session.key, "the key of the session that is listed")

    await _each(case, names, check)
    case.same(await adapter.sessions.get("s"), None, "what no tenant has")
    await case.listed(adapter, SessionQuery(nested=True), [])


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


@clause(
    "ids.parents",
    "Any legal id can be a parent's, and has its own children alone.",
    needs=[Capability.PARENTS],
    level=Level.DEFAULT,
)
async def parents(case: Case) -> None:
    adapter = await case.open()
    numbers = {name: number for number, name in enumerate(HARD)}
    for number, name in enumerate(HARD):
        with case.about(f"the parent {name!r}"):
            await adapter.sessions.save(Session(id=name))
            await adapter.sessions.save(Session(id=f"child {number}", parent_id=name))

    async def check(name: str) -> None:
        [info] = await case.listed(adapter, SessionQuery(parent=name), [f"child {numbers[name]}"])
        case.same(info.parent_id, name, "parent_id")

    await _each(case, HARD, check)


_TURNED = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LEGAL = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=_TURNED), min_size=1, max_size=20
).filter(lambda text: not text.isspace())


@clause("ids.any_two", "Any two legal ids are one only if they are equal.", level=Level.DEFAULT)
def any_two(case: Case) -> None:
    adapter = case.run(case.open())
    numbers = count()

    @case.given(case.size(10, 40, 300), first=_LEGAL, second=_LEGAL, ahead=st.booleans())
    def check(first: str, second: str, ahead: bool) -> None:  # noqa: FBT001
        mark = f"{next(numbers)}"
        names = sorted({first, second})
        with case.about(f"the ids {first!r} and {second!r}, {'behind' if ahead else 'in front of'} {mark!r}"):
            whole = [f"{mark}{name}" if ahead else f"{name}{mark}" for name in names]
            case.run(_two(case, adapter, f"u{mark}", whole, names))

    check()


async def _two(case: Case, adapter: Adapter, user: str, names: Sequence[str], ids: Sequence[str]) -> None:
    for name in names:
        session = Session(id=name, user_id=user, data={"id": name})
        said = [Message(id=id_, role="user", content=f"{name} {id_}") for id_ in ids]
        await adapter.commit(Turn(session_id=name, session=session, messages=said))
    for name in names:
        found = await adapter.sessions.get(name)
        case.same(found and found.data, {"id": name}, f"the data of session {name!r}")
        for id_ in ids:
            message = await adapter.messages.get(name, id_)
            case.same(message and message.content, f"{name} {id_}", f"message {id_!r} of session {name!r}")
    if Capability.LISTING_EXACT in adapter.capabilities:
        page = await adapter.sessions.find(SessionQuery(user_id=user))
        case.same(sorted(info.id for info in page), sorted(names), "the ids that are listed")


@clause("ids.length", "An id may have 255 bytes, of one character each or of several, and all of them count.")
async def length(case: Case) -> None:
    adapter = await case.open()
    for size in (1, 63, 64, 127, 128, 191, 192, 254, 255):
        for name in ("x" * size, "x" * (size - 1) + "y", ("é" * (size // 2)) or "é", "z" + "😀" * (size // 4)):
            with case.about(f"an id of {len(name.encode())} bytes"):
                if await adapter.sessions.get(name) is None:
                    await adapter.sessions.save(Session(id=name, data={"id": name}))
                found = await adapter.sessions.get(name)
                case.same(found and found.data, {"id": name}, "the data of the session with this id")
