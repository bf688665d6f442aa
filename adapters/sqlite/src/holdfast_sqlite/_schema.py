"""The schema: created by whoever comes first, checked by all."""

from holdfast.errors import CorruptRecord
from holdfast.toolkit import Schema, Step, steps_to_run
from holdfast_sqlite._connections import Connections, Transaction
from holdfast_sqlite._queries import META, QUERIES, SESSIONS, statements

__all__ = ["prepare"]

_COMPONENT = "sessions"


async def prepare(connections: Connections, *, create: bool, migrate: bool) -> int:
    """Create or check the schema; many processes may do so at once.

    Returns:
        The number of the schema that is there now.

    Raises:
        SchemaOutdated: It is older, and ``migrate`` was not asked for.
        CorruptRecord: The tables are there, and the record of their schema is not.
        SchemaTooNew: It is newer, and forbids this program to use it.
        ConfigurationError: It is absent, and ``create`` is False.
    """
    # Without the lock first: the usual opening must not wait for whoever is writing.
    stored = await connections.look(_stored)
    steps = steps_to_run(_COMPONENT, stored, SESSIONS, create=create, migrate=migrate)
    if stored and not steps:
        return stored.number

    async def run(transaction: Transaction) -> int:
        stored = await _stored(transaction)
        number = stored.number if stored else 0
        for step in steps_to_run(_COMPONENT, stored, SESSIONS, create=create, migrate=migrate):
            await _run_step(transaction, step)
            number = step.number
        return number

    return await connections.write(run)


async def _stored(transaction: Transaction) -> Schema | None:
    tables = {row[0] for row in await transaction.run(QUERIES["tables"])}
    rows = await transaction.run(QUERIES["meta"], {"component": _COMPONENT}) if "holdfast_meta" in tables else []
    if not rows and "holdfast_head" in tables:
        raise CorruptRecord("The file has holdfast's tables, but no record of their schema.")
    return Schema(*rows[0]) if rows else None


async def _run_step(transaction: Transaction, step: Step) -> None:
    if ("holdfast_meta",) not in await transaction.run(QUERIES["tables"]):
        await transaction.run(META)
    for statement in statements(step.script):
        await transaction.run(statement)
    schema = step.schema
    await transaction.run(
        QUERIES["set_meta"],
        {
            "component": _COMPONENT,
            "schema": schema.number,
            "min_reader": schema.min_reader,
            "min_writer": schema.min_writer,
        },
    )
