"""The servers that adapters need: found, or started, or reported as missing with what to install."""

from holdfast_contract_tests.servers.ferretdb import FERRETDB
from holdfast_contract_tests.servers.finding import Servers, find_server, stop_servers
from holdfast_contract_tests.servers.instance import Instance, ServerFailed
from holdfast_contract_tests.servers.mariadb import MARIADB
from holdfast_contract_tests.servers.mongo import MONGO
from holdfast_contract_tests.servers.opensearch import OPENSEARCH
from holdfast_contract_tests.servers.pgbouncer import PGBOUNCER
from holdfast_contract_tests.servers.postgres import POSTGRES
from holdfast_contract_tests.servers.programs import Missing, find_program
from holdfast_contract_tests.servers.redis import REDIS
from holdfast_contract_tests.servers.redis_cluster import REDIS_CLUSTER
from holdfast_contract_tests.servers.redis_sentinel import REDIS_SENTINEL
from holdfast_contract_tests.servers.server import Container, Server
from holdfast_contract_tests.verdict import NotRun

__all__ = [
    "FERRETDB",
    "MARIADB",
    "MONGO",
    "OPENSEARCH",
    "PGBOUNCER",
    "POSTGRES",
    "REDIS",
    "REDIS_CLUSTER",
    "REDIS_SENTINEL",
    "Container",
    "Instance",
    "Missing",
    "NotRun",
    "Server",
    "ServerFailed",
    "Servers",
    "find_program",
    "find_server",
    "stop_servers",
]
