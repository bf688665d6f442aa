"""The example of an adapter under the contract suite, as its author would run it."""

import json
from pathlib import Path

import custom_adapter
from custom_adapter import FileAdapter, Folder

from holdfast.toolkit import Ref
from holdfast_contract_tests import AdapterContract, Probe


class FileProbe(Probe):
    """Reads and damages the files without the adapter."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)

    async def set_message_body(self, session_id, message_id, body):
        head, length = self._folder.head(Ref("", session_id))
        log = self._folder.file(head.key.key, "log").read_text()
        [line] = [line for line in map(json.loads, log.splitlines()) if line[1] == message_id][-1:]
        length = self._folder.append(head.key.key, length, [[*line[:7], body, *line[8:]]])  # the later one counts
        self._folder.replace(self._folder.head_file(head.key.ref), [head, length])

    async def set_state_body(self, session_id, body):
        head, _ = self._folder.head(Ref("", session_id))
        self._folder.file(head.key.key, f"state.{head.version}").write_text(body)

    async def rows(self):
        logs = sum(len(log.read_text().splitlines()) for log in self._folder.path.glob("*.log"))
        return logs + sum(file.suffix != ".log" for file in self._folder.path.iterdir())

    async def destroy(self):
        for file in self._folder.path.iterdir():
            file.unlink()
        self._folder.path.rmdir()


class TestFiles(AdapterContract):
    """Plain files."""

    def make_adapter(self, env):
        return FileAdapter(env.path / "store", **env.options)

    def probe(self, adapter, env):
        return FileProbe(env.path / "store")


async def test_the_example_runs(tmp_path, capsys):
    await custom_adapter.main(tmp_path / "store")
    assert capsys.readouterr().out == "1 user Hello!\n"
