"""FerretDB on SQLite. Updates are not atomic in it; see what its adapter may then promise."""

import os
from pathlib import Path

from holdfast_contract_tests.servers.answers import mongo_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.programs import Missing, find_program
from holdfast_contract_tests.servers.server import Server

__all__ = ["FERRETDB"]

PROGRAM = "HOLDFAST_TEST_FERRETDB"
SOURCE = Path(__file__).parent / "launchers/ferretdb"


def _start(instance: Instance) -> str:
    program = _program()
    port = instance.free_port()
    settings = {
        "LISTEN_ADDR": f"127.0.0.1:{port}",
        "HANDLER": "sqlite",
        "SQLITE_URL": f"file:{instance.subfolder('data')}/",
        "STATE_DIR": str(instance.subfolder("state")),
        "DEBUG_ADDR": "-",
        "TELEMETRY": "disable",
    }
    environment = {f"FERRETDB_{name}": value for name, value in settings.items()}
    instance.spawn(program, environment=environment)
    instance.wait(lambda: mongo_answers(port))
    return f"mongodb://127.0.0.1:{port}/"


def _program() -> Path:
    given = os.environ.get(PROGRAM)
    if not given:
        return find_program("ferretdb")
    if not Path(given).is_file():
        raise Missing(f"{PROGRAM} names no file")
    return Path(given).resolve()


FERRETDB = Server(
    name="ferretdb",
    variable="HOLDFAST_TEST_FERRETDB_URL",
    install=f"cp -r {SOURCE} DIR && cd DIR && go mod tidy && go build -o ferretdb, and set {PROGRAM} to it",
    start=_start,
)
