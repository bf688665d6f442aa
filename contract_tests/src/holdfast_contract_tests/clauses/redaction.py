"""Redaction: another text in a message's place, and the old one is gone."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from holdfast import Adapter, Capability, Message, NotFound, Session, Turn
from holdfast.parts import Part, Text, ToolCall
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause

SECRET = "".join(["the ", "card ", "number ", "4111"])  # in no file of ours as one word


async def _begin(case: Case) -> tuple[Adapter, Sequence[Message]]:
    """Messages a, b and c of a turn's segment 3, an hour ago; b tells a secret."""
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s", data={"a": 1}))
    early = case.clock.now - timedelta(days=1, microseconds=1)
    secret = Message(id="b", role="user", content=SECRET, name="n", metadata={"m": SECRET}, created_at=early)
    turn = Turn(id="t", segment=3, session_id="s", messages=[*case.say("a"), secret, *case.say("c")])
    stored = (await adapter.commit(turn)).messages
    case.clock.pass_(hours=1)
    return adapter, stored


def _text(content: str) -> Message:
    return Message(id="b", role="user", content=content)


@clause(
    "redaction.place",
    "What a message says is replaced as a whole; its position, turn, segment and time stay.",
    needs=[Capability.REPLACE],
    sealed=True,
    level=Level.SMOKE,
)
async def place(case: Case) -> None:
    adapter, stored = await _begin(case)
    new = Message(
        id="b", role="system", content="[redacted]", seq=99, turn_id="x", segment=7, created_at=case.clock.now
    )
    answer = await adapter.messages.replace("s", new)
    old = stored[1]
    envelope = {"seq": old.seq, "turn_id": old.turn_id, "segment": old.segment, "created_at": old.created_at}
    expected = new.model_copy(update=envelope)
    case.same(answer, expected, "the answer")
    case.same(await adapter.messages.get("s", "b"), expected, "the message by its id")
    case.same((await adapter.messages.find("s")).items, (stored[0], expected, stored[2]), "the messages")
    case.same((await adapter.messages.find("s", last=2)).items, (expected, stored[2]), "the newest two")


@clause("redaction.session", "Nothing of the session changes but its time.", needs=[Capability.REPLACE])
async def session(case: Case) -> None:
    adapter, _ = await _begin(case)
    before = await adapter.sessions.get("s")
    assert before is not None, "the session is gone"
    await adapter.messages.replace("s", _text(""))
    expected = before.model_copy(update={"updated_at": case.clock.now})
    case.same(await adapter.sessions.get("s"), expected, "the session")
    [next_one] = await adapter.messages.append("s", case.say("d"))
    case.same(next_one.seq, 4, "the position of the next message")


@clause(
    "redaction.retry",
    "Any retry of the old text is a replay: it is answered with the new text, and brings nothing back.",
    needs=[Capability.REPLACE],
    sealed=True,
    level=Level.SMOKE,
)
async def retry(case: Case) -> None:
    adapter, _ = await _begin(case)
    new = await adapter.messages.replace("s", _text("[redacted]"))
    secret = Message(id="b", role="user", content=SECRET, name="n", metadata={"m": SECRET})
    for what, said in {"old": secret, "another": _text("something else"), "new": _text("[redacted]")}.items():
        with case.about(f"an append of the {what} text"):
            async with case.unchanged(adapter):
                first, again = await adapter.messages.append("s", [*case.say("a"), said])
            case.same((first.seq, again), (1, new), "the answer")
    async with case.unchanged(adapter):
        turn = Turn(id="t", segment=3, session_id="s", messages=[*case.say("a"), secret, *case.say("c")])
        done = await adapter.commit(turn)
    case.same((done.replayed, done.messages[1]), (True, new), "replayed, and the message, of the turn again")
    case.same(done.messages, (await adapter.messages.find("s")).items, "what is answered, against what is stored")


@clause(
    "redaction.retry_of_state",
    "A turn with a state is known after one of its messages was redacted, and remembered or not.",
    needs=[Capability.REPLACE],
)
async def retry_of_state(case: Case) -> None:
    adapter = await case.open()
    created = await adapter.sessions.save(Session(id="s"))
    turn = Turn(session_id="s", session=created, messages=case.say("a", "b"))
    await adapter.commit(turn)
    new = await adapter.messages.replace("s", _text("[redacted]"))
    for others in (0, 17):
        for _ in range(others):
            await adapter.sessions.save(created, expected="any")
        with case.about(f"after {others} other saves"):
            async with case.unchanged(adapter):
                again = await adapter.commit(turn)
            case.same((again.replayed, again.messages[1]), (True, new), "replayed, and the message")
            case.same(again.session.version, 2, "the version")


@clause(
    "redaction.any_size",
    "A text is replaced by a longer or a shorter one, again and again.",
    needs=[Capability.REPLACE],
    sealed=True,
)
async def any_size(case: Case) -> None:
    adapter, stored = await _begin(case)
    for content in ("", "x" * 100_000, "x", "[redacted]", "é" * 5000, "[redacted]"):
        answer = await adapter.messages.replace("s", _text(content))
        case.same(answer.content, content, "the content that is answered")
        found = [message.content for message in await adapter.messages.find("s")]
        case.same(found, ["a", content, "c"], "the contents that are stored")
        assert (await adapter.messages.find("s")).items[2] == stored[2], "another message has changed"


@clause("redaction.last_wins", "Of several replacements the last one stays.", needs=[Capability.REPLACE])
async def last_wins(case: Case) -> None:
    adapter, _ = await _begin(case)
    contents = [f"text {number}" for number in range(6)]
    answers = await asyncio.gather(*(adapter.messages.replace("s", _text(content)) for content in contents))
    case.same({answer.seq for answer in answers}, {2}, "the positions that are answered")
    found = await adapter.messages.get("s", "b")
    assert found is not None, "the message is gone after six replacements at once"
    assert found.content in contents, f"after six replacements at once the content is {found.content!r}"
    await adapter.messages.replace("s", _text("last"))
    found = await adapter.messages.get("s", "b")
    case.same(found.content if found else None, "last", "the content after one more")


@clause("redaction.parts", "The new text may be parts.", needs=[Capability.REPLACE], sealed=True)
async def parts(case: Case) -> None:
    adapter, _ = await _begin(case)
    said: list[Part] = [Text(text="x"), ToolCall(id="1", name="f", args={"z": 1, "a": (1, 2)})]
    new = Message(id="b", role="assistant", content=said, raw={"k": [1]}, route="r", step="p", user_id="u")
    answer = await adapter.messages.replace("s", new)
    found = (answer.role, answer.content, answer.raw, answer.route, answer.step, answer.user_id)
    case.same(found, ("assistant", said, {"k": [1]}, "r", "p", "u"), "role, content, raw, route, step, user_id")
    case.same(await adapter.messages.get("s", "b"), answer, "what is stored, against the answer")


@clause("redaction.not_there", "What is not there cannot be replaced.", needs=[Capability.REPLACE])
async def not_there(case: Case) -> None:
    adapter, _ = await _begin(case)
    await adapter.sessions.save(Session(id="other"))
    async with case.unchanged(adapter):
        for session_id, message_id in (("s", "none"), ("none", "a"), ("s", "B"), ("s", "b "), ("other", "b")):
            with case.about(f"message {message_id!r} of session {session_id!r}"):
                new = Message(id=message_id, role="user", content="x")
                await case.refused(NotFound, adapter.messages.replace(session_id, new))


@clause("redaction.own_session", "Only this session's message is replaced.", needs=[Capability.REPLACE])
async def own_session(case: Case) -> None:
    adapter, _ = await _begin(case)
    await adapter.sessions.save(Session(id="other"))
    other = await adapter.messages.append("other", case.say("a", "b"))
    await adapter.messages.replace("s", _text("[redacted]"))
    case.same(list(await adapter.messages.find("other")), list(other), "the messages of another session")


@clause(
    "redaction.removed",
    "What was removed cannot be replaced; what was replaced can be removed, and its id is free then.",
    needs=[Capability.REPLACE, Capability.REMOVE],
)
async def removed(case: Case) -> None:
    adapter, _ = await _begin(case)
    await adapter.messages.remove("s", after=0, through=1)
    async with case.unchanged(adapter):
        await case.refused(NotFound, adapter.messages.replace("s", case.say("a")[0]))
    await adapter.messages.replace("s", _text("x"))
    case.same(await adapter.messages.remove("s", after=1, through=2), 1, "how many were removed")
    [again] = await adapter.messages.append("s", [_text("y")])
    case.same((again.seq, again.content), (4, "y"), "position and content of the id that was free")
    case.same([message.id for message in await adapter.messages.find("s")], ["c", "b"], "what is stored")


@clause(
    "redaction.long_gone",
    "A long text, and one in metadata, is nowhere in the backend any more once it was replaced.",
    needs=[Capability.REPLACE],
)
async def long_gone(case: Case) -> None:
    adapter, _ = await _begin(case)
    probe = await case.probe(adapter)
    long = Message(id="long", role="user", content=SECRET * 5000)
    await adapter.messages.append("s", [long])
    assert SECRET.encode() in await probe.raw(), "the probe does not see a text that is stored"
    await adapter.messages.replace("s", long.model_copy(update={"content": "[redacted]"}))
    await adapter.messages.replace("s", _text("[redacted]"))
    assert SECRET.encode() not in await probe.raw(), "the old text is still in the backend"
