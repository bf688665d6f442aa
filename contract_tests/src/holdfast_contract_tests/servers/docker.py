"""Servers in containers."""

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from holdfast_contract_tests.servers.instance import PATIENCE, ServerFailed
from holdfast_contract_tests.servers.programs import Missing, find_program
from holdfast_contract_tests.servers.server import Container

__all__ = ["run_container"]

DOWNLOAD = 600.0
"""Seconds that Docker may take to get an image."""


def run_container(container: Container) -> tuple[str, Callable[[], None]]:
    """Start a container and wait until its server answers.

    Returns:
        Its URL, and what removes it.

    Raises:
        Missing: Docker is not there, or cannot run this.
        ServerFailed: The server does not answer.
    """
    _docker("version")
    publish = f"127.0.0.1::{container.port}"
    settings = [f"--env={name}={value}" for name, value in container.environment]
    name = _docker("run", "--detach", "--publish", publish, *settings, container.image, *container.arguments)

    def remove() -> None:
        with suppress(Missing):
            _docker("rm", "--force", "--volumes", name)

    try:
        port = int(_docker("port", name, f"{container.port}/tcp").splitlines()[0].rpartition(":")[2])
        _wait(container, port)
    except BaseException:
        remove()
        raise
    return container.url.format(port=port), remove


def _wait(container: Container, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not container.answers(port):
        if time.monotonic() > deadline:
            raise ServerFailed(f"{container.image} gave no answer in {PATIENCE} s.")
        time.sleep(0.1)


def _docker(*command: str) -> str:
    """What Docker says, without the line's end."""
    program = find_program("docker")
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            [program, *command], check=False, capture_output=True, text=True, timeout=DOWNLOAD
        )
    except subprocess.TimeoutExpired as late:
        raise Missing(f"docker {command[0]} took more than {DOWNLOAD} s") from late
    if done.returncode:
        raise Missing(f"docker {command[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
