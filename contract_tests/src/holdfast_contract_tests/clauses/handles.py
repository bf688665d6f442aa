"""Several handles on one database keep the rules of one."""

import asyncio

from holdfast import Adapter, Capability, Message, NotFound, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.clauses.order import load
from holdfast_contract_tests.reading import all_messages

SHARED = [Capability.SHARED]


@clause("handles.read_each_other", "What one handle has written, all others read at once.", needs=SHARED)
async def read_each_other(case: Case) -> None:
    handles = await case.handles(4)
    for number, handle in enumerate(handles):
        name = f"s{number}"
        saved = await handle.sessions.save(Session(id=name, data={"n": number}))
        for other in handles:
            case.same(await other.sessions.get(name), saved, "the session, by another handle")
        told = await handle.messages.append(name, case.say("a"))
        saved.data = {"n": number, "again": True}
        saved = await handle.sessions.save(saved)
        for other in handles:
            case.same(await other.sessions.get(name), saved, "the session that was saved again")
            case.same(list(await other.messages.find(name)), list(told), "the messages, by another handle")
            case.same(await other.messages.get(name, "a"), told[0], "one message, by another handle")
    await handles[0].sessions.delete("s3")
    for other in handles:
        case.same(await other.sessions.get("s3"), None, "the session that another handle deleted")


@clause("handles.read_pages", "A page and a listing show at once what another handle has appended.", needs=SHARED)
async def read_pages(case: Case) -> None:
    handles = await case.handles(3)
    await handles[0].sessions.save(Session(id="s", user_id="u"))
    words: list[str] = []
    for number, handle in enumerate([*handles, *handles]):
        words.append(f"m{number}")
        await handle.messages.append("s", case.say(words[-1]))
        for other in handles:
            case.same([message.id for message in await other.messages.find("s")], words, "the messages")
            page = await other.messages.find("s", last=1)
            case.same([message.id for message in page], words[-1:], "the newest message")
    for handle, status in zip(handles, ("x", "y", "z"), strict=True):
        session = await load(handle)
        session.status = status
        await handle.sessions.save(session)
        for other in handles:
            [info] = await case.listed(other, SessionQuery(user_id="u", status=status), ["s"])
            case.same(info.message_count, len(words), "message_count as listed")


@clause(
    "handles.absent_before", "What a handle has found absent, it finds once another has written it.", needs=SHARED
)
async def absent_before(case: Case) -> None:
    writer, *readers = await case.handles(3)
    for life in ("the first life", "the life after it was deleted"):
        with case.about(life):
            for reader in readers:
                await _nothing_there(case, reader)
            saved = await writer.sessions.save(Session(id="s", user_id="u", data={"life": life}))
            for reader in readers:
                case.same(await reader.sessions.get("s"), saved, "the session that was not there before")
                await case.listed(reader, SessionQuery(user_id="u"), ["s"])
                case.same(await reader.messages.get("s", "a"), None, "a message that is not there yet")
                case.same(await reader.messages.get("s", "b"), None, "a message of a turn that is not there yet")
                case.same(list(await reader.messages.find("s")), [], "the messages, of which there are none yet")
            [told] = await writer.messages.append("s", case.say("a"))
            [turned] = (await writer.commit(Turn(session_id="s", messages=case.say("b")))).messages
            for reader in readers:
                case.same(await reader.messages.get("s", "a"), told, "the message that was not there before")
                case.same(await reader.messages.get("s", "b"), turned, "the turn's, that was not there before")
                case.same(list(await reader.messages.find("s")), [told, turned], "the messages")
            assert await writer.sessions.delete("s"), "there was a session, but delete says that there was none"


async def _nothing_there(case: Case, reader: Adapter) -> None:
    case.same(await reader.sessions.get("s"), None, "the session, where there is none")
    await case.listed(reader, SessionQuery(user_id="u"), [])
    await case.refused(NotFound, reader.messages.find("s"))
    await case.refused(NotFound, reader.messages.get("s", "a"))


@clause(
    "handles.read_removals",
    "What one handle removes, no other reads any more.",
    needs=[Capability.SHARED, Capability.REMOVE],
)
async def read_removals(case: Case) -> None:
    handles = await case.handles(3)
    await handles[0].sessions.save(Session(id="s"))
    left = list(await handles[0].messages.append("s", case.say(*"abcdef")))
    for number, handle in enumerate(handles):
        gone = left.pop(0)
        for other in handles:
            case.same(await other.messages.get("s", gone.id), gone, "a message that is still there")
        await handle.messages.remove("s", after=number, through=number + 1)
        for other in handles:
            case.same(list(await other.messages.find("s")), left, "the messages that are left")
            case.same(await other.messages.get("s", gone.id), None, "a message that was removed")
            case.same((await load(other)).message_count, len(left), "message_count")


@clause(
    "handles.read_redactions",
    "What one handle replaces, all others read at once.",
    needs=[Capability.SHARED, Capability.REPLACE],
    level=Level.SMOKE,
)
async def read_redactions(case: Case) -> None:
    handles = await case.handles(3)
    await handles[0].sessions.save(Session(id="s"))
    await handles[0].messages.append("s", case.say("a", "b"))
    for handle, text in zip(handles, ("x", "y", "z"), strict=True):
        told = await handle.messages.replace("s", Message(id="a", role="user", content=text))
        for other in handles:
            case.same(await other.messages.get("s", "a"), told, "the message, by its id")
            case.same((await other.messages.find("s")).items[0], told, "the message, on a page")


@clause("handles.take_turns", "Handles that write in turn count positions and versions together.", needs=SHARED)
async def take_turns(case: Case) -> None:
    handles = await case.handles(3)
    await handles[0].sessions.save(Session(id="s"))
    for number in range(6):
        handle = handles[number % 3]
        session = await load(handle)
        case.same((session.version, session.last_seq), (number + 1, number * 2), "version and last_seq as loaded")
        done = await handle.commit(Turn(session_id="s", session=session, messages=case.say(f"a{number}")))
        case.same([message.seq for message in done.messages], [number * 2 + 1], "the position of the turn's")
        [told] = await handles[(number + 1) % 3].messages.append("s", case.say(f"b{number}"))
        case.same(told.seq, number * 2 + 2, "the position that the next handle gives")
    found = [message.id for message in await all_messages(handles[0], "s")]
    case.same(found, [f"{letter}{number}" for number in range(6) for letter in "ab"], "the messages")


@clause("handles.one_turn", "One turn with state and messages that all send at once is stored once.", needs=SHARED)
async def one_turn(case: Case) -> None:
    handles = await case.handles(4)
    session = await handles[0].sessions.save(Session(id="s"))
    for number in range(5):
        with case.about(f"round {number}"):
            session.data["n"] = number
            turn = Turn(session_id="s", session=session, messages=case.say(f"a{number}", f"b{number}"))
            answers = await asyncio.gather(*(handle.commit(turn) for handle in handles))
            case.same(sorted(answer.replayed for answer in answers), [False, True, True, True], "who was first")
            for answer in answers:
                case.same(answer.session.version, number + 2, "the version as told")
                seqs = [message.seq for message in answer.messages]
                case.same(seqs, [number * 2 + 1, number * 2 + 2], "the positions as told")
            session = await load(handles[0])
    case.same((session.last_seq, session.data), (10, {"n": 4}), "last_seq and data in the end")
