"""mongo-java-server, which stands for MongoDB where no real one can be had."""

import os
from pathlib import Path

from holdfast_contract_tests.servers.answers import mongo_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.java import find_java
from holdfast_contract_tests.servers.programs import Missing
from holdfast_contract_tests.servers.server import Container, Server

__all__ = ["MONGO"]

JARS = "HOLDFAST_TEST_MONGO_JARS"
LAUNCHER = Path(__file__).parent / "launchers/mongo/MongoTestServer.java"
URL = "mongodb://127.0.0.1:{port}/"


def _start(instance: Instance) -> str:
    folder = os.environ.get(JARS)
    if not folder or not list(Path(folder).glob("mongo-java-server-*.jar")):
        raise Missing(f"{JARS} names no folder with the jars of mongo-java-server")
    java = find_java(17) / "bin/java"
    port = instance.free_port()
    data = instance.folder / "data.mv"
    instance.spawn(java, "-cp", f"{Path(folder).resolve()}/*", LAUNCHER, str(port), data)
    instance.wait(lambda: mongo_answers(port))
    return URL.format(port=port)


MONGO = Server(
    name="mongo",
    variable="HOLDFAST_TEST_MONGO_URL",
    install=f"mvn -f {LAUNCHER.parent / 'pom.xml'} dependency:copy-dependencies -DoutputDirectory=DIR,"
    f" and set {JARS} to DIR, which is absolute",
    start=_start,
    container=Container(image="mongo:8", port=27017, url=URL, answers=mongo_answers),
)
