"""OpenSearch, one node over plain http, from its folder or from the zip in the local Maven repository."""

import os
import shutil
from pathlib import Path
from zipfile import ZipFile

from holdfast_contract_tests.servers.answers import http_answers
from holdfast_contract_tests.servers.instance import Instance
from holdfast_contract_tests.servers.java import find_java
from holdfast_contract_tests.servers.programs import Missing, find_program
from holdfast_contract_tests.servers.server import Container, Server

__all__ = ["OPENSEARCH"]

ARTIFACT = "org.opensearch.distribution.integ-test-zip:opensearch:3.6.0:zip"
ZIPS = ".m2/repository/org/opensearch/distribution/integ-test-zip/opensearch/*/*.zip"
URL = "http://127.0.0.1:{port}"
READY = "/_cluster/health?wait_for_status=yellow&timeout=1s"
CONFIGURATION = """\
discovery.type: single-node
network.host: 127.0.0.1
http.port: {port}
transport.port: {transport}
path.data: {data}
path.logs: {logs}
"""


def _start(instance: Instance) -> str:
    java = find_java(21, "OPENSEARCH_JAVA_HOME")
    home = _home(instance)
    port = instance.free_port()
    folder = instance.subfolder("config")
    _configure(instance, home / "config", folder, port)
    instance.spawn(
        *(find_program("bash"), home / "bin/opensearch"),
        environment={
            "OPENSEARCH_JAVA_HOME": str(java),
            "OPENSEARCH_JAVA_OPTS": "-Xms1g -Xmx1g",
            "OPENSEARCH_PATH_CONF": str(folder),
        },
    )
    instance.wait(lambda: http_answers(port, READY), seconds=180)
    return URL.format(port=port)


def _home(instance: Instance) -> Path:
    if given := os.environ.get("OPENSEARCH_HOME"):
        return Path(given)
    zips = sorted(Path.home().glob(ZIPS))
    if not zips:
        raise Missing("OPENSEARCH_HOME is not set, and the local Maven repository has no OpenSearch")
    with ZipFile(zips[-1]) as file:
        file.extractall(instance.folder)
    return next(instance.folder.glob("opensearch-*"))


def _configure(instance: Instance, source: Path, folder: Path, port: int) -> None:
    shutil.copytree(source, folder, dirs_exist_ok=True)
    options = (source / "jvm.options").read_text().splitlines()
    # Not every Java has the vector module, and the logs would go where OpenSearch is installed.
    kept = [line for line in options if "jdk.incubator.vector" not in line and "logs/" not in line]
    (folder / "jvm.options").write_text("\n".join(kept) + "\n")
    places = {"data": instance.subfolder("data"), "logs": instance.subfolder("logs")}
    text = CONFIGURATION.format(port=port, transport=instance.free_port(), **places)
    (folder / "opensearch.yml").write_text(text)


OPENSEARCH = Server(
    name="opensearch",
    variable="HOLDFAST_TEST_OPENSEARCH_URL",
    install=f"mvn dependency:get -Dartifact={ARTIFACT} -Dtransitive=false, and Java 21",
    start=_start,
    refuses_root=True,
    container=Container(
        image="opensearchproject/opensearch:3.6.0",
        port=9200,
        url=URL,
        answers=lambda port: http_answers(port, READY),
        environment=(
            ("discovery.type", "single-node"),
            ("DISABLE_SECURITY_PLUGIN", "true"),
            ("DISABLE_INSTALL_DEMO_CONFIG", "true"),
            ("OPENSEARCH_JAVA_OPTS", "-Xms1g -Xmx1g"),
        ),
    ),
)
