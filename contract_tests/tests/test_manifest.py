"""The manifest: every clause is a sentence with a stable name, and every one of them is collected."""

import re

import pytest

from holdfast import Capability
from holdfast_contract_tests.clause import CONTRACT, all_clauses
from holdfast_contract_tests.contract import AdapterContract, add_tests

CLAUSES = all_clauses()
KNOWN = {value for name, value in vars(Capability).items() if name.isupper()}


def test_there_are_enough_of_them():
    assert len(CLAUSES) >= 120


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=CLAUSES)
def test_a_clause_has_a_name_a_sentence_and_known_needs(clause):
    assert re.fullmatch(r"(sealed\.)?[a-z]+\.[a-z0-9_]+", clause.id)
    assert clause.promise[0].isupper() or clause.promise[0] in "`'\""
    assert clause.promise.endswith(".")
    assert "\n" not in clause.promise
    assert set(clause.needs) <= KNOWN
    assert clause.since <= CONTRACT


def test_every_clause_is_a_test_of_the_contract_class_and_nothing_else_is():
    add_tests()
    tests = {name for name in vars(AdapterContract) if name.startswith("test")}
    assert tests == {clause.test_name for clause in CLAUSES.values()}
    assert len(tests) == len(CLAUSES)


def test_every_clause_is_collected(pytester):
    pytester.makepyfile(
        test_mine="""
        from holdfast_contract_tests import AdapterContract

        class TestMine(AdapterContract):
            pass
        """
    )
    result = pytester.runpytest_subprocess(
        "--collect-only", "-q", "--holdfast-profile=thorough", "-p", "no:cacheprovider"
    )
    found = {line.rsplit("::", 1)[1] for line in result.outlines if "::TestMine::" in line}
    assert found == {clause.test_name for clause in CLAUSES.values()}
