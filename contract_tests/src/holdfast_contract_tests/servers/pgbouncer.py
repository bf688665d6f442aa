"""PgBouncer, which pools by transaction, in front of a PostgreSQL."""

import os
from urllib.parse import unquote, urlsplit

from holdfast_contract_tests.servers.answers import postgres_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.postgres import POSTGRES, start_postgres
from holdfast_contract_tests.servers.programs import find_program
from holdfast_contract_tests.servers.server import Server

__all__ = ["PGBOUNCER"]

CONFIGURATION = """\
[databases]
* = {upstream}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 1000
ignore_startup_parameters = extra_float_digits
"""


def _start(instance: Instance) -> str:
    program = find_program("pgbouncer")
    url = os.environ.get(POSTGRES.variable) or start_postgres(instance)
    port = instance.free_port()
    file = instance.folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(upstream=_upstream(url), port=port))
    instance.spawn(program, file)
    instance.wait(lambda: postgres_answers(port))
    return f"postgresql://postgres@127.0.0.1:{port}{urlsplit(url).path}"


def _upstream(url: str) -> str:
    parts = urlsplit(url)
    values = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    said = {name: unquote(str(value)).replace("'", "''") for name, value in values.items() if value}
    return " ".join(f"{name}='{value}'" for name, value in said.items())


PGBOUNCER = Server(
    name="pgbouncer",
    variable="HOLDFAST_TEST_PGBOUNCER_URL",
    install="apt-get install pgbouncer postgresql",
    start=_start,
    refuses_root=True,
)
