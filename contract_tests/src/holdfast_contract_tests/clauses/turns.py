"""Turns: messages, state and removal are stored together or not at all, and the answer says what was stored."""

import asyncio
from datetime import timedelta
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    DuplicateIdConflict,
    HoldfastError,
    InvalidArgument,
    Limits,
    Message,
    NotFound,
    PayloadTooLarge,
    Session,
    SessionInfo,
    Turn,
    UnserializableValue,
    VersionConflict,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

MANY = 300  # messages of one turn: more than some stores put into one statement
VOLUME = 160  # writes: enough to notice one that is dropped of fifty
WRITERS, PARTS = 4, 5


async def _begin(case: Case, **options: Any) -> tuple[Adapter, Session]:
    """A session with five messages, and its changed state, which is not saved yet."""
    adapter = await case.open(**options)
    await adapter.sessions.save(Session(id="s", user_id="u", data={"n": 1}))
    await adapter.messages.append("s", case.say(*"abcde"))
    session = await _now(adapter)
    session.data["n"] = 2
    session.status = "completed"
    return adapter, session


async def _now(adapter: Adapter, session_id: str = "s") -> Session:
    session = await adapter.sessions.get(session_id)
    assert session is not None, f"the session {session_id!r} is gone"
    return session


def _info(session: Session) -> SessionInfo:
    return SessionInfo(**{name: getattr(session, name) for name in SessionInfo.model_fields})


# --- all or nothing -------------------------------------------------------------------------------


def _refusals() -> dict[str, tuple[dict[str, Any], type[HoldfastError]]]:
    def named(*ids: str, **fields: Any) -> list[Message]:
        return [Message(id=id_, role="user", content="new words", **fields) for id_ in ids]

    unserializable = [*named("new"), Message(role="user", raw=object())]
    return {
        "a version that is not there": ({"expected": 7}, VersionConflict),
        "a session that must not be there": ({"expected": 0}, VersionConflict),
        "a stale last position": ({"last_seq": 4}, VersionConflict),
        "the key of another life": ({"key": "0" * 32}, NotFound),
        "a last message whose id is taken": ({"messages": named("new", "a")}, DuplicateIdConflict),
        "a first message whose id is taken": ({"messages": named("e", "new")}, DuplicateIdConflict),
        "one id twice": ({"messages": named("new", "new")}, DuplicateIdConflict),
        "a value that cannot be stored": ({"messages": unserializable}, UnserializableValue),
    }


@clause("turns.refused", "Of a refused turn nothing is stored: no message, no state.", sealed=True)
async def refused(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x", "y"))
    case.clock.pass_(hours=1)
    for what, (change, error) in _refusals().items():
        with case.about(f"a turn with {what}"):
            async with case.unchanged(adapter):
                await case.refused(error, adapter.commit(turn.model_copy(update=change)))


@clause(
    "turns.refused_with_removal",
    "Of a refused turn nothing is stored: nothing is removed either.",
    needs=[Capability.REMOVE],
    sealed=True,
)
async def refused_with_removal(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x", "y"), remove=(2, 4))
    beyond: tuple[dict[str, Any], type[HoldfastError]] = ({"remove": (0, 6)}, InvalidArgument)
    case.clock.pass_(hours=1)
    for what, (change, error) in {**_refusals(), "a removal beyond the last position": beyond}.items():
        with case.about(f"a turn with {what}"):
            async with case.unchanged(adapter):
                await case.refused(error, adapter.commit(turn.model_copy(update=change)))


@clause("turns.refused_append", "Of a refused append nothing is stored, wherever the message is that was refused.")
async def refused_append(case: Case) -> None:
    adapter, _ = await _begin(case)
    wrong = Message(id="c", role="user", content="new words")
    many = case.say(*(f"m{number}" for number in range(min(MANY, adapter.limits.turn_messages) - 1)))
    for what, said in {"first": [wrong, *many], "last": [*many, wrong]}.items():
        with case.about(f"{len(said)} messages, of which the {what} one has an id that is taken"):
            async with case.unchanged(adapter):
                error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", said))
            case.same(error.ids, ("c",), "the ids that the error names")


@clause("turns.refused_for_size", "Of a turn that is too large nothing is stored.")
async def refused_for_size(case: Case) -> None:
    adapter = await case.open(limits=Limits(turn_bytes=200))
    session = await adapter.sessions.save(Session(id="s"))
    async with case.unchanged(adapter):
        said = case.say("a" * 90, "b" * 90, "c" * 90)
        await case.refused(PayloadTooLarge, adapter.commit(Turn(session_id="s", session=session, messages=said)))


@clause("turns.mended", "A refused turn can be mended and committed under its own id.")
async def mended(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x"), last_seq=3)
    await case.refused(VersionConflict, adapter.commit(turn))
    await case.refused(VersionConflict, adapter.commit(turn.model_copy(update={"last_seq": 5, "expected": 9})))
    change = {"last_seq": 5, "messages": case.say("x", "y")}
    done = await adapter.commit(turn.model_copy(update=change))
    told = (done.replayed, done.session.version, done.session.last_seq, [message.seq for message in done.messages])
    case.same(told, (False, 2, 7, [6, 7]), "replayed, version, last_seq and positions")


@clause("turns.mended_removal", "A refused removal can be mended under its own id.", needs=[Capability.REMOVE])
async def mended_removal(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x"), remove=(2, 4), last_seq=3)
    await case.refused(VersionConflict, adapter.commit(turn))
    done = await adapter.commit(turn.model_copy(update={"last_seq": 5, "messages": case.say("x", "y")}))
    told = (done.replayed, done.removed, done.session.last_seq, done.session.message_count)
    case.same(told, (False, 2, 7, 5), "replayed, removed, last_seq and message_count")


@clause("turns.refused_creation", "A creation that is refused leaves no session.")
async def refused_creation(case: Case) -> None:
    adapter = await case.open()
    new, said = Session(id="new"), case.say("a")
    twice = case.say("a", "a")
    for what, turn, kind in (
        ("a last position", Turn(session_id="new", session=new, messages=said, last_seq=1), VersionConflict),
        ("one id twice", Turn(session_id="new", session=new, messages=twice), DuplicateIdConflict),
        ("a version", Turn(session_id="new", session=Session(id="new", version=1), messages=said), NotFound),
        ("a key", Turn(session_id="new", session=Session(id="new", key="0" * 32), messages=said), NotFound),
        ("a turn's key", Turn(session_id="new", key="0" * 32, session=new, messages=said), NotFound),
    ):
        with case.about(f"a creation that expects {what}"):
            async with case.unchanged(adapter):
                await case.refused(kind, adapter.commit(turn))
            case.same(await adapter.sessions.get("new"), None, "the session")
            await case.refused(NotFound, adapter.messages.find("new"))


@clause(
    "turns.refused_creation_with_removal",
    "A creation that removes what was never there is refused, and leaves no session.",
    needs=[Capability.REMOVE],
)
async def refused_creation_with_removal(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(session_id="new", session=Session(id="new"), messages=case.say("a"), remove=(0, 1))
    await case.refused(InvalidArgument, adapter.commit(turn))
    case.same(await adapter.sessions.get("new"), None, "the session")


@clause(
    "turns.refused_child",
    "A turn that creates a child of nobody leaves no session.",
    needs=[Capability.PARENTS],
)
async def refused_child(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(session_id="new", session=Session(id="new", parent_id="none"), messages=case.say("a"))
    await case.refused(NotFound, adapter.commit(turn))
    case.same(await adapter.sessions.get("new"), None, "the session")


# --- what a turn stores, and what it answers --------------------------------------------------------


@clause(
    "turns.whole",
    "A turn stores its messages and its state, and answers with the session as it is then.",
    sealed=True,
)
async def whole(case: Case) -> None:
    adapter, session = await _begin(case)
    case.clock.pass_(hours=1)
    done = await adapter.commit(Turn(id="t", session_id="s", session=session, messages=case.say("x", "y")))
    case.same((done.removed, done.replayed), (0, False), "removed and replayed")
    stored = await _now(adapter)
    found = (stored.data, stored.status, stored.version, stored.last_seq, stored.message_count)
    case.same(found, ({"n": 2}, "completed", 2, 7, 7), "data, status, version, last_seq, message_count")
    case.same(done.session, _info(stored), "Committed.session, against what is stored")
    case.same(done.messages, (await adapter.messages.find("s", after=5)).items, "Committed.messages")
    told = [(message.id, message.seq, message.turn_id, message.created_at) for message in done.messages]
    case.same(told, [("x", 6, "t", case.clock.now), ("y", 7, "t", case.clock.now)], "the messages' envelopes")


@clause("turns.messages_alone", "A turn without a state leaves the state as it was.", sealed=True)
async def messages_alone(case: Case) -> None:
    adapter, _ = await _begin(case)
    before = await _now(adapter)
    case.clock.pass_(hours=1)
    done = await adapter.commit(Turn(session_id="s", messages=case.say("x")))
    case.same((done.removed, done.replayed, len(done.messages)), (0, False, 1), "removed, replayed, messages")
    now = case.clock.now
    changes = {"last_seq": 6, "message_count": 6, "last_message_at": now, "updated_at": now}
    case.same(await _now(adapter), before.model_copy(update=changes), "the session")
    case.same(done.session, _info(await _now(adapter)), "Committed.session, against what is stored")


@clause("turns.state_alone", "A turn without messages stores its state, and leaves the messages as they were.")
async def state_alone(case: Case) -> None:
    adapter, session = await _begin(case)
    said = await adapter.messages.find("s")
    done = await adapter.commit(Turn(session_id="s", session=session))
    case.same((done.removed, done.replayed, done.messages), (0, False, ()), "removed, replayed, messages")
    stored = await _now(adapter)
    case.same((stored.version, stored.data, stored.last_seq), (2, {"n": 2}, 5), "version, data, last_seq")
    case.same(done.session, _info(stored), "Committed.session, against what is stored")
    case.same((await adapter.messages.find("s")).items, said.items, "the messages")


@clause("turns.creation", "A turn with a session of version 0 creates it together with its first messages.")
async def creation(case: Case) -> None:
    adapter = await case.open()
    new = Session(id="s", user_id="u", data={"n": 1})
    done = await adapter.commit(Turn(session_id="s", session=new, messages=case.say("a", "b")))
    stored = await _now(adapter)
    found = (stored.version, stored.last_seq, stored.message_count, stored.data, stored.user_id)
    case.same(found, (1, 2, 2, {"n": 1}, "u"), "version, last_seq, message_count, data, user_id")
    case.same(done.session, _info(stored), "Committed.session, against what is stored")
    case.same(done.messages, (await adapter.messages.find("s")).items, "Committed.messages")
    case.same((new.version, new.key, new.data), (0, None, {"n": 1}), "version, key and data of the argument")


@clause("turns.empty", "A turn of nothing changes nothing.")
async def empty(case: Case) -> None:
    adapter, _ = await _begin(case)
    case.clock.pass_(hours=1)
    async with case.unchanged(adapter):
        done = await adapter.commit(Turn(session_id="s"))
    case.same((done.messages, done.removed), ((), 0), "messages and removed")
    case.same(done.session, _info(await _now(adapter)), "Committed.session, against what is stored")


@clause("turns.placed_by_the_store", "Position, turn and segment of a message are the store's, not the caller's.")
async def placed_by_the_store(case: Case) -> None:
    adapter, _ = await _begin(case)
    said = case.say("x", seq=2, turn_id="mine", segment=9)
    [one] = await adapter.messages.append("s", said, turn_id="t")
    case.same((one.seq, one.turn_id, one.segment), (6, "t", 0), "position, turn and segment")
    done = await adapter.commit(Turn(id="u", segment=1, session_id="s", messages=case.say("y", seq=2)))
    found = [
        (message.seq, message.turn_id, message.segment) for message in await adapter.messages.find("s", after=5)
    ]
    case.same(found, [(6, "t", 0), (7, "u", 1)], "positions, turns and segments that are stored")
    case.same(done.messages[0].seq, 7, "the position that is answered")


@clause("turns.own_times", "A message keeps the time that its caller gave it; else it has the adapter's.")
async def own_times(case: Case) -> None:
    adapter, _ = await _begin(case)
    early = case.clock.now - timedelta(days=1000, microseconds=1)
    case.clock.pass_(hours=1)
    said = [*case.say("x"), *case.say("y", created_at=early)]
    answer = await adapter.messages.append("s", said)
    case.same([message.created_at for message in answer], [case.clock.now, early], "created_at")
    case.same(list(await adapter.messages.find("s", after=5)), list(answer), "what is stored")
    case.same(
        (await _now(adapter)).last_message_at, early, "last_message_at: the time of the message appended last"
    )


@clause("turns.large", "A turn of very many messages is stored as a whole, in order.")
async def large(case: Case) -> None:
    adapter, session = await _begin(case)
    count = min(MANY, adapter.limits.turn_messages)
    said = case.say(*(f"m{number}" for number in range(count)))
    done = await adapter.commit(Turn(session_id="s", session=session, messages=said))
    found = await adapter.messages.find("s", after=5, limit=min(count, adapter.limits.page))
    case.same([message.id for message in found], [message.id for message in said][: len(found)], "what is stored")
    case.same([message.seq for message in done.messages], list(range(6, count + 6)), "the positions")
    case.same(
        (done.session.last_seq, done.session.message_count), (count + 5, count + 5), "last_seq, message_count"
    )


# --- with a removal -------------------------------------------------------------------------------


@clause(
    "turns.with_removal",
    "A turn removes, appends and stores its state in one step, and says how many it removed.",
    needs=[Capability.REMOVE],
    sealed=True,
)
async def with_removal(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x", "y"), remove=(2, 4))
    done = await adapter.commit(turn)
    case.same((done.removed, done.replayed), (2, False), "removed and replayed")
    told = (done.session.version, done.session.last_seq, done.session.message_count, done.session.status)
    case.same(told, (2, 7, 5, "completed"), "version, last_seq, message_count, status")
    found = [message.seq for message in await adapter.messages.find("s")]
    case.same(found, [1, 2, 5, 6, 7], "the positions that are stored")
    stored = await _now(adapter)
    case.same((stored.data, stored.version, stored.status), ({"n": 2}, 2, "completed"), "data, version, status")
    case.same(done.session, _info(stored), "Committed.session, against what is stored")


@clause("turns.tail", "A turn replaces a tail of messages, ids and all, in one step.", needs=[Capability.REMOVE])
async def tail(case: Case) -> None:
    adapter, _ = await _begin(case)
    again = [Message(id=word, role="user", content="again") for word in "de"]
    done = await adapter.commit(Turn(session_id="s", remove=(3, 5), messages=again, last_seq=5))
    found = [(message.id, message.seq, message.content) for message in await adapter.messages.find("s")]
    stay = [("a", 1, "a"), ("b", 2, "b"), ("c", 3, "c")]
    case.same(found, [*stay, ("d", 6, "again"), ("e", 7, "again")], "ids, positions and texts")
    case.same((done.session.version, done.removed), (1, 2), "version and removed")


@clause(
    "turns.ids_outside_of_removal",
    "An id outside of the turn's own removal is still taken.",
    needs=[Capability.REMOVE],
)
async def ids_outside_of_removal(case: Case) -> None:
    adapter, _ = await _begin(case)
    again = [Message(id=word, role="user", content="again") for word in "cd"]
    async with case.unchanged(adapter):
        turn = Turn(session_id="s", remove=(3, 5), messages=again)
        error = await case.refused(DuplicateIdConflict, adapter.commit(turn))
    case.same(error.ids, ("c",), "the ids that the error names")


@clause(
    "turns.same_words_in_removal",
    "The same words as in the turn's own removal are appended anew.",
    needs=[Capability.REMOVE],
)
async def same_words_in_removal(case: Case) -> None:
    adapter, _ = await _begin(case)
    done = await adapter.commit(Turn(session_id="s", remove=(0, 5), messages=case.say("b", "a")))
    case.same([(message.id, message.seq) for message in done.messages], [("b", 6), ("a", 7)], "ids and positions")
    case.same([message.id for message in await adapter.messages.find("s")], ["b", "a"], "what is stored")
    case.same((done.removed, done.session.message_count), (5, 2), "removed and message_count")


# --- while others write ---------------------------------------------------------------------------


@clause(
    "turns.never_split",
    "While many write into one session, each turn stands in one piece, and no reader sees half of one.",
    level=Level.DEFAULT,
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
            found = [message.id for message in await adapter.messages.find("s", limit=1000)]
            _check_whole(found)
            await asyncio.sleep(0)

    await asyncio.gather(*map(write, range(WRITERS)), read())
    found = [message.id for message in await adapter.messages.find("s", limit=1000)]
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
    level=Level.DEFAULT,
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


# --- none is lost -----------------------------------------------------------------------------------


@clause("turns.many_appends", f"Of {VOLUME} acknowledged appends none is lost.", level=Level.DEFAULT)
async def many_appends(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    for number in range(VOLUME):
        [told] = await adapter.messages.append("s", case.say(f"m{number}"))
        case.same((told.id, told.seq), (f"m{number}", number + 1), "id and position as answered")
    found = [message.id for message in await adapter.messages.find("s", limit=1000)]
    lost = {f"m{number}" for number in range(VOLUME)} - set(found)
    assert not lost, f"{len(lost)} of {VOLUME} acknowledged appends are not stored: {sorted(lost)[:5]}"
    case.same(found, [f"m{number}" for number in range(VOLUME)], "what is stored")


@clause("turns.many_saves", f"Of {VOLUME} acknowledged saves none is lost.", level=Level.DEFAULT)
async def many_saves(case: Case) -> None:
    adapter = await case.open()
    session = Session(id="s")
    for number in range(VOLUME):
        session.data["n"] = number
        session = await adapter.sessions.save(session)
        stored = await _now(adapter)
        case.same(stored, session, f"what is stored after save {number + 1}, against the answer")
        case.same((stored.version, stored.data), (number + 1, {"n": number}), "version and data")


@clause(
    "turns.many_turns", f"Of {VOLUME} acknowledged turns none is lost, nor any part of one.", level=Level.DEFAULT
)
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
    found = [message.id for message in await adapter.messages.find("s", limit=1000)]
    case.same(found, [f"{part}{number}" for number in range(VOLUME) for part in "ab"], "the messages of all turns")


@clause("turns.many_creations", f"Of {VOLUME} acknowledged creations none is lost.", level=Level.DEFAULT)
async def many_creations(case: Case) -> None:
    adapter = await case.open()
    for number in range(VOLUME):
        session = Session(id=f"s{number}", data={"n": number})
        await adapter.commit(Turn(session_id=session.id, session=session, messages=case.say("a")))
    for number in range(VOLUME):
        stored = await _now(adapter, f"s{number}")
        case.same((stored.data, stored.last_seq), ({"n": number}, 1), f"data and last_seq of session {number}")
