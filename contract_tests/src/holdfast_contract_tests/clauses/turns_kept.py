"""Turns while others write: none is split, none is read by half, none is lost."""

import asyncio

from holdfast import Adapter, Message, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

VOLUME = 160  # writes: enough to notice one that is dropped of fifty
WRITERS, PARTS = 4, 5
DATA = {"kept": True}


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is gone"
    return session


async def _ids(adapter: Adapter) -> list[str]:
    found: list[Message] = []
    cursor = None
    while True:
        page = await adapter.messages.find("s", cursor=cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return [message.id for message in found]


@clause(
    "turns.never_split",
    "While many write into one session, each turn stands in one piece, and no reader sees half of one.",
)
async def never_split(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s", data={"n": 0}))
    turns = 0

    async def write(writer: int) -> None:
        nonlocal turns
        for number in range(8):
            said = case.say(*(f"{writer}-{number}-{part}" for part in range(PARTS)))
            turns += 1
            await adapter.commit(Turn(id=f"t{writer}-{number}", session_id="s", messages=said))

    async def read() -> None:
        for _ in range(12):
            found = await _ids(adapter)
            _check_whole(found)
            await asyncio.sleep(0)

    await asyncio.gather(*map(write, range(WRITERS)), read())
    found = await _ids(adapter)
    _check_whole(found)
    case.same(len(found), turns * PARTS, "the number of messages that are stored")


def _check_whole(found: list[str]) -> None:
    for begin in range(0, len(found), PARTS):
        piece = found[begin : begin + PARTS]
        whole_turn = [f"{piece[0].rpartition('-')[0]}-{part}" for part in range(PARTS)]
        assert piece == whole_turn, f"a turn is split: {piece} stands where {whole_turn} should"


@clause(
    "turns.one_state",
    "A session is read as one write left it: never the state of one with the positions of another.",
)
async def one_state(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s", data={"n": 1}))

    async def write(session: Session) -> None:
        for number in range(2, 32):
            session.data["n"] = number
            said = case.say(f"a{number}", f"b{number}")
            done = await adapter.commit(Turn(session_id="s", session=session, messages=said))
            session.version = done.session.version

    async def read() -> None:
        for _ in range(40):
            seen = await _now(adapter)
            found = (seen.version, seen.last_seq, seen.message_count)
            number = seen.data["n"]
            expected = (number, 2 * number - 2, 2 * number - 2)
            case.same(found, expected, f"version, last_seq and message_count beside the state of turn {number}")
            await asyncio.sleep(0)

    await asyncio.gather(write(session), read())


@clause("turns.many_appends", f"Of {VOLUME} acknowledged appends none is lost.")
async def many_appends(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    for number in range(VOLUME):
        [told] = await adapter.messages.append("s", case.say(f"m{number}"))
        case.same((told.id, told.seq), (f"m{number}", number + 1), "id and position as answered")
    found = await _ids(adapter)
    lost = {f"m{number}" for number in range(VOLUME)} - set(found)
    assert not lost, f"{len(lost)} of {VOLUME} acknowledged appends are not stored: {sorted(lost)[:5]}"
    case.same(found, [f"m{number}" for number in range(VOLUME)], "what is stored")


@clause("turns.many_saves", f"Of {VOLUME} acknowledged saves none is lost.")
async def many_saves(case: Case) -> None:
    adapter = await case.open()
    session = Session(id="s")
    for number in range(VOLUME):
        session.data["n"] = number
        session = await adapter.sessions.save(session)
        stored = await _now(adapter)
        case.same(stored, session, f"what is stored after save {number + 1}, against the answer")
        case.same((stored.version, stored.data), (number + 1, {"n": number}), "version and data")


@clause("turns.many_turns", f"Of {VOLUME} acknowledged turns none is lost, nor any part of one.")
async def many_turns(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    for number in range(VOLUME):
        session.data["n"] = number
        said = case.say(f"a{number}", f"b{number}")
        done = await adapter.commit(Turn(session_id="s", session=session, messages=said))
        session.version = done.session.version
        stored = await _now(adapter)
        case.same(
            (stored.version, stored.data), (number + 2, {"n": number}), f"version and data of turn {number + 1}"
        )
        case.same(stored.last_seq, 2 * number + 2, f"last_seq after turn {number + 1}")
    found = await _ids(adapter)
    case.same(found, [f"{part}{number}" for number in range(VOLUME) for part in "ab"], "the messages of all turns")


@clause("turns.many_creations", f"Of {VOLUME} acknowledged creations none is lost.")
async def many_creations(case: Case) -> None:
    adapter = await case.open()
    for number in range(VOLUME):
        session = Session(id=f"s{number}", data={"n": number})
        await adapter.commit(Turn(session_id=session.id, session=session, messages=case.say("a")))
    for number in range(VOLUME):
        stored = await _now(adapter, f"s{number}")
        case.same((stored.data, stored.last_seq), ({"n": number}, 1), f"data and last_seq of session {number}")


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
