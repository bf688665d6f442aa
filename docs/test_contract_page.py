"""The page of all clauses is the manifest's."""

from pathlib import Path

from holdfast_contract_tests.page import contract_page


def test_the_page_is_that_of_the_manifest() -> None:
    """If it is not: ``nox -s contract-page``."""
    page = Path(__file__).with_name("contract.md").read_text(encoding="utf-8")
    assert page == contract_page(), "stale: run nox -s contract-page"  # noqa: S101 - a test
