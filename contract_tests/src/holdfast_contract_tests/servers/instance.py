"""A server that is being started: its folder, its ports and its processes."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from tempfile import mkdtemp

__all__ = ["Died", "Instance", "ServerFailed"]

GRACE = 20.0
"""Seconds that a process may take to end before it is killed."""

PATIENCE = 60.0
"""Seconds that a server may take to answer."""


class ServerFailed(Exception):
    """A server that is installed did not start."""


class Died(ServerFailed):
    """A process of the server ended; perhaps somebody else took its port in between."""


class Instance:
    """One attempt at a server. All that it starts ends with ``stop()``, and its folder is removed."""

    def __init__(self, name: str, *, refuses_root: bool = False) -> None:
        self._user = "nobody" if refuses_root and os.geteuid() == 0 else None
        self._processes: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
        self._ports: set[int] = set()
        self.folder = self._own(Path(mkdtemp(prefix=f"holdfast-{name}-")))

    def subfolder(self, name: str) -> Path:
        """A new folder in which the server may write."""
        path = self.folder / name
        path.mkdir()
        return self._own(path)

    def _own(self, path: Path) -> Path:
        if self._user:
            shutil.chown(path, self._user)
        return path

    def free_port(self) -> int:
        """A port of the loopback that is free now, and that was not given out before."""
        with socket(AF_INET, SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port in self._ports:
            return self.free_port()
        self._ports.add(port)
        return port

    def run(self, *command: str | Path) -> None:
        """Run a command to its end.

        Raises:
            ServerFailed: It failed.
        """
        self.spawn(*command)
        process, _ = self._processes.pop()
        try:
            failed = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            _signal_group(process, signal.SIGKILL)
            failed = process.wait()
        if failed:
            raise ServerFailed(f"{Path(command[0]).name} failed:\n{self._tail()}")

    def spawn(
        self,
        *command: str | Path,
        environment: Mapping[str, str] | None = None,
        ends_on: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start a process, as the leader of a group of its own."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the recipe's command
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment() | dict(environment or {}),
                user=self._user,
                start_new_session=True,
            )
        self._processes.append((process, ends_on))

    def wait(self, answers: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        """Wait until the server answers.

        Raises:
            Died: A process ended instead.
            ServerFailed: It took too long.
        """
        deadline = time.monotonic() + seconds
        while not answers():
            self._check_alive()
            if time.monotonic() > deadline:
                raise ServerFailed(f"There was no answer in {seconds} s:\n{self._tail()}")
            time.sleep(0.05)
        # What answered was perhaps another server, on a port that ours did not get.
        self._check_alive()

    def _check_alive(self) -> None:
        for process, _ in self._processes:
            if process.poll() is not None:
                raise Died(f"{Path(str(process.args[0])).name} ended:\n{self._tail()}")  # type: ignore[index]

    def stop(self) -> None:
        """End all processes, the last one first, and remove the folder."""
        for process, ends_on in reversed(self._processes):
            _signal_group(process, ends_on)
        for process, _ in self._processes:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                _signal_group(process, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "output.log"

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.folder)}


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
