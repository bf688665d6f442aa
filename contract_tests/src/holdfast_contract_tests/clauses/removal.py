"""Removal: both ends are named, and nothing that the caller has not seen is touched."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from holdfast import (
    Adapter,
    Capability,
    DuplicateIdConflict,
    InvalidArgument,
    Message,
    NotFound,
    Session,
    SessionQuery,
    Turn,
    VersionConflict,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.reading import all_messages

REMOVE = [Capability.REMOVE]
WORDS = [f"m{number}" for number in range(1, 13)]  # positions of two digits: text sorts "10" before "9"


async def fill(case: Case, adapter: Adapter, session_id: str = "s") -> Sequence[Message]:
    await adapter.sessions.save(Session(id=session_id, data={"a": 1}))
    said, step = case.say(*WORDS, metadata={"k": [1]}, route="r"), adapter.limits.turn_messages
    stored: list[Message] = []
    for start in range(0, len(said), step):
        stored += await adapter.messages.append(session_id, said[start : start + step], turn_id="t")
    return stored


@clause("removal.between", "A removal takes the messages behind `after` up to and with `through`.", needs=REMOVE)
async def between(case: Case) -> None:
    adapter = await case.open()
    for after, through in ((0, 1), (0, 12), (1, 2), (1, 10), (5, 6), (8, 11), (9, 12), (11, 12)):
        with case.about(f"after={after}, through={through}"):
            await _removes(case, adapter, after, through)


@clause(
    "removal.each_pair",
    "A removal between any two positions takes what lies between, and nothing else.",
    needs=REMOVE,
)
async def each_pair(case: Case) -> None:
    adapter = await case.open()
    for after in range(12):
        for through in range(after + 1, 13, case.size(5, 3, 1)):
            with case.about(f"after={after}, through={through}"):
                await _removes(case, adapter, after, through)


async def _removes(case: Case, adapter: Adapter, after: int, through: int) -> None:
    name = f"{after}-{through}"
    stored = await fill(case, adapter, name)
    told = await adapter.messages.remove(name, after=after, through=through)
    case.same(told, through - after, "how many were removed")
    left = [message for number, message in enumerate(stored, 1) if not after < number <= through]
    case.same(list(await adapter.messages.find(name)), left, "the messages that are left")
    for number in {1, after, after + 1, through, through + 1, 12} & set(range(1, 13)):
        expected = None if after < number <= through else stored[number - 1]
        case.same(await adapter.messages.get(name, f"m{number}"), expected, f"message {number} by its id")
    session = await load(adapter, name)
    found = (session.message_count, session.last_seq, session.version, session.data)
    case.same(found, (len(left), 12, 1, {"a": 1}), "message_count, last_seq, version and data")


@clause("removal.empty_range", "A removal whose ends leave nothing between them is refused.", needs=REMOVE)
async def empty_range(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    async with case.unchanged(adapter):
        for after, through in ((0, 0), (1, 1), (5, 4), (12, 12), (12, 1), (3, 0), (9, 2)):
            with case.about(f"after={after}, through={through}"):
                await case.refused(InvalidArgument, adapter.messages.remove("s", after=after, through=through))


@clause(
    "removal.beyond",
    "What was never appended cannot be removed, nor anything with it.",
    needs=REMOVE,
    level=Level.SMOKE,
)
async def beyond(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    await adapter.sessions.save(Session(id="empty"))
    async with case.unchanged(adapter):
        for name, through in (("s", 13), ("s", 14), ("s", 2**63 - 1), ("empty", 1)):
            with case.about(f"through={through} in the session {name!r}"):
                await case.refused(InvalidArgument, adapter.messages.remove(name, after=0, through=through))
        turn = Turn(session_id="s", remove=(0, 13), messages=case.say("x"))
        await case.refused(InvalidArgument, adapter.commit(turn))


@clause(
    "removal.counts", "What is removed already is not counted, and is no error.", needs=REMOVE, level=Level.SMOKE
)
async def counts(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for after, through, removed in ((1, 4, 3), (0, 5, 2), (0, 5, 0), (11, 12, 1), (9, 12, 2), (11, 12, 0)):
        with case.about(f"after={after}, through={through}"):
            told = await adapter.messages.remove("s", after=after, through=through)
            case.same(told, removed, "how many were removed")
    case.same((await load(adapter)).message_count, 4, "message_count")
    case.same(await adapter.messages.remove("s", after=0, through=12), 4, "how many of the rest were removed")
    session = await load(adapter)
    case.same((session.message_count, session.last_seq), (0, 12), "message_count and last_seq of nothing")


@clause(
    "removal.is_a_write",
    "A removal moves `updated_at`, and leaves `last_message_at`, the version and the state alone.",
    needs=REMOVE,
)
async def is_a_write(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    before = await load(adapter)
    case.clock.pass_(hours=1)
    await adapter.messages.remove("s", after=8, through=12)
    after = await load(adapter)
    expected = before.model_copy(update={"updated_at": case.clock(), "message_count": 8})
    case.same(after, expected, "the session after removing its last messages")


@clause("removal.missing", "Nothing can be removed from a session that is not there.", needs=REMOVE)
async def missing(case: Case) -> None:
    adapter = await case.open()
    await case.refused(NotFound, adapter.messages.remove("none", after=0, through=1))
    case.same(await adapter.sessions.get("none"), None, "the session")


@clause("removal.one_session", "A removal touches one session alone, however alike the names are.", needs=REMOVE)
async def one_session(case: Case) -> None:
    adapter = await case.open()
    others = ["other", "S", "s ", "ss", "s:1", "s%", "s*"]
    for name in ("s", *others):
        await adapter.sessions.save(Session(id=name))
        await adapter.messages.append(name, case.say(*"abcdef"))
    case.same(await adapter.messages.remove("s", after=0, through=6), 6, "how many were removed")
    case.same(await adapter.messages.remove("s%", after=0, through=5), 5, "how many were removed")
    for name, left in ((name, 1 if name == "s%" else 6) for name in others):
        case.same(len(await adapter.messages.find(name)), left, f"how many messages are left in {name!r}")
        case.same((await load(adapter, name)).message_count, left, f"message_count of {name!r}")


ALIKE = ("a", "a%", "a*", "a_", "a?", "[ab]", "ab", "a:b", "a/b", "a.b", "a b", "a ", "A", "b", "\u00e1", "a\\b")


@clause("removal.deletes_one_session", "Deleting a session leaves all others, however alike the names are.")
async def deletes_one_session(case: Case) -> None:
    adapter = await case.open()
    for name in ALIKE:
        await adapter.sessions.save(Session(id=name))
        await adapter.messages.append(name, case.say("m"))
    for number, name in enumerate(ALIKE[:6], 1):
        with case.about(f"{name!r} deleted"):
            case.same(await adapter.sessions.delete(name), True, "whether there was one to delete")
            query = SessionQuery(order="created", nested=True, include_expired=True)
            await case.listed(adapter, query, sorted(ALIKE[number:]))
    for name in ALIKE[6:]:
        case.same(len(await adapter.messages.find(name)), 1, f"how many messages {name!r} has")


@clause(
    "removal.frees_ids",
    "A message that was removed may be appended again: a new message, at a new position.",
    needs=REMOVE,
    sealed=True,
)
async def frees_ids(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    await adapter.messages.remove("s", after=1, through=3)
    [same_words] = await adapter.messages.append("s", case.say("m2"))
    [others] = await adapter.messages.append("s", case.say("m3", content="other words"))
    case.same((same_words.seq, others.seq), (13, 14), "the positions of the new messages")
    case.same(await adapter.messages.get("s", "m3"), others, "the new message by its id")
    kept = [message for message in stored if message.id not in {"m2", "m3"}]
    case.same(list(await adapter.messages.find("s")), [*kept, same_words, others], "the messages")
    await case.refused(DuplicateIdConflict, adapter.messages.append("s", case.say("m3")))


# --- removals and other writes --------------------------------------------------------------------


@clause("removal.replayed", "A removal that is sent again removes nothing more, and tells the same.", needs=REMOVE)
async def replayed(case: Case) -> None:
    adapter = await case.open()
    await fill(case, adapter)
    for time in ("the first", "the second"):
        told = await adapter.messages.remove("s", after=1, through=4, turn_id="r")
        case.same(told, 3, f"how many were removed, as told {time} time")
    case.same((await load(adapter)).message_count, 9, "message_count")
    await case.refused(DuplicateIdConflict, adapter.messages.remove("s", after=0, through=5, turn_id="r"))
    case.same(len(await adapter.messages.find("s")), 9, "how many messages are left")


@clause("removal.in_a_turn", "A turn removes and appends in one step, or does neither.", needs=REMOVE)
async def in_a_turn(case: Case) -> None:
    adapter = await case.open()
    stored = await fill(case, adapter)
    stale = (await load(adapter)).model_copy(update={"version": 7})
    async with case.unchanged(adapter):
        for kind, turn in (
            (VersionConflict, Turn(session_id="s", remove=(2, 12), messages=case.say("x"), last_seq=11)),
            (VersionConflict, Turn(session_id="s", remove=(2, 12), messages=case.say("x"), session=stale)),
            (DuplicateIdConflict, Turn(session_id="s", remove=(2, 12), messages=case.say("x", "m1"))),
        ):
            await case.refused(kind, adapter.commit(turn))
    done = await adapter.commit(Turn(session_id="s", remove=(2, 12), messages=case.say("m5", "x"), last_seq=12))
    case.same(done.removed, 10, "how many were removed")
    case.same((done.session.message_count, done.session.last_seq), (4, 14), "message_count and last_seq")
    case.same(list(await adapter.messages.find("s")), [*stored[:2], *done.messages], "the messages")


@clause(
    "removal.and_appends_at_once", "Removals and appends that run at once agree on `message_count`.", needs=REMOVE
)
async def and_appends_at_once(case: Case) -> None:
    handles = await case.handles(2)
    await fill(case, handles[0])
    removals = [handles[0].messages.remove("s", after=number, through=number + 2) for number in range(10)]
    appends = [handles[1].messages.append("s", case.say(f"x{number}")) for number in range(10)]
    results = await asyncio.gather(*removals, *appends)
    case.same(sum(removed for removed in results[:10] if isinstance(removed, int)), 11, "how many were removed")
    found = await all_messages(handles[0], "s")
    case.same([message.seq for message in found], [*range(12, 23)], "the positions that are left")
    session = await load(handles[1])
    case.same((session.message_count, session.last_seq), (11, 22), "message_count and last_seq")


@clause(
    "removal.leaves_last_message_at",
    "A removal leaves `last_message_at`, whatever the times of the messages that it takes and leaves.",
    needs=[Capability.REMOVE],
    level=Level.SMOKE,
)
async def leaves_last_message_at(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    times = [case.clock() + timedelta(hours=hours) for hours in (1, 5, 3)]
    await adapter.messages.append("s", [Message(role="user", created_at=at) for at in times])
    for after, through in ((2, 3), (0, 1), (0, 3)):
        await adapter.messages.remove("s", after=after, through=through)
        found = await adapter.sessions.get("s")
        assert found is not None, "the session is gone"
        with case.about(f"the messages behind {after} up to {through} removed"):
            case.same(found.last_message_at, times[-1], "last_message_at")
