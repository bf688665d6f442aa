"""Servers are found, started, and gone afterwards.

One that is not installed is reported with its install line; where ``CI`` is set that is a failure.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from socket import create_connection
from textwrap import dedent
from urllib.parse import urlsplit

import pytest

from holdfast_contract_tests import servers as kinds
from holdfast_contract_tests.servers import NotRun, Server, Servers, java, programs
from holdfast_contract_tests.servers import instance as instances

ALL = [kind for kind in vars(kinds).values() if isinstance(kind, Server)]
TLS_WANTED = struct.pack("!ii", 8, 80877103)
PACKAGED = [
    pytest.param(kind, words, reply, id=kind.name)
    for kind, words, reply in (
        (kinds.REDIS, b"PING\r\n", b"+PONG"),
        (kinds.REDIS_CLUSTER, b"CLUSTER INFO\r\n", b"cluster_state:ok"),
        (kinds.REDIS_SENTINEL, b"SENTINEL get-master-addr-by-name mymaster\r\n", b"127.0.0.1"),
        (kinds.POSTGRES, TLS_WANTED, b"N"),
        (kinds.PGBOUNCER, TLS_WANTED, b"N"),
        (kinds.MARIADB, b"", b"MariaDB"),
    )
]


@pytest.fixture(autouse=True)
def temporary(monkeypatch, tmp_path_factory):
    """Where servers make their folders; no variable names a server."""
    tmp_path_factory.getbasetemp()  # before the next lines move it
    for kind in ALL:
        monkeypatch.delenv(kind.variable, raising=False)
    folder = Path(tempfile.mkdtemp(prefix="hf-"))
    folder.chmod(0o755)  # some servers are another user
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def servers():
    found = Servers()
    yield found
    found.stop()


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine on which nothing is installed."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(programs, "FOLDERS", [])
    monkeypatch.setattr(java, "HOMES", str(tmp_path / "*"))
    for variable in ("JAVA_HOME", "OPENSEARCH_JAVA_HOME", "OPENSEARCH_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def find(servers, kind):
    try:
        return servers.find(kind)
    except NotRun as why:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(why))


def ask(port, words):
    with create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(words)
        return connection.recv(4096)


def ports_of(url):
    return [int(port) for port in re.findall(r":(\d+)", url)]


def processes_in(folder):
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if str(link.readlink()).startswith(str(folder)):
                found.append(link.parent.name)
    return found


@pytest.mark.parametrize(("kind", "words", "reply"), PACKAGED)
def test_a_server_answers_until_it_is_stopped(servers, temporary, kind, words, reply):
    url = find(servers, kind)
    ports = ports_of(url)
    assert ports
    assert all(reply in ask(port, words) for port in ports)
    assert servers.find(kind) == url
    if any(temporary.iterdir()):  # else it is in a container
        assert processes_in(temporary)
    servers.stop()
    assert processes_in(temporary) == []
    assert list(temporary.iterdir()) == []
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            ask(port, words)


def test_after_a_stop_it_is_started_anew(servers):
    find(servers, kinds.REDIS)
    servers.stop()
    assert ask(urlsplit(find(servers, kinds.REDIS)).port, b"PING\r\n") == b"+PONG\r\n"


def test_servers_end_with_the_process_that_started_them_and_not_with_its_forks(temporary):
    script = """
        import os, sys, tempfile
        from holdfast_contract_tests.servers import REDIS, NotRun, find_server
        from holdfast_contract_tests.servers.answers import redis_answers
        try:
            port = int(find_server(REDIS).split(":")[2].split("/")[0])
        except NotRun as why:
            sys.exit(f"not run: {why}")
        child = os.fork()
        if child == 0:
            sys.exit()
        os.waitpid(child, 0)
        print(port, redis_answers(port), len(os.listdir(tempfile.gettempdir())))
    """
    environment = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)], check=False, capture_output=True, text=True, env=environment
    )
    if done.stderr.startswith("not run:"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(done.stderr)
    port, answered, folders = done.stdout.split()
    assert (answered, folders) == ("True", "1")
    with pytest.raises(ConnectionRefusedError):
        ask(int(port), b"PING\r\n")
    assert processes_in(temporary) == []


STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pipe = open("pipe", "wb", 0)
os.fork()
pipe.write(b"x")
time.sleep(20)
pipe.write(b"survived")
"""


def test_a_process_that_will_not_end_is_killed_with_its_children(servers, monkeypatch):
    monkeypatch.setattr(instances, "GRACE", 0.1)
    pipes = []

    def start(instance):
        os.mkfifo(instance.folder / "pipe")
        instance.spawn(sys.executable, "-c", STUBBORN)
        pipes.append((instance.folder / "pipe").open("rb", buffering=0))
        assert pipes[0].read(1) + pipes[0].read(1) == b"xx"
        return "own://"

    kind = Server(name="own", variable="HOLDFAST_TEST_OWN_URL", install="nothing", start=start)
    assert servers.find(kind) == "own://"
    servers.stop()
    with pipes[0] as pipe:
        assert pipe.read() == b""  # it ends when nobody is left who could write


# --- where there is nothing to start --------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_the_environment_wins(servers, bare, monkeypatch, kind):
    monkeypatch.setenv(kind.variable, "scheme://elsewhere:1/")
    assert servers.find(kind) == "scheme://elsewhere:1/"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_what_is_missing_says_how_it_is_installed(servers, bare, temporary, kind):
    for _ in range(2):
        with pytest.raises(NotRun) as why:
            servers.find(kind)
        assert str(why.value).endswith(f"install: {kind.install}")
        assert kind.variable in str(why.value)
    assert list(temporary.iterdir()) == []
