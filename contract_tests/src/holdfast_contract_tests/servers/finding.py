"""Finding a server: from the environment, else on this machine, else from Docker, else not at all."""

import atexit
import os
from collections.abc import Callable
from threading import RLock

from holdfast_contract_tests.servers.docker import run_container
from holdfast_contract_tests.servers.instance import Died, Instance, ServerFailed
from holdfast_contract_tests.servers.programs import Missing
from holdfast_contract_tests.servers.server import Server
from holdfast_contract_tests.verdict import NotRun

__all__ = ["find_server", "stop_servers"]

ATTEMPTS = 3
"""How often a server is started whose process ends at once; mostly somebody else took its port."""

_lock = RLock()  # a server may need another one
_process = os.getpid()
_known: dict[Server, str | NotRun | ServerFailed] = {}
_stops: list[Callable[[], None]] = []


def find_server(server: Server) -> str:
    """Where a server of this kind is. The first call in a process starts it, unless the environment names one.

    Raises:
        NotRun: There is none, and none can be started; it says what to install.
        ServerFailed: It is installed and does not start.
    """
    given = os.environ.get(server.variable)
    if given:
        return given
    with _lock:
        if server not in _known:
            _known[server] = _look(server)
        known = _known[server]
    if isinstance(known, Exception):
        raise known.with_traceback(None)
    return known


def stop_servers() -> None:
    """Stop what this process started, the last one first; the next call starts anew."""
    with _lock:
        _known.clear()
        while _stops:
            stop = _stops.pop()
            # A process that was forked off knows its parent's servers, and must leave them alone.
            if _process == os.getpid():
                stop()


atexit.register(stop_servers)


def _look(server: Server) -> str | NotRun | ServerFailed:
    """The URL, or why there is none: nobody wants to wait for that twice."""
    try:
        return _start(server)
    except Missing as missing:
        return _look_in_docker(server, str(missing))
    except (NotRun, ServerFailed) as why:
        return why


def _start(server: Server) -> str:
    for _ in range(ATTEMPTS - 1):
        try:
            return _start_once(server)
        except Died:
            continue
    return _start_once(server)


def _start_once(server: Server) -> str:
    instance = Instance(server.name, refuses_root=server.refuses_root)
    try:
        url = server.start(instance)
    except BaseException:
        instance.stop()
        raise
    _stops.append(instance.stop)
    return url


def _look_in_docker(server: Server, missing: str) -> str | NotRun | ServerFailed:
    if server.container is None:
        return _not_run(server, missing)
    try:
        url, stop = run_container(server.container)
    except Missing as why:
        return _not_run(server, f"{missing}, {why}")
    except ServerFailed as failed:
        return failed
    _stops.append(stop)
    return url


def _not_run(server: Server, why: str) -> NotRun:
    return NotRun(f"{server.name}: {server.variable} is not set, {why}; install: {server.install}")
