"""PostgreSQL, with the durability that it has by default."""

from signal import SIGINT

from holdfast_contract_tests.servers.answers import postgres_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.programs import find_program
from holdfast_contract_tests.servers.server import Container, Server

__all__ = ["POSTGRES", "start_postgres"]

URL = "postgresql://postgres@127.0.0.1:{port}/postgres"


def start_postgres(instance: Instance) -> str:
    """Start one and wait until it answers; it returns its URL."""
    data = instance.folder / "data"
    instance.run(
        *(find_program("initdb"), "-D", data, "-U", "postgres", "--auth=trust"),
        *("--encoding=UTF8", "--locale=C", "--no-sync"),
    )
    port = instance.free_port()
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
    options = [f"--{name}={value}" for name, value in settings.items()]
    # On SIGTERM it would wait for its clients to leave.
    instance.spawn(find_program("postgres"), "-D", data, "-p", str(port), *options, ends_on=SIGINT)
    instance.wait(lambda: postgres_answers(port))
    return URL.format(port=port)


POSTGRES = Server(
    name="postgres",
    variable="HOLDFAST_TEST_POSTGRES_URL",
    install="apt-get install postgresql",
    start=start_postgres,
    refuses_root=True,
    container=Container(
        image="postgres:17",
        port=5432,
        url=URL,
        answers=postgres_answers,
        environment=(("POSTGRES_HOST_AUTH_METHOD", "trust"),),
        arguments=("-c", "max_connections=200"),
    ),
)
