"""Turns: messages, state and removal are stored together or not at all, and the answer says what was stored."""

from datetime import timedelta

from holdfast import (
    Capability,
    DuplicateIdConflict,
    Limits,
    Message,
    NotFound,
    PayloadTooLarge,
    Session,
    Turn,
    VersionConflict,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._turns import begin, info, most, now, refusals
from holdfast_contract_tests.reading import all_messages

MANY = 300  # messages of one turn: more than some stores put into one statement

# --- all or nothing ---------------------------------------------------------------------------------


@clause(
    "turns.refused", "Of a refused turn nothing is stored: no message, no state.", sealed=True, level=Level.SMOKE
)
async def refused(case: Case) -> None:
    adapter, session = await begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x", "y"))
    case.clock.pass_(hours=1)
    for what, (change, error) in refusals().items():
        with case.about(f"a turn with {what}"):
            async with case.unchanged(adapter):
                await case.refused(error, adapter.commit(turn.model_copy(update=change)))


@clause(
    "turns.refused_append",
    "Of a refused append nothing is stored, wherever the message is that was refused.",
    level=Level.SMOKE,
)
async def refused_append(case: Case) -> None:
    adapter, _ = await begin(case)
    wrong = Message(id="c", role="user", content="new words")
    many = case.say(*(f"m{number}" for number in range(min(MANY, adapter.limits.turn_messages) - 1)))
    for what, said in {"first": [wrong, *many], "last": [*many, wrong]}.items():
        with case.about(f"{len(said)} messages, of which the {what} one has an id that is taken"):
            async with case.unchanged(adapter):
                error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", said))
            case.same(error.ids, ("c",), "the ids that the error names")


@clause("turns.refused_for_size", "Of a turn that is too large nothing is stored.", level=Level.SMOKE)
async def refused_for_size(case: Case) -> None:
    adapter = await case.open(limits=Limits(turn_bytes=200))
    session = await adapter.sessions.save(Session(id="s"))
    async with case.unchanged(adapter):
        said = case.say("a" * 90, "b" * 90, "c" * 90)
        await case.refused(PayloadTooLarge, adapter.commit(Turn(session_id="s", session=session, messages=said)))


@clause("turns.mended", "A refused turn can be mended and committed under its own id.")
async def mended(case: Case) -> None:
    adapter, session = await begin(case)
    turn = Turn(session_id="s", session=session, messages=case.say("x"), last_seq=3)
    await case.refused(VersionConflict, adapter.commit(turn))
    await case.refused(VersionConflict, adapter.commit(turn.model_copy(update={"last_seq": 5, "expected": 9})))
    change = {"last_seq": 5, "messages": case.say("x", "y")}
    done = await adapter.commit(turn.model_copy(update=change))
    told = (done.replayed, done.session.version, done.session.last_seq, [message.seq for message in done.messages])
    case.same(told, (False, 2, 7, [6, 7]), "replayed, version, last_seq and positions")


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
    level=Level.SMOKE,
)
async def whole(case: Case) -> None:
    adapter, session = await begin(case)
    case.clock.pass_(hours=1)
    done = await adapter.commit(Turn(id="t", session_id="s", session=session, messages=case.say("x", "y")))
    case.same((done.removed, done.replayed), (0, False), "removed and replayed")
    stored = await now(adapter)
    found = (stored.data, stored.status, stored.version, stored.last_seq, stored.message_count)
    case.same(found, ({"n": 2}, "completed", 2, 7, 7), "data, status, version, last_seq, message_count")
    case.same(done.session, info(stored), "Committed.session, against what is stored")
    case.same(done.messages, (await adapter.messages.find("s", after=5)).items, "Committed.messages")
    told = [(message.id, message.seq, message.turn_id, message.created_at) for message in done.messages]
    case.same(told, [("x", 6, "t", case.clock.now), ("y", 7, "t", case.clock.now)], "the messages' envelopes")


@clause("turns.messages_alone", "A turn without a state leaves the state as it was.", sealed=True)
async def messages_alone(case: Case) -> None:
    adapter, _ = await begin(case)
    before = await now(adapter)
    case.clock.pass_(hours=1)
    done = await adapter.commit(Turn(session_id="s", messages=case.say("x")))
    case.same((done.removed, done.replayed, len(done.messages)), (0, False, 1), "removed, replayed, messages")
    then = case.clock.now
    changes = {"last_seq": 6, "message_count": 6, "last_message_at": then, "updated_at": then}
    case.same(await now(adapter), before.model_copy(update=changes), "the session")
    case.same(done.session, info(await now(adapter)), "Committed.session, against what is stored")


@clause("turns.state_alone", "A turn without messages stores its state, and leaves the messages as they were.")
async def state_alone(case: Case) -> None:
    adapter, session = await begin(case)
    said = await adapter.messages.find("s")
    done = await adapter.commit(Turn(session_id="s", session=session))
    case.same((done.removed, done.replayed, done.messages), (0, False, ()), "removed, replayed, messages")
    stored = await now(adapter)
    case.same((stored.version, stored.data, stored.last_seq), (2, {"n": 2}, 5), "version, data, last_seq")
    case.same(done.session, info(stored), "Committed.session, against what is stored")
    case.same((await adapter.messages.find("s")).items, said.items, "the messages")


@clause("turns.creation", "A turn with a session of version 0 creates it together with its first messages.")
async def creation(case: Case) -> None:
    adapter = await case.open()
    new = Session(id="s", user_id="u", data={"n": 1})
    done = await adapter.commit(Turn(session_id="s", session=new, messages=case.say("a", "b")))
    stored = await now(adapter)
    found = (stored.version, stored.last_seq, stored.message_count, stored.data, stored.user_id)
    case.same(found, (1, 2, 2, {"n": 1}, "u"), "version, last_seq, message_count, data, user_id")
    case.same(done.session, info(stored), "Committed.session, against what is stored")
    case.same(done.messages, (await adapter.messages.find("s")).items, "Committed.messages")
    case.same((new.version, new.key, new.data), (0, None, {"n": 1}), "version, key and data of the argument")


@clause("turns.empty", "A turn of nothing changes nothing.")
async def empty(case: Case) -> None:
    adapter, _ = await begin(case)
    case.clock.pass_(hours=1)
    async with case.unchanged(adapter):
        done = await adapter.commit(Turn(session_id="s"))
    case.same((done.messages, done.removed), ((), 0), "messages and removed")
    case.same(done.session, info(await now(adapter)), "Committed.session, against what is stored")


@clause("turns.placed_by_the_store", "Position, turn and segment of a message are the store's, not the caller's.")
async def placed_by_the_store(case: Case) -> None:
    adapter, _ = await begin(case)
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
    adapter, _ = await begin(case)
    early = case.clock.now - timedelta(days=1000, microseconds=1)
    case.clock.pass_(hours=1)
    said = [*case.say("x"), *case.say("y", created_at=early)]
    answer = await adapter.messages.append("s", said)
    case.same([message.created_at for message in answer], [case.clock.now, early], "created_at")
    case.same(list(await adapter.messages.find("s", after=5)), list(answer), "what is stored")
    case.same(
        (await now(adapter)).last_message_at, early, "last_message_at: the time of the message appended last"
    )


@clause(
    "turns.large", "A turn of a state and as many messages as the limits allow is stored as a whole, in order."
)
async def large(case: Case) -> None:
    adapter, session = await begin(case)
    said = case.say(*(f"m{number}" for number in range(most(adapter))))
    done = await adapter.commit(Turn(session_id="s", session=session, messages=said))
    case.same([message.id for message in done.messages], [message.id for message in said], "what is answered")
    case.same([message.seq for message in done.messages], list(range(6, len(said) + 6)), "the positions")
    found = await all_messages(adapter, "s")
    case.same([message.id for message in found[:5]], list("abcde"), "what was there before")
    case.same(found[5:], list(done.messages), "what is stored, against the answer")
    stored = await now(adapter)
    case.same(stored.data, {"n": 2}, "the state")
    case.same((stored.last_seq, stored.message_count), (len(said) + 5,) * 2, "last_seq, message_count")
    case.same(done.session, info(stored), "Committed.session, against what is stored")
