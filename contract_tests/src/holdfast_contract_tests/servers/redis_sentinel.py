"""Redis under Sentinel: a master, a replica and three sentinels."""

from holdfast_contract_tests.servers.answers import redis_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.programs import find_program
from holdfast_contract_tests.servers.redis import spawn_node
from holdfast_contract_tests.servers.server import Server

__all__ = ["REDIS_SENTINEL"]

SENTINELS = 3
CONFIGURATION = """\
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor mymaster 127.0.0.1 {master} 2
sentinel down-after-milliseconds mymaster 2000
sentinel failover-timeout mymaster 5000
"""


def _start(instance: Instance) -> str:
    master = spawn_node(instance, "--repl-diskless-sync-delay", "0")
    replica = spawn_node(instance, "--replicaof", f"127.0.0.1 {master}")
    # Sentinels look for replicas at once, and then every ten seconds only.
    instance.wait(lambda: redis_answers(replica, "INFO replication", "master_link_status:up"))
    ports = [_spawn(instance, master) for _ in range(SENTINELS)]
    known = f"status=ok,address=127.0.0.1:{master},slaves=1,sentinels={SENTINELS}"
    for port in ports:
        instance.wait(lambda port=port: redis_answers(port, "INFO sentinel", known))  # type: ignore[misc]
    return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in ports)}/mymaster/0"


def _spawn(instance: Instance, master: int) -> int:
    port = instance.free_port()
    folder = instance.subfolder(f"sentinel-{port}")
    file = folder / "sentinel.conf"
    file.write_text(CONFIGURATION.format(port=port, folder=folder, master=master))
    instance.spawn(find_program("redis-server"), file, "--sentinel")
    return port


REDIS_SENTINEL = Server(
    name="redis-sentinel",
    variable="HOLDFAST_TEST_REDIS_SENTINEL_URL",
    install="apt-get install redis-server",
    start=_start,
)
"""The URL names all sentinels, the name by which they know the master, and the database."""
