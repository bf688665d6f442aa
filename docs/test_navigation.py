"""The site's navigation and its pages are the same set: Zensical says nothing about either kind of stray."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent


def pages_of(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            else:
                yield from pages_of(target)


def test_every_page_is_in_the_navigation_and_nothing_else() -> None:
    config = tomllib.loads(DOCS.with_name(".zensical.toml").read_text())
    pages = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
    assert sorted(pages_of(config["project"]["nav"])) == pages  # noqa: S101 - a test
