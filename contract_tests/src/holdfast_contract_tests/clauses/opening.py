"""Opening: schemas are created or checked, never migrated unasked; a client that was handed in stays as it was."""

from typing import Any

from holdfast import (
    Capability,
    ConfigurationError,
    Durability,
    InvalidArgument,
    Limits,
    SchemaOutdated,
    SchemaTooNew,
    Session,
    UnsupportedCapability,
)
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.clause import Level, clause
from holdfast_contract_tests.verdict import ContractError

STORED = [Capability.SURVIVES_PROCESS]


@clause(
    "opening.create_false",
    "With `create=False`, an absent schema is an error, and is not created.",
    needs=STORED,
    level=Level.SMOKE,
)
async def create_false(case: Case) -> None:
    for _ in range(2):
        adapter = await case.new()
        await case.refused(ConfigurationError, adapter.initialize(create=False))
    async with await case.new() as adapter:
        await adapter.sessions.save(Session(id="s"))
    there = await case.new()
    await there.initialize(create=False)
    assert await there.sessions.get("s") is not None, "what was saved is not there with create=False"
    await there.aclose()


@clause(
    "opening.newer_schema",
    "A newer schema that forbids this program is refused, and left alone.",
    needs=STORED,
    level=Level.SMOKE,
)
async def newer_schema(case: Case) -> None:
    async with await case.new() as adapter:
        await adapter.sessions.save(Session(id="s"))
        probe = await case.probe(adapter)
        await probe.set_schema(schema=90, min_reader=90, min_writer=90)
    for _ in range(2):
        refused = await case.new()
        error = await case.refused(SchemaTooNew, refused.initialize())
        case.same(error.stored, 90, "the stored schema number in the error")
    await probe.set_schema(schema=90, min_reader=1, min_writer=1)
    async with await case.new() as adapter:
        assert await adapter.sessions.get("s") is not None, "a newer schema that allows it lost a session"


@clause("opening.older_schema", "An older schema is refused, with the call that migrates it.", needs=STORED)
async def older_schema(case: Case) -> None:
    async with await case.new() as adapter:
        probe = await case.probe(adapter)
    await probe.set_schema(schema=0, min_reader=0, min_writer=0)
    for _ in range(2):
        refused = await case.new()
        error = await case.refused(SchemaOutdated, refused.initialize())
        case.same(error.stored, 0, "the stored schema number in the error")
        assert "migrate" in str(error), f"the error does not say how to migrate: {error}"


@clause("opening.limits", "Where nothing else is asked for, the limits are the same as everywhere.")
async def same_limits(case: Case) -> None:
    case.same((await case.open()).limits, Limits(), "the limits")


@clause(
    "opening.durability",
    "It opens only where an acknowledgement survives as much as is required.",
    level=Level.SMOKE,
)
async def durability(case: Case) -> None:
    adapter = await case.open()
    again = await case.open(require_durability=adapter.durability)
    case.same(again.durability, adapter.durability, "the durability where it is required")
    if adapter.durability < Durability.REPLICATED:
        demanding = await case.new(require_durability=Durability(adapter.durability + 1))
        await case.refused(ConfigurationError, demanding.initialize())


@clause("opening.options", "Options of the wrong kind are refused with an error of ours, and unknown ones too.")
async def options(case: Case) -> None:
    wrong: list[tuple[str, Any]] = [("unknown", 1), ("timeout", 0), ("timeout", "5"), ("limits", 5), ("clock", 5)]
    wrong += [
        ("message_ttl", -1),
        ("message_ttl", float("nan")),
        ("session_ttl", True),
        ("require_durability", "x"),
    ]
    for name, value in wrong:
        with case.about(f"{name}={value!r}"):
            try:
                adapter = await case.new(**{name: value})
                await adapter.initialize()
            except (ConfigurationError, InvalidArgument):
                continue
            await adapter.aclose()
            raise ContractError("expected ConfigurationError or InvalidArgument, but it opened")


@clause("opening.passes_options", "The common options reach the adapter: its limits are those that were given.")
async def passes_options(case: Case) -> None:
    limits = Limits(page=7, turn_messages=3)
    adapter = await case.open(limits=limits)
    case.same(adapter.limits, limits, "the adapter's limits")


@clause("opening.ports", "A protocol that it does not offer is `UnsupportedCapability`, by name.")
async def ports(case: Case) -> None:
    class Records:
        pass

    adapter = await case.open()

    async def ask() -> object:
        return adapter.port(Records)

    error = await case.refused(UnsupportedCapability, ask())
    assert "Records" in str(error), f"the error does not name the protocol: {error}"


@clause("opening.client", "A client that was handed in is never closed, and never set up in another way.")
async def client(case: Case) -> None:
    adapter, look = await case.on_client()
    before = await look()
    async with adapter:
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append("s", case.say("a"))
    case.same(await look(), before, "the client after the adapter was closed")


@clause("opening.ping", "`ping` answers while it is open.")
async def ping(case: Case) -> None:
    adapter = await case.open()
    await adapter.ping()
