"""What a failed clause looks like: one screen, for somebody who never saw the suite."""

import traceback
from pathlib import Path
from types import TracebackType

import pytest

from holdfast_contract_tests.case import Case
from holdfast_contract_tests.equality import shown
from holdfast_contract_tests.verdict import ContractError

__all__ = ["screen"]

_HERE = Path(__file__).parent
_CALLS = 12
_TOOLS = {"asyncio", "pluggy", "_pytest", "hypothesis"}
_FRAMES = 4


def screen(case: Case, excinfo: "pytest.ExceptionInfo[BaseException]", again: str) -> str:
    """The text of a failure; ``again`` is the command that repeats it."""
    error = excinfo.value
    adapter = type(case.contract).__name__
    lines = [f"{case.clause.id}: FAIL ({adapter})", "", f"  promised  {case.clause.promise}"]
    lines += _block("found", _found(error))
    lines += [f"            {_indented(note)}" for note in getattr(error, "__notes__", [])]
    lines += _block("proof", _frames(error.__traceback__, ours=True))
    lines += _block("raised", _raised(error))
    lines += _block("calls", list(case.journal.last(_CALLS)) or ["none"])
    lines += ["", f"  again     {again}"]
    return "\n".join(lines)


def _block(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    return [f"  {title:<9} {_indented(lines[0])}", *(f"            {_indented(line)}" for line in lines[1:])]


def _indented(text: str) -> str:
    return text.replace("\n", "\n            ")


def _found(error: BaseException) -> list[str]:
    text = str(error)
    if isinstance(error, ContractError):
        return [text]
    if isinstance(error, AssertionError):
        return [text or "the assertion below does not hold"]
    return [f"this was raised: {type(error).__module__}.{type(error).__qualname__}: {shown(text, 400)}"]


def _raised(error: BaseException) -> list[str]:
    """Where an error that was not expected comes from: the last frames outside of the suite."""
    cause = error.__cause__ if isinstance(error, AssertionError) else error
    if cause is None:
        return []
    return [*_frames(cause.__traceback__, ours=False), shown(f"{type(cause).__name__}: {cause}", 300)]


def _frames(trace: TracebackType | None, *, ours: bool) -> list[str]:
    """The last frames of a traceback, in the clauses or outside of the suite."""
    found = []
    for frame in traceback.extract_tb(trace):
        file = Path(frame.filename)
        in_suite = file.is_relative_to(_HERE)
        if ours and in_suite and "clauses" in file.parts:
            found.append(f"clauses/{file.name}:{frame.lineno} in {frame.name}\n    {frame.line}")
        elif not ours and not in_suite and not _TOOLS & set(file.parts):
            found.append(f"{file}:{frame.lineno} in {frame.name}: {frame.line}")
    return found[-1:] if ours else found[-_FRAMES:]
