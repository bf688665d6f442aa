"""Runs the Python blocks of these pages and of the READMEs: ``pytest docs README.md``.

The blocks of one page share a namespace, an event loop and a temporary folder, in which they run. A block is a
script, or it awaits at its top level. ``<!--- skip: next -->`` before a block leaves it out.
"""

import ast
import asyncio
from contextlib import ExitStack, chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

ROOT = str(Path(__file__).parents[1])


def run_block(example: Example) -> None:
    """Run one block, on the page's loop if it awaits something."""
    # Empty lines in front make the line numbers of a traceback those of the page.
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    code = compile(source, example.path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    awaiting = FunctionType(code, example.namespace)()
    if awaiting is not None:
        example.namespace["__runner__"].run(awaiting)


def begin_page(namespace: dict[str, Any]) -> None:
    """Give a page its folder and its loop."""
    page = ExitStack()
    page.enter_context(chdir(page.enter_context(TemporaryDirectory())))
    runner = page.enter_context(asyncio.Runner())
    namespace.update(__name__="__main__", __runner__=runner, __page__=page)


def end_page(namespace: dict[str, Any]) -> None:
    """Close the page's loop, leave and remove its folder."""
    namespace["__page__"].close()


class Pages:
    """Collects Markdown wherever it lies: as a hook of this file it would not see the READMEs."""

    blocks = CodeBlockParser("python", run_block)
    pages = Sybil([blocks, SkipParser()], path=ROOT, pattern="*.md", setup=begin_page, teardown=end_page)
    pytest_collect_file = staticmethod(pages.pytest())


def pytest_configure(config: pytest.Config) -> None:
    """Make it known for all folders."""
    config.pluginmanager.register(Pages())
