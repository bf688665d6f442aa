"""Retries of messages: stored once, answered as the first time."""

import asyncio

from holdfast import Capability, DuplicateIdConflict, Message, Session, Turn, VersionConflict
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses._turns import most
from holdfast_contract_tests.reading import all_messages

MIXTURES = ("ab", "ba", "xaby", "xayb", "abx", "axb", "xab", "ax")  # a and b are there, x and y are new


@clause(
    "retries.append",
    "Appending the same messages again stores them once, changes nothing, and is answered as the first time.",
    sealed=True,
    level=Level.SMOKE,
)
async def append(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    first = await adapter.messages.append("s", case.say("a", "b"), turn_id="t", last_seq=0)
    await adapter.messages.append("s", case.say("c"))
    retries = {
        "the same turn id": {"turn_id": "t"},
        "another turn id": {"turn_id": "other"},
        "no turn id": {},
        "the guard of the first try": {"turn_id": "t", "last_seq": 0},
        "another turn id and an old guard": {"turn_id": "other", "last_seq": 0},
    }
    for what, options in retries.items():
        case.clock.pass_(hours=1)
        with case.about(what):
            async with case.unchanged(adapter):
                again = await adapter.messages.append("s", case.say("a", "b"), **options)  # type: ignore[arg-type]
            case.same(list(again), list(first), "the answer to the retry")
    async with case.unchanged(adapter):
        again = await adapter.messages.append("s", list(await adapter.messages.find("s", limit=2)))
    case.same(list(again), list(first), "the answer where what was read is appended again")


@clause("retries.large_append", "A retry of very many messages is known as a whole.")
async def large_append(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    said = case.say(*(f"m{number}" for number in range(most(adapter))))
    first = await adapter.messages.append("s", said, turn_id="t")
    case.clock.pass_(hours=1)
    case.same(list(await adapter.messages.append("s", said, turn_id="t")), list(first), "the answer to the retry")
    case.same(list(await adapter.messages.append("s", said[::-1])), list(first)[::-1], "the answer, backwards")
    stored = await adapter.sessions.get("s")
    assert stored is not None, "the session is gone after a retry"
    case.same((stored.message_count, stored.last_seq), (len(said), len(said)), "message_count and last_seq")
    case.same(await all_messages(adapter, "s"), list(first), "what is stored")


@clause(
    "retries.large_turn",
    "A retry of a turn of very many messages and a state is known as a whole, remembered or not.",
)
async def large_turn(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    said = case.say(*(f"m{number}" for number in range(most(adapter))))
    turn = Turn(session_id="s", session=session, messages=said)
    first = await adapter.commit(turn)
    for others in (0, 17):
        for _ in range(others):
            await adapter.sessions.save(session, expected="any")
        with case.about(f"after {others} other saves"):
            case.clock.pass_(hours=1)
            async with case.unchanged(adapter):
                again = await adapter.commit(turn)
            case.same(again.messages, first.messages, "the messages of the retry")
            told = (again.replayed, again.session.version, again.session.last_seq)
            case.same(told, (True, 2, len(said)), "replayed, version and last_seq of the retry")


@clause(
    "retries.among_new",
    "What was there already keeps its place, turn and time among messages that are new.",
    sealed=True,
    level=Level.SMOKE,
)
async def among_new(case: Case) -> None:
    adapter = await case.open()
    then = case.clock.now
    for words in MIXTURES:
        await adapter.sessions.save(Session(id=words))
        await adapter.messages.append(words, case.say("a", "b"), turn_id="first")
    case.clock.pass_(hours=1)
    for words in MIXTURES:
        with case.about(f"a, b stored, and then {', '.join(words)} appended"):
            answer = await adapter.messages.append(words, case.say(*words), turn_id="second")
            places = {"a": (1, "first", then), "b": (2, "first", then)}
            new = [word for word in words if word not in places]
            places |= {word: (seq, "second", case.clock.now) for seq, word in enumerate(new, 3)}
            told = [(message.id, message.seq, message.turn_id, message.created_at) for message in answer]
            case.same(told, [(word, *places[word]) for word in words], "ids, positions, turns, times as answered")
            stored = {message.id: message for message in await adapter.messages.find(words)}
            case.same(list(answer), [stored[word] for word in words], "the answer, against what is stored")
            case.same(len(stored), 2 + len(new), "the number of stored messages")


@clause(
    "retries.other_words",
    "An id that is there with other words is refused; the error names all such ids, and nothing is written.",
    sealed=True,
)
async def other_words(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"), turn_id="t")
    wrong = [Message(id=word, role="user", content="other") for word in "ac"]
    case.clock.pass_(hours=1)
    for turn_id in ("t", "other"):
        with case.about(f"turn id {turn_id!r}, where a, b, c were appended by turn 't'"):
            async with case.unchanged(adapter):
                call = adapter.messages.append("s", [*case.say("new", "b"), *wrong], turn_id=turn_id)
                error = await case.refused(DuplicateIdConflict, call)
            case.same(sorted(error.ids), ["a", "c"], "the ids that the error names")
            case.same(error.session_id, "s", "the session that the error names")
            async with case.unchanged(adapter):
                call = adapter.messages.append("s", wrong[:1], turn_id=turn_id)
                case.same(
                    (await case.refused(DuplicateIdConflict, call)).ids, ("a",), "the ids that the error names"
                )


@clause("retries.twice_in_one_call", "One id twice in one call is refused, whatever its words.")
async def twice_in_one_call(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    same = case.say("a", "b", "a")
    other = [*case.say("a", "b"), Message(id="a", role="user", content="other")]
    for what, said in (("the same words", same), ("other words", other)):
        with case.about(what):
            async with case.unchanged(adapter):
                error = await case.refused(DuplicateIdConflict, adapter.messages.append("s", said))
                await case.refused(DuplicateIdConflict, adapter.commit(Turn(session_id="s", messages=said)))
            case.same(error.ids, ("a",), "the ids that the error names")


@clause("retries.each_session", "A message id, and a turn id, is known in its own session alone.")
async def each_session(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "other", "same"):
        await adapter.sessions.save(Session(id=name))
    await adapter.messages.append("s", case.say("a"), turn_id="t")
    [other] = await adapter.messages.append("other", [Message(id="a", role="user", content="other")], turn_id="t")
    [same] = await adapter.messages.append("same", case.say("a"), turn_id="t")
    case.same((other.seq, other.content), (1, "other"), "position and text of id 'a' in session 'other'")
    for name, expected in (("s", "a"), ("other", "other"), ("same", same.content)):
        found = [(message.id, message.content) for message in await adapter.messages.find(name)]
        case.same(found, [("a", expected)], f"the messages of session {name!r}")


@clause("retries.at_once", "The same append by many at once is stored once, and all get one answer.")
async def at_once(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    calls = (adapter.messages.append("s", case.say("a", "b"), turn_id="t") for _ in range(8))
    answers = await asyncio.gather(*calls)
    stored = list(await adapter.messages.find("s"))
    case.same([message.id for message in stored], ["a", "b"], "what is stored")
    for answer in answers:
        case.same(list(answer), stored, "the answer to one of eight that appended the same")


@clause(
    "retries.other_handle",
    "A retry through another handle is known as well: what was stored tells it, not somebody's memory.",
    needs=[Capability.SHARED],
)
async def other_handle(case: Case) -> None:
    one, two = await case.open(), await case.open()
    session = await one.sessions.save(Session(id="s"))
    first = await one.messages.append("s", case.say("a", "b"))
    async with case.unchanged(two):
        again = await two.messages.append("s", case.say("a", "b"))
    case.same(list(again), list(first), "the answer to the append through the other handle")
    session.data["n"] = 1
    turn = Turn(session_id="s", session=session, messages=case.say("c"))
    done = await one.commit(turn)
    async with case.unchanged(two):
        replay = await two.commit(turn)
    assert replay.replayed, "the same turn through another handle is not told as a replay"
    case.same(replay.messages, done.messages, "the messages of the replay")
    saved = await one.sessions.save(session, expected="any", turn_id="u")
    retried = await two.sessions.save(session, expected="any", turn_id="u")
    case.same((saved.version, retried.version), (3, 3), "versions of one save by two handles")


@clause("retries.long_after", "Messages are known as long as they are stored, however much was written since.")
async def long_after(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    turn = Turn(id="t", session_id="s", messages=case.say("a", "b"))
    first = await adapter.commit(turn)
    some = min(100, adapter.limits.turn_messages)
    for number in range(20):
        if number < 6:
            await adapter.messages.append("s", case.say(*(f"m{number}-{n}" for n in range(some))))
        session = await adapter.sessions.save(session)
    again = await adapter.commit(turn)
    case.same((first.replayed, again.replayed), (False, True), "replayed, of the first try and the retry")
    case.same(again.messages, first.messages, "the messages of the retry")
    case.same((first.session.last_seq, again.session.last_seq), (2, 2), "last_seq, of the first try and the retry")
    now = await adapter.sessions.get("s")
    assert now is not None, "the session is gone after a retry"
    case.same((now.message_count, now.version), (2 + 6 * some, 21), "message_count and version")


@clause("retries.nothing", "Appending no messages writes nothing.")
async def nothing(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"))
    case.clock.pass_(hours=1)
    async with case.unchanged(adapter):
        case.same(list(await adapter.messages.append("s", [])), [], "the answer to appending nothing")
        case.same(list(await adapter.messages.append("s", [], turn_id="t")), [], "the answer, with a turn id")


@clause(
    "retries.removed_ids",
    "The id of a removed message is free: appended again, it is a new message at a new position.",
    needs=[Capability.REMOVE],
)
async def removed_ids(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"), turn_id="t")
    await adapter.messages.remove("s", after=0, through=2)
    [other] = await adapter.messages.append("s", [Message(id="a", role="user", content="other words")])
    case.same((other.seq, other.content), (4, "other words"), "position and text of the id that was free")
    [same] = await adapter.messages.append("s", case.say("b"), turn_id="t")
    case.same((same.seq, same.content), (5, "b"), "position and text of the other id that was free")
    case.same([message.id for message in await adapter.messages.find("s")], ["c", "a", "b"], "what is stored")


@clause(
    "retries.after_removal",
    "A retry that comes after the removal of its messages is new, unless `last_seq` guards against that.",
    needs=[Capability.REMOVE],
)
async def after_removal(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"), turn_id="t", last_seq=0)
    await adapter.messages.remove("s", after=0, through=1)
    async with case.unchanged(adapter):
        call = adapter.messages.append("s", case.say("a"), turn_id="t", last_seq=0)
        error = await case.refused(VersionConflict, call)
    case.same((error.guard, error.expected, error.actual), ("last_seq", 0, 1), "guard, expected and actual")
    [stored] = await adapter.messages.append("s", case.say("a"), turn_id="t")
    case.same(stored.seq, 2, "the position of the message that was removed and appended again")


@clause(
    "retries.more_state",
    "A turn that brings a state which its first try did not have is refused, and not taken for a retry.",
)
async def more_state(case: Case) -> None:
    adapter = await case.open()
    session = await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a"), turn_id="t")
    session.data["paid"] = True
    turn = Turn(id="t", session_id="s", session=session, messages=case.say("a"))
    async with case.unchanged(adapter):
        error = await case.refused(DuplicateIdConflict, adapter.commit(turn))
    case.same(error.ids, ("t",), "the ids that the error names")


@clause(
    "retries.more_removal",
    "A turn that brings a removal which its first try did not have is refused, and not taken for a retry.",
    needs=[Capability.REMOVE],
)
async def more_removal(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("old"))
    await adapter.messages.append("s", case.say("a"), turn_id="t")
    turn = Turn(id="t", session_id="s", messages=case.say("a"), remove=(0, 1))
    async with case.unchanged(adapter):
        error = await case.refused(DuplicateIdConflict, adapter.commit(turn))
    case.same(error.ids, ("t",), "the ids that the error names")
