"""The rules by which a stored schema is opened."""

import pytest

from holdfast import ConfigurationError, SchemaOutdated, SchemaTooNew
from holdfast.toolkit import Schema, Step, steps_to_run

STEPS = [Step(1, "one", 1, 1), Step(2, "two", 1, 1), Step(3, "three", 1, 3)]


def numbers(stored: Schema | None, *, create: bool = True, migrate: bool = False) -> list[int]:
    return [step.number for step in steps_to_run("sessions", stored, STEPS, create=create, migrate=migrate)]


def test_an_absent_schema_is_created_whole():
    assert numbers(None) == [1, 2, 3]


def test_an_absent_schema_is_not_created_unasked():
    with pytest.raises(ConfigurationError, match="create=False"):
        numbers(None, create=False)


def test_an_equal_schema_needs_nothing():
    assert numbers(STEPS[2].schema) == []


def test_an_older_schema_is_never_migrated_on_opening():
    with pytest.raises(SchemaOutdated, match=r"\.migrate\(\)") as caught:
        numbers(STEPS[0].schema)
    assert (caught.value.stored, caught.value.known) == (1, 3)


def test_an_older_schema_is_migrated_when_asked_by_the_steps_that_it_lacks():
    assert numbers(STEPS[0].schema, migrate=True) == [2, 3]


def test_a_newer_schema_that_still_suits_is_used():
    assert numbers(Schema(9, min_reader=2, min_writer=3)) == []


@pytest.mark.parametrize("newer", [Schema(9, min_reader=4, min_writer=1), Schema(9, min_reader=1, min_writer=4)])
def test_a_newer_schema_that_forbids_it_is_refused(newer):
    with pytest.raises(SchemaTooNew):
        numbers(newer, migrate=True)
