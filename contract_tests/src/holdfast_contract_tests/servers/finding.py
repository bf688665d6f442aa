"""Finding a server: from the environment, else on this machine, else from Docker, else not at all."""

import atexit
import os
from collections.abc import Callable
from threading import Lock

from holdfast_contract_tests.servers.docker import run_container
from holdfast_contract_tests.servers.instance import Died, Instance, ServerFailed
from holdfast_contract_tests.servers.programs import Missing
from holdfast_contract_tests.servers.server import Server
from holdfast_contract_tests.verdict import NotRun

__all__ = ["Servers", "find_server", "stop_servers"]

ATTEMPTS = 3
"""How often a server is started whose process ends at once; mostly somebody else took its port."""


class Servers:
    """The servers that a process has found, and those that it has started."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = os.getpid()
        self._known: dict[Server, str | NotRun | ServerFailed] = {}
        self._stops: list[Callable[[], None]] = []

    def find(self, server: Server) -> str:
        """Where a server of this kind is. The first call starts it, unless the environment names one.

        Raises:
            NotRun: There is none, and none can be started; it says what to install.
            ServerFailed: It is installed and does not start.
        """
        given = os.environ.get(server.variable)
        if given:
            return given
        with self._lock:
            if server not in self._known:
                self._known[server] = self._look(server)
            known = self._known[server]
        if isinstance(known, Exception):
            raise known.with_traceback(None)
        return known

    def stop(self) -> None:
        """Stop what was started, the last one first; the next search starts anew."""
        # A process that was forked off knows its parent's servers, and must leave them alone.
        if self._process != os.getpid():
            return
        with self._lock:
            self._known.clear()
            while self._stops:
                self._stops.pop()()

    def _look(self, server: Server) -> str | NotRun | ServerFailed:
        """The URL, or why there is none: nobody wants to wait for that twice."""
        try:
            return self._start(server)
        except Missing as missing:
            return self._look_in_docker(server, str(missing))
        except ServerFailed as failed:
            return failed

    def _start(self, server: Server) -> str:
        for _ in range(ATTEMPTS - 1):
            try:
                return self._start_once(server)
            except Died:
                continue
        return self._start_once(server)

    def _start_once(self, server: Server) -> str:
        instance = Instance(server.name, refuses_root=server.refuses_root)
        try:
            url = server.start(instance)
        except BaseException:
            instance.stop()
            raise
        self._stops.append(instance.stop)
        return url

    def _look_in_docker(self, server: Server, missing: str) -> str | NotRun | ServerFailed:
        if server.container is None:
            return _not_run(server, missing)
        try:
            url, stop = run_container(server.container)
        except Missing as why:
            return _not_run(server, f"{missing}, {why}")
        except ServerFailed as failed:
            return failed
        self._stops.append(stop)
        return url


def _not_run(server: Server, why: str) -> NotRun:
    return NotRun(f"{server.name}: {server.variable} is not set, {why}; install: {server.install}")


_ours = Servers()
atexit.register(_ours.stop)


def find_server(server: Server) -> str:
    """Where a server of this kind is; it is started once in a process.

    Raises:
        NotRun: There is none, and none can be started; it says what to install.
        ServerFailed: It is installed and does not start.
    """
    return _ours.find(server)


def stop_servers() -> None:
    """Stop what ``find_server`` started."""
    _ours.stop()
