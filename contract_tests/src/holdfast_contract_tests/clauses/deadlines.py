"""Deadlines: they are the adapter's own, and what they mean depends on what was sent."""

import asyncio
from collections.abc import Sequence

from holdfast import Adapter, BackendTimeout, Session, Turn
from holdfast.codec import Place
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import clause
from holdfast_contract_tests.sealing import Sealing

TIMEOUT = 0.3  # seconds


class Slow(Sealing):
    """A codec that takes its time before anything can be sent, or until what was read can be understood."""

    seconds = 0.0

    async def seal(self, bodies: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """The bodies, later."""
        await asyncio.sleep(self.seconds)
        return await super().seal(bodies, places)

    async def open(self, sealed: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """The bodies, later."""
        await asyncio.sleep(self.seconds)
        return await super().open(sealed, places)


async def _begin(case: Case) -> tuple[Adapter, Slow, Session]:
    codec = Slow()
    adapter = await case.open(codec=codec, timeout=TIMEOUT)
    session = await adapter.sessions.save(Session(id="s", data={"n": 0}))
    await adapter.messages.append("s", case.say("a"))
    return adapter, codec, session


@clause(
    "errors.late_write",
    "A write whose deadline passes before it is sent is `BackendTimeout`, and nothing of it is stored.",
)
async def late_write(case: Case) -> None:
    adapter, codec, session = await _begin(case)
    turn = Turn(session_id="s", session=session.model_copy(update={"data": {"n": 1}}), messages=case.say("b", "c"))
    async with case.unchanged(adapter):
        codec.seconds = 10 * TIMEOUT
        await asyncio.gather(
            case.refused(BackendTimeout, adapter.commit(turn)),
            case.refused(BackendTimeout, adapter.messages.append("s", case.say("d"))),
            case.refused(BackendTimeout, adapter.sessions.save(Session(id="new"))),
        )
        codec.seconds = 0
    done = await adapter.commit(turn)
    case.same((done.replayed, done.session.version, done.session.last_seq), (False, 2, 3), "the retried turn")


@clause("errors.late_read", "A read whose deadline passes is `BackendTimeout`, and the next read gets its answer.")
async def late_read(case: Case) -> None:
    adapter, codec, session = await _begin(case)
    codec.seconds = 10 * TIMEOUT
    await asyncio.gather(
        case.refused(BackendTimeout, adapter.sessions.get("s")),
        case.refused(BackendTimeout, adapter.messages.find("s")),
        case.refused(BackendTimeout, adapter.messages.get("s", "a")),
    )
    codec.seconds = 0
    found = await adapter.sessions.get("s")
    assert found is not None
    case.same(found.data, session.data, "the state")
    case.same([message.id for message in await adapter.messages.find("s")], ["a"], "the messages")
