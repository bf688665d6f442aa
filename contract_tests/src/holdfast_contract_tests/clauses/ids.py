"""Identifiers: almost anything is legal and harmless, and two are the same only if they are equal byte by byte."""

from collections.abc import Sequence
from itertools import count

from hypothesis import strategies as st

from holdfast import Adapter, Capability, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._ids import FEW, HARD, each


def _created(name: str, number: int) -> Turn:
    """A turn that creates a session, and names everything in it by one word."""
    session = Session(id=name, user_id=name, agent=name, status=name, data={"n": number})
    message = Message(id=name, role=name, user_id=name, content=str(number))
    return Turn(id=name, session_id=name, session=session, messages=[message])


async def _check_session(case: Case, adapter: Adapter, name: str, number: int) -> None:
    session = await adapter.sessions.get(name)
    assert session is not None, f"the session {name!r} is not there"
    case.same((session.id, session.data, session.last_seq), (name, {"n": number}, 1), "the session")
    case.same((session.user_id, session.agent, session.status), (name,) * 3, "its user, agent and status")
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
    await each(case, names, lambda name: _check_session(case, adapter, name, numbers[name]))
    return adapter


async def _check_left(case: Case, adapter: Adapter, expected: Sequence[str]) -> None:
    """Where listing is exact, one page lists them all."""
    if Capability.LISTING_EXACT in adapter.capabilities:
        page = await adapter.sessions.find(SessionQuery(order="created", limit=adapter.limits.page))
        case.same(sorted(info.id for info in page), sorted(expected), "the ids that are listed")


@clause(
    "ids.exact",
    "Ids that look alike are different ids: none is trimmed, folded, normalised or cut.",
    level=Level.SMOKE,
)
async def exact(case: Case) -> None:
    adapter = await _check_apart(case, FEW)
    await _check_left(case, adapter, FEW)


@clause("ids.sessions", "Any legal id can be a session's, and reaches that session alone.")
async def sessions(case: Case) -> None:
    assert len({name.encode() for name in HARD}) == len(HARD), "the suite's own list has an id twice"
    adapter = await _check_apart(case, HARD)
    await _check_left(case, adapter, HARD)
    for name in HARD[::2]:
        with case.about(f"the id {name!r}"):
            case.same(await adapter.sessions.delete(name), True, "what delete gave back")
    await _check_left(case, adapter, HARD[1::2])
    numbers = {name: number for number, name in enumerate(HARD)}
    await each(case, HARD[1::2], lambda name: _check_session(case, adapter, name, numbers[name]))


@clause("ids.messages", "Any legal id can be a message's, and reaches that message alone.", sealed=True)
async def messages(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    stored = await adapter.messages.append("s", case.say(*HARD))
    case.same([one.id for one in stored], HARD, "the ids that append gave back")
    by_id = {one.id: one for one in stored}

    async def check(name: str) -> None:
        case.same(await adapter.messages.get("s", name), by_id[name], "what messages.get gave")

    await each(case, HARD, check)
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
    for name in ("*", "%", "_", "A", "a ", "a\u0301", "07", "'", "x" * 254):
        with case.about(f"the id {name!r}"):
            await adapter.messages.replace("s", Message(id=name, role="user", content="redacted"))
            done.append(name)
            found = await adapter.messages.find("s", limit=len(HARD))
            changed = [one.id for one in found if one.content != one.id]
            case.same(sorted(changed), sorted(done), "the messages with another text")


_TURNED = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_LEGAL = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=_TURNED), min_size=1, max_size=20
).filter(lambda text: not text.isspace())


@clause("ids.any_two", "Any two legal ids are one only if they are equal.")
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
