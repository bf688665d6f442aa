"""Expiry: what the life of an id has that follows an expired one."""

from datetime import timedelta

from holdfast import Adapter, Capability, Message, Session, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.clauses._turns import info, now

HOUR = timedelta(hours=1)


@clause(
    "expiry.next_life_by_turn",
    "A turn that creates the id of an expired session begins another life, with its own messages alone.",
    needs=[Capability.EXPIRY],
    sealed=True,
)
async def next_life_by_turn(case: Case) -> None:
    adapter = await case.open()
    for number, words in enumerate((("a", "x"), ("y",), ())):
        name = f"s{number}"
        with case.about(f"a turn with {len(words)} messages"):
            old = Session(id=name, data={"secret": 1}, agent="a", expires_at=case.clock.now + HOUR)
            first = await adapter.commit(Turn(session_id=name, session=old, messages=case.say("a", "b", "c")))
            case.clock.pass_(hours=1)
            said = [Message(id=word, role="user", content="new words") for word in words]
            turn = Turn(session_id=name, session=Session(id=name, data={"n": 2}), messages=said)
            done = await adapter.commit(turn)
            assert done.session.key != first.session.key, "the next life has the key of the expired one"
            case.same(done.replayed, False, "whether the turn is told as a replay")
            case.same([m.seq for m in done.messages], list(range(1, len(words) + 1)), "the positions")
            stored = await now(adapter, name)
            fresh = Session(id=name, key=stored.key, version=1, data={"n": 2}, last_seq=len(words))
            fresh.message_count = len(words)
            fresh.created_at = fresh.updated_at = case.clock.now
            fresh.last_message_at = case.clock.now if words else None
            case.same(stored, fresh, "the new life as it is stored")
            case.same(done.session, info(fresh), "the new life as it was answered")
            await _has_only(case, adapter, name, list(done.messages))
            await adapter.sweep()
            await _has_only(case, adapter, name, list(done.messages))


async def _has_only(case: Case, adapter: Adapter, name: str, messages: list[Message]) -> None:
    case.same(list(await adapter.messages.find(name)), messages, "the messages of the new life")
    case.same(await adapter.messages.get(name, "b"), None, "a message of the expired life")


@clause(
    "expiry.turns_of_one_life",
    "What an expired life remembers of turns the next does not.",
    needs=[Capability.EXPIRY],
)
async def turns_of_one_life(case: Case) -> None:
    adapter = await case.open()
    turn = Turn(id="t", session_id="s", session=Session(id="s", version=1, data={"a": 1}), messages=case.say("a"))
    await adapter.sessions.save(Session(id="s"), turn_id="u")
    first = await adapter.commit(turn)
    await adapter.sessions.save(Session(id="s", version=2, expires_at=case.clock.now + HOUR), turn_id="v")
    case.clock.pass_(hours=1)
    await adapter.sessions.save(Session(id="s"))
    again = await adapter.commit(turn)
    assert not again.replayed, "a turn of the expired life is told as a replay in the next"
    assert again.session.key != first.session.key, "the next life has the key of the expired one"
    case.same((again.session.version, [m.seq for m in again.messages]), (2, [1]), "version and positions")
    for version, name in ((3, "u"), (4, "v")):
        state = Session(id="s", version=version - 1, data={"n": version})
        saved = await adapter.sessions.save(state, turn_id=name)
        told = (saved.version, saved.data)
        case.same(told, (version, {"n": version}), f"version and data of a save by the turn id {name!r}")
    case.same((await now(adapter)).data, {"n": 4}, "the data that is stored")
