"""What is stored and cannot be read is said so, with its place; it is never taken for absence."""

import asyncio
from typing import Any

from holdfast import Adapter, CorruptRecord, HoldfastError, OutcomeUnknown, Session, SessionQuery
from holdfast_contract_tests.calls import CALLS, calls_of
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.verdict import ContractError

SECRET = "".join(["hun", "ter", "2"])
BODIES = [
    "",
    "{",
    "[]",
    "null",
    "5",
    '"text"',
    '{"content": 5}',
    '{"unknown": 1}',
    '{"content": [5]}',
    '{"content": NaN}',
    '{"content": "a"} more',
    '{"raw": {"$unknown": 1}}',
    '{"raw": {"$datetime": "x"}}',
    '{"raw": {"$set": [[]]}}',
    '{"content": [{"type": 5}]}',
    '{"content": {}}',
    '{"metadata": 5}',
    '{"name": 5}',
    f'{{"content": "{SECRET}',
    "[" * 100_000,
]
STATES = [
    "",
    "{",
    "[]",
    '{"unknown": 1}',
    '{"route_history": [5]}',
    '{"data": 5}',
    '{"metadata": "x"}',
    '{"schema_version": "x"}',
    f'{{"data": {{"a": "{SECRET}"',
]


WITH_A_TURN = {"sessions.save", "messages.append", "messages.remove", "messages.replace", "commit"}


def _told(case: Case, error: CorruptRecord, seq: int | None) -> None:
    case.same((error.session_id, error.seq), ("s", seq), "the place that the error names")
    assert SECRET not in str(error), "the error's text holds what a user said"


@clause(
    "corruption.message",
    "A message that does not decode is `CorruptRecord` with its place, never absent.",
    level=Level.SMOKE,
)
async def message(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"))
    probe = await case.probe(adapter)
    for body in BODIES:
        with case.about(f"the body {body[:40]!r}"):
            await probe.set_message_body("s", "b", body)
            for call in (
                adapter.messages.find("s"),
                adapter.messages.find("s", last=3),
                adapter.messages.get("s", "b"),
            ):
                _told(case, await case.refused(CorruptRecord, call), 2)


@clause(
    "corruption.beside",
    'With `on_corrupt="report"` the sound messages come, and the others are named.',
    level=Level.SMOKE,
)
async def beside(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b", "c"))
    await (await case.probe(adapter)).set_message_body("s", "b", "{")
    walks: list[dict[str, Any]] = [{"limit": 10}, {"last": 10}, {"limit": 3, "align": "turn"}]
    for walk in walks:
        page = await adapter.messages.find("s", on_corrupt="report", **walk)
        case.same([message.id for message in page], ["a", "c"], "the sound messages")
        case.same([(error.session_id, error.seq) for error in page.corrupt], [("s", 2)], "the corrupt ones")
    case.same([message.id for message in await adapter.messages.find("s", after=2)], ["c"], "what lies behind")
    told = await adapter.messages.append("s", case.say("d"))
    case.same([message.seq for message in told], [4], "the position of the next message")


@clause(
    "corruption.state",
    "A state that does not decode is `CorruptRecord` with its session, never absent.",
    level=Level.SMOKE,
)
async def state(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s", data={"a": 1}))
    probe = await case.probe(adapter)
    for body in STATES:
        with case.about(f"the state {body[:40]!r}"):
            await probe.set_state_body("s", body)
            for call in (
                adapter.sessions.get("s"),
                adapter.sessions.find(SessionQuery(with_state=True)),
            ):
                _told(case, await case.refused(CorruptRecord, call), None)
    await case.listed(adapter, SessionQuery(), ["s"])
    case.same(await adapter.sessions.delete("s"), True, "whether it can be deleted")


@clause("corruption.other_sessions", "One corrupt session stands in nobody's way.")
async def other_sessions(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "sound"):
        await adapter.sessions.save(Session(id=name, data={"name": name}))
        await adapter.messages.append(name, case.say("a"))
    probe = await case.probe(adapter)
    await probe.set_message_body("s", "a", "{")
    await probe.set_state_body("s", "{")
    sound = await adapter.sessions.get("sound")
    assert sound is not None
    case.same(sound.data, {"name": "sound"}, "the state of the sound session")
    case.same([m.id for m in await adapter.messages.find("sound")], ["a"], "its messages")


@clause(
    "errors.translated", "When the backend breaks, every call raises an error of ours, with the driver's as cause."
)
async def translated(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s", data={"secret": SECRET}))
    await adapter.messages.append("s", case.say("a", content=SECRET))
    await (await case.probe(adapter)).destroy()
    for name in calls_of(adapter.capabilities):
        with case.about(name):
            await _fails_well(adapter, name)


async def _fails_well(adapter: Adapter, name: str) -> None:
    [answer] = await asyncio.gather(CALLS[name](adapter), return_exceptions=True)
    if not isinstance(answer, HoldfastError):
        raise ContractError(f"expected an error of ours, found {answer!r}")
    said = f"{answer} {answer!r}"
    assert SECRET not in said, "the error's text holds what a user said"
    assert "words" not in said, "the error's text holds the words of a message"
    if isinstance(answer, OutcomeUnknown) and name in WITH_A_TURN:
        assert answer.turn_id, "OutcomeUnknown does not name the turn that makes a retry safe"
    assert answer.__cause__ is not None, f"{type(answer).__name__} has no __cause__: the driver's error is lost"
