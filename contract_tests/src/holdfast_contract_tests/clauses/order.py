"""Order: positions are given by the store, dense and for good."""

from holdfast import Capability, Session
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause

MANY = 120  # more than one digit of positions: text sorts "10" before "9"


@clause("order.dense", "Positions are 1, 2, 3… in each session, without a hole.")
async def dense(case: Case) -> None:
    adapter = await case.open()
    for name in ("s", "other"):
        await adapter.sessions.save(Session(id=name))
        for number in range(MANY // 4):
            words = [f"m{number}-{part}" for part in range(4)]
            told = await adapter.messages.append(name, case.say(*words))
            case.same([message.seq for message in told], list(range(number * 4 + 1, number * 4 + 5)), "positions")
    for name in ("s", "other"):
        found = await adapter.messages.find(name, limit=MANY)
        case.same([message.seq for message in found], list(range(1, MANY + 1)), "positions as read")


@clause("order.never_reused", "A position that was removed is never given again.", needs=[Capability.REMOVE])
async def never_reused(case: Case) -> None:
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say(*"abcdefghij"))
    await adapter.messages.remove("s", after=5, through=10)
    [told] = await adapter.messages.append("s", case.say("next"))
    case.same(told.seq, 11, "the position after removing 6 to 10")
