"""Processes that make the author's adapter of their own."""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from holdfast_contract_tests.case import Case
from holdfast_contract_tests.verdict import ContractError, NotRun

__all__ = ["Process", "start"]

_TIMEOUT = 60.0  # seconds for one line
_LINE = 1024 * 1024


class Process:
    """One process, and what it reports."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def report(self) -> dict[str, Any] | None:
        """The next report, or None at the end.

        Raises:
            ContractError: It said nothing for a minute.
        """
        if self._process.stdout is None:
            return None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _TIMEOUT)
        except TimeoutError:
            raise ContractError(f"A process said nothing for {_TIMEOUT:g} s.") from None
        # The kill may cut the last line off.
        return json.loads(line) if line.endswith(b"\n") else None

    async def reports(self) -> list[dict[str, Any]]:
        """All that follows, up to a good end.

        Raises:
            ContractError: It failed; its last words are in the text.
        """
        found: list[dict[str, Any]] = []
        while (said := await self.report()) is not None:
            found.append(said)
        await self.ended_well()
        return found

    async def ended_well(self) -> None:
        """Wait for its end.

        Raises:
            ContractError: It failed; its last words are in the text.
        """
        errors = await self._process.stderr.read() if self._process.stderr else b""
        if await self._process.wait():
            words = errors.decode(errors="replace").strip().splitlines()[-6:]
            raise ContractError("A process of the suite failed:\n" + "\n".join(words))

    async def go(self) -> None:
        """Send it a line."""
        if self._process.stdin is not None:
            self._process.stdin.write(b"\n")
            await self._process.stdin.drain()

    def kill(self) -> None:
        """SIGKILL."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def gone(self) -> None:
        """Wait until it has ended, and read what it left in its pipes, so that they are closed."""
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.at_eof():
                with suppress(RuntimeError):  # somebody else reads it
                    await pipe.read()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


@asynccontextmanager
async def start(case: Case, job: str, **arguments: Any) -> AsyncGenerator[Process]:
    """Start a process that does a job on an adapter of the case's env; it is killed at the end.

    Raises:
        NotRun: The author's class cannot be imported by another process.
    """
    place = {"namespace": case.env.namespace, "path": str(case.env.path), "url": case.env.url}
    spec = {"contract": _where(case), "env": place, "job": job, "arguments": arguments}
    started = Process(await _started(json.dumps(spec)))
    try:
        yield started
    finally:
        started.kill()
        await started.gone()


async def _started(spec: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "holdfast_contract_tests.worker", spec)
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths}
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, limit=_LINE, env=environment
        )
    except NotImplementedError:
        raise NotRun("The event loop of this system cannot start processes.") from None


def _where(case: Case) -> dict[str, str]:
    kind = type(case.contract)
    if "<locals>" in kind.__qualname__:
        raise NotRun(f"{kind.__name__} is inside a function: other processes cannot import it.")
    return {"module": kind.__module__, "file": inspect.getfile(kind), "name": kind.__qualname__}
