"""Segments: a turn may be committed in parts; each is stored once, and each is another write."""

from holdfast import Adapter, DuplicateIdConflict, Message, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause


async def _begin(case: Case) -> tuple[Adapter, Session]:
    adapter = await case.open()
    return adapter, await adapter.sessions.save(Session(id="s"))


@clause(
    "segments.each_once",
    "Each segment of a turn is stored once, whichever is retried.",
    sealed=True,
    level=Level.SMOKE,
)
async def each_once(case: Case) -> None:
    adapter, session = await _begin(case)
    session.data["a"] = 1
    one = Turn(id="t", session_id="s", session=session, messages=case.say("a"))
    first = await adapter.commit(one)
    state = session.model_copy(update={"data": {"a": 2}, "version": first.session.version})
    said = case.say("b", "c")
    two = Turn(id="t", segment=1, session_id="s", session=state, messages=said, last_seq=first.session.last_seq)
    second = await adapter.commit(two)
    places = [(m.id, m.seq, m.turn_id, m.segment) for m in await adapter.messages.find("s")]
    case.same(places, [("a", 1, "t", 0), ("b", 2, "t", 1), ("c", 3, "t", 1)], "ids, positions, turns, segments")
    for turn, answer in ((one, first), (two, second), (one, first)):
        with case.about(f"a retry of segment {turn.segment}"):
            async with case.unchanged(adapter):
                again = await adapter.commit(turn)
            case.same((again.replayed, again.messages), (True, answer.messages), "replayed and messages")
            told = (again.session.version, again.session.last_seq)
            case.same(told, (answer.session.version, answer.session.last_seq), "version and last_seq")
    stored = await adapter.sessions.get("s")
    assert stored is not None, "the session is gone"
    case.same((stored.version, stored.data, stored.last_seq), (3, {"a": 2}, 3), "version, data and last_seq")


@clause(
    "segments.many", "A turn may have many segments: each keeps its number, and is known by it.", level=Level.SMOKE
)
async def many(case: Case) -> None:
    adapter, session = await _begin(case)
    turns: list[Turn] = []
    for number in range(12):  # more than one digit: text sorts "10" before "9"
        state = session.model_copy(update={"data": {"n": number}, "version": number + 1})
        turns.append(Turn(id="t", segment=number, session_id="s", session=state, messages=case.say(f"m{number}")))
        done = await adapter.commit(turns[-1])
        case.same((done.replayed, done.session.version), (False, number + 2), f"replayed, version of {number}")
    found = [(message.id, message.segment) for message in await adapter.messages.find("s")]
    case.same(found, [(f"m{number}", number) for number in range(12)], "ids and segments")
    for number in (1, 10, 11, 2, 0):
        again = await adapter.commit(turns[number])
        told = (again.replayed, again.session.version, again.messages[0].seq)
        case.same(told, (True, number + 2, number + 1), f"replayed, version and position of segment {number}")


@clause("segments.states", "Two segments of one turn may bring two states without messages.", level=Level.SMOKE)
async def states(case: Case) -> None:
    adapter, session = await _begin(case)
    for number in (0, 1):
        state = session.model_copy(update={"data": {"n": number}, "version": number + 1})
        done = await adapter.commit(Turn(id="t", segment=number, session_id="s", session=state))
        case.same((done.replayed, done.session.version), (False, number + 2), f"replayed, version of {number}")
    stored = await adapter.sessions.get("s")
    case.same(stored.data if stored else None, {"n": 1}, "the data that is stored")


@clause("segments.other_content", "A segment with another content than at its first try is refused.")
async def other_content(case: Case) -> None:
    adapter, session = await _begin(case)
    turn = Turn(id="t", segment=1, session_id="s", session=session, messages=case.say("a"))
    await adapter.commit(turn)
    other = session.model_copy(update={"data": {"a": 2}})
    async with case.unchanged(adapter):
        error = await case.refused(DuplicateIdConflict, adapter.commit(turn.model_copy(update={"session": other})))
    case.same(error.ids, ("t",), "the ids that the error names")


@clause(
    "segments.said_before",
    "A segment that says again what another said brings its state, and moves no message.",
    sealed=True,
)
async def said_before(case: Case) -> None:
    adapter, session = await _begin(case)
    await adapter.commit(Turn(id="t", session_id="s", messages=case.say("a", "b")))
    session.data["a"] = 1
    again = Turn(id="t", segment=1, session_id="s", session=session, messages=case.say("a", "b"))
    done = await adapter.commit(again)
    assert not done.replayed, "a segment that brings a new state is told as a replay"
    places = [(message.seq, message.segment) for message in done.messages]
    case.same(places, [(1, 0), (2, 0)], "positions and segments")
    stored = await adapter.sessions.get("s")
    assert stored is not None, "the session is gone"
    case.same((stored.version, stored.data, stored.last_seq), (2, {"a": 1}, 2), "version, data and last_seq")


@clause("segments.goes_on", "A turn that is appended again with more keeps what is there, and adds the rest.")
async def goes_on(case: Case) -> None:
    adapter, _ = await _begin(case)
    await adapter.messages.append("s", case.say("a"), turn_id="t")
    answer = await adapter.messages.append("s", case.say("a", "b"), turn_id="t")
    case.same([(message.id, message.seq) for message in answer], [("a", 1), ("b", 2)], "ids and positions")
    case.same(len(await adapter.messages.find("s")), 2, "the number of messages that are stored")


@clause("segments.one_meaning", "One turn does not say two things under one id.")
async def one_meaning(case: Case) -> None:
    adapter, _ = await _begin(case)
    await adapter.messages.append("s", case.say("a"), turn_id="t")
    other = [Message(id="a", role="user", content="other")]
    async with case.unchanged(adapter):
        error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", other, turn_id="t"))
        await case.refused(
            DuplicateIdConflict, adapter.commit(Turn(id="t", segment=1, session_id="s", messages=other))
        )
    case.same(error.ids, ("a",), "the ids that the error names")
