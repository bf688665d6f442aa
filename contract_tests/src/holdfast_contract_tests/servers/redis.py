"""Redis, alone: it writes each command to its log."""

from holdfast_contract_tests.servers.answers import redis_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.programs import find_program
from holdfast_contract_tests.servers.server import Container, Server

__all__ = ["REDIS", "spawn_node"]

URL = "redis://127.0.0.1:{port}/0"


def spawn_node(instance: Instance, *options: str) -> int:
    """Start a process of Redis on a free port, without waiting for it."""
    port = instance.free_port()
    instance.spawn(
        find_program("redis-server"),
        *("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"),
        *("--dir", str(instance.subfolder(f"node-{port}")), *options),
    )
    return port


def _start(instance: Instance) -> str:
    port = spawn_node(instance)
    instance.wait(lambda: redis_answers(port))
    return URL.format(port=port)


REDIS = Server(
    name="redis",
    variable="HOLDFAST_TEST_REDIS_URL",
    install="apt-get install redis-server",
    start=_start,
    container=Container(
        image="redis:7",
        port=6379,
        url=URL,
        answers=redis_answers,
        arguments=("redis-server", "--appendonly", "yes"),
    ),
)
