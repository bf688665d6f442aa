"""Schema versions: numbered steps, and the rules by which a stored schema is opened.

A schema has components (``sessions`` now; records and streams later), each with steps 1, 2, 3… A step that
still suits older programs says so with ``min_reader`` and ``min_writer``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.errors import ConfigurationError, SchemaOutdated, SchemaTooNew

__all__ = ["Schema", "Step", "steps_to_run"]


@dataclass(frozen=True, slots=True)
class Schema:
    """What a backend's meta record says of one component.

    Attributes:
        number: The last step that was run.
        min_reader: Programs that know at least this step may read.
        min_writer: Programs that know at least this step may write.
    """

    number: int
    min_reader: int
    min_writer: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a component's schema.

    Attributes:
        number: 1, 2, 3…
        script: What to run, in the backend's language.
        min_reader: What the meta record says once it has run.
        min_writer: The same.
    """

    number: int
    script: str
    min_reader: int
    min_writer: int

    @property
    def schema(self) -> Schema:
        """The meta record once this step has run."""
        return Schema(self.number, self.min_reader, self.min_writer)


def steps_to_run(
    component: str, stored: Schema | None, steps: Sequence[Step], *, create: bool, migrate: bool
) -> Sequence[Step]:
    """Which steps a store must run now, under its lock.

    Args:
        component: The component's name.
        stored: What the backend has, None if nothing.
        steps: What this program knows.
        create: Whether an absent schema may be created.
        migrate: Whether an older one may be brought up to date.

    Raises:
        ConfigurationError: It is absent, and may not be created.
        SchemaOutdated: It is older, and may not be migrated.
        SchemaTooNew: It is newer, and does not suit this program any more.
    """
    known = steps[-1].number
    if stored is None:
        if not create:
            raise ConfigurationError(f"There is no schema for {component}, and create=False.")
        return steps
    if stored.number > known:
        if max(stored.min_reader, stored.min_writer) > known:
            raise SchemaTooNew(component, stored=stored.number, known=known)
        return ()
    if stored.number < known and not migrate:
        raise SchemaOutdated(component, stored=stored.number, known=known)
    return [step for step in steps if step.number > stored.number]
