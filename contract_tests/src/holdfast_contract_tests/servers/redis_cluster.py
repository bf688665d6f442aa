"""A Redis Cluster: three masters, each with a replica."""

from holdfast_contract_tests.servers.answers import redis_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.programs import find_program
from holdfast_contract_tests.servers.redis import spawn_node
from holdfast_contract_tests.servers.server import Server

__all__ = ["REDIS_CLUSTER"]

NODES = 6


def _start(instance: Instance) -> str:
    client = find_program("redis-cli")
    ports = [_spawn(instance) for _ in range(NODES)]
    for port in ports:
        instance.wait(lambda port=port: redis_answers(port))  # type: ignore[misc]
    addresses = [f"127.0.0.1:{port}" for port in ports]
    instance.run(client, "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes")
    for port in ports:
        instance.wait(lambda port=port: _is_ready(port))  # type: ignore[misc]
    return f"redis://{addresses[0]}"


def _spawn(instance: Instance) -> int:
    bus = instance.free_port()  # by default 10,000 higher, which may be no port at all
    return spawn_node(
        instance, "--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "2000"
    )


def _is_ready(port: int) -> bool:
    """Whether this node sees all slots served, and knows all nodes."""
    return all(
        redis_answers(port, "CLUSTER INFO", fact) for fact in ("cluster_state:ok", f"cluster_known_nodes:{NODES}")
    )


REDIS_CLUSTER = Server(
    name="redis-cluster",
    variable="HOLDFAST_TEST_REDIS_CLUSTER_URL",
    install="apt-get install redis-server redis-tools",
    start=_start,
)
"""The URL names one of the nodes; they know each other."""
