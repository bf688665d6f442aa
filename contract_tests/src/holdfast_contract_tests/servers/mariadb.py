"""MariaDB. Root has no password and there is a database ``test``, as its installer leaves it."""

from holdfast_contract_tests.servers.answers import mysql_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.programs import find_program
from holdfast_contract_tests.servers.server import Container, Server

__all__ = ["MARIADB"]

URL = "mysql://root@127.0.0.1:{port}/test"


def _start(instance: Instance) -> str:
    program = find_program("mariadbd")
    data = f"--datadir={instance.subfolder('data')}"
    options = ("--auth-root-authentication-method=normal", "--skip-name-resolve")
    instance.run(find_program("mariadb-install-db"), "--no-defaults", data, *options)
    port = instance.free_port()
    instance.spawn(
        *(program, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"),
        *(f"--socket={instance.folder / 'socket'}", f"--pid-file={instance.folder / 'pid'}"),
    )
    instance.wait(lambda: mysql_answers(port))
    return URL.format(port=port)


MARIADB = Server(
    name="mariadb",
    variable="HOLDFAST_TEST_MARIADB_URL",
    install="apt-get install mariadb-server",
    start=_start,
    refuses_root=True,
    container=Container(
        image="mariadb:11",
        port=3306,
        url=URL,
        answers=mysql_answers,
        environment=(("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", "1"), ("MARIADB_DATABASE", "test")),
    ),
)
