"""What a recipe can rely on, what is said where it fails, and how Docker is asked."""

import os
import stat
import sys
import tempfile

import pytest

from holdfast_contract_tests.servers import Container, Missing, NotRun, Server, ServerFailed, Servers, programs


@pytest.fixture
def servers(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = Servers()
    yield found
    found.stop()


def recipe(start, **settings):
    return Server(name="own", variable="HOLDFAST_TEST_OWN_URL", install="nothing", start=start, **settings)


def test_a_server_that_dies_is_tried_again_on_other_ports(servers):
    ports = []
    assert servers.find(recipe(lambda instance: dies_first(instance, ports))) == "own://2"
    assert len(set(ports)) == 2


def dies_first(instance, ports):
    ports.append(instance.free_port())
    again = len(ports) > 1
    instance.spawn(sys.executable, "-c", "import time; time.sleep(600)" if again else "print('taken')")
    instance.wait(lambda: again)
    return f"own://{len(ports)}"


def test_a_server_that_never_starts_has_failed_and_says_what_it_said(servers, tmp_path):
    def start(instance):
        instance.spawn(sys.executable, "-c", "print('no such option')")
        instance.wait(lambda: False)

    kind = recipe(start)
    for _ in range(2):
        with pytest.raises(ServerFailed, match="no such option"):
            servers.find(kind)
    assert list(tmp_path.iterdir()) == []


def test_what_answers_after_our_process_ended_is_not_our_server(servers):
    def start(instance):
        instance.spawn(sys.executable, "-c", "print('taken')")
        instance.wait(lambda: os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT) is not None)
        return "somebody's://"

    with pytest.raises(ServerFailed, match="taken"):
        servers.find(recipe(start))


def test_a_server_that_gives_no_answer_has_failed(servers):
    def start(instance):
        instance.spawn(sys.executable, "-c", "import time; time.sleep(600)")
        instance.wait(lambda: False, seconds=0.1)

    with pytest.raises(ServerFailed, match="no answer"):
        servers.find(recipe(start))


def test_a_command_that_fails_is_a_server_that_failed(servers):
    with pytest.raises(ServerFailed, match="broken"):
        servers.find(recipe(lambda instance: instance.run(sys.executable, "-c", "raise SystemExit('broken')")))


# --- containers -----------------------------------------------------------------------------------

DOCKER = """\
#!/bin/sh
echo "$@" >> {log}
case $1 in
run) echo box ;;
port) echo 127.0.0.1:4321 ;;
esac
exit {code}
"""


def a_container(folder, monkeypatch, *, code=0, answers=lambda port: port == 4321):
    program, log = folder / "docker", folder / "log"
    program.write_text(DOCKER.format(log=log, code=code))
    program.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(programs, "FOLDERS", [])
    container = Container(
        image="own:1",
        port=99,
        url="own://127.0.0.1:{port}/x",
        answers=answers,
        environment=(("A", "b"),),
        arguments=("--safe",),
    )
    return recipe(is_missing, container=container), log


def is_missing(instance):
    raise Missing("own is not installed")


def test_without_a_program_a_container_is_run_and_removed(servers, tmp_path, monkeypatch):
    kind, log = a_container(tmp_path, monkeypatch)
    assert servers.find(kind) == servers.find(kind) == "own://127.0.0.1:4321/x"
    servers.stop()
    assert log.read_text().splitlines() == [
        "version",
        "run --detach --publish 127.0.0.1::99 --env=A=b own:1 --safe",
        "port box 99/tcp",
        "rm --force --volumes box",
    ]


def test_a_docker_that_does_not_run_is_no_docker(servers, tmp_path, monkeypatch):
    kind, _ = a_container(tmp_path, monkeypatch, code=1)
    with pytest.raises(NotRun, match=r"own is not installed, docker version failed.*install: nothing"):
        servers.find(kind)
