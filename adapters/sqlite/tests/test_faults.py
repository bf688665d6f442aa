"""Faults of a file: each gets its clear error, and nothing acknowledged is lost."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from holdfast import (
    BackendTimeout,
    ConfigurationError,
    CorruptRecord,
    HoldfastError,
    Message,
    Session,
    StorageFull,
)
from holdfast_sqlite import SQLiteAdapter

KILOBYTE = "x" * 1024


def damage(path, statement: str) -> None:
    """Change the file without the adapter."""
    with closing(sqlite3.connect(path)) as probe, probe:
        probe.execute(statement)


async def _fill(adapter: SQLiteAdapter) -> list[str]:
    """Append until it is full; the ids that were acknowledged."""
    acked: list[str] = []
    with pytest.raises(StorageFull) as caught:
        for number in range(10_000):
            [stored] = await adapter.messages.append("s", [Message(id=str(number), role="user", content=KILOBYTE)])
            acked.append(stored.id)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    return acked


async def _check_full(adapter: SQLiteAdapter, acked: list[str]) -> None:
    page = await adapter.messages.find("s", limit=1000)
    assert [message.id for message in page] == acked
    assert [message.seq for message in page] == list(range(1, len(acked) + 1))


async def test_a_database_at_its_limit_is_storage_full_and_goes_on_when_there_is_room(path):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        connections = adapter._runtime.store._connections
        await connections.look(lambda tx: tx.run("PRAGMA max_page_count = 150"))
        acked = await _fill(adapter)
        await _check_full(adapter, acked)
        await connections.look(lambda tx: tx.run("PRAGMA max_page_count = 1000000"))
        await adapter.messages.append("s", [Message(id=str(len(acked)), role="user", content=KILOBYTE)])
        await _check_full(adapter, [*acked, str(len(acked))])


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root: run the tests as root")
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_is_storage_full_and_loses_nothing(small_disk):
    path = small_disk / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        acked = await _fill(adapter)
        await _check_full(adapter, acked)
    async with SQLiteAdapter(path) as adapter:
        await _check_full(adapter, acked)


async def test_a_file_that_is_no_database_is_left_as_it_is(path):
    text = b"Dear diary, this is no database. " * 100
    path.write_bytes(text)
    with pytest.raises(ConfigurationError, match="no SQLite database"):
        await SQLiteAdapter(path).initialize()
    assert path.read_bytes() == text


async def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="nowhere"):
        await SQLiteAdapter(tmp_path / "nowhere" / "chat.db").initialize()


async def test_a_folder_in_place_of_the_file(tmp_path):
    with pytest.raises(ConfigurationError, match="is a folder"):
        await SQLiteAdapter(tmp_path).initialize()


READ_ONLY = """
import asyncio, os, sys
from holdfast import ConfigurationError, Session
from holdfast_sqlite import SQLiteAdapter
if os.getuid() == 0:
    os.setuid(65534)  # root may write everything

async def main():
    try:
        async with SQLiteAdapter(sys.argv[1]) as adapter:
            await adapter.sessions.save(Session(id="new"))
    except ConfigurationError as error:
        print(error)

asyncio.run(main())
"""


async def test_a_read_only_file(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    path = folder / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
    before = path.read_bytes()
    path.chmod(0o444)
    for part in (folder, *folder.parents):
        if part.stat().st_uid == os.getuid() and part != part.parent and len(part.parts) > 2:
            part.chmod(0o555 if part == folder else 0o755)
    try:
        done = subprocess.run([sys.executable, "-c", READ_ONLY, path], capture_output=True, text=True, check=True)
    finally:
        folder.chmod(0o755)
    assert "cannot be written by this process" in done.stdout or "cannot be opened" in done.stdout, done.stdout
    assert path.read_bytes() == before


async def test_a_file_locked_for_longer_than_the_deadline_was_not_written(path):
    async with SQLiteAdapter(path, timeout=0.5) as adapter:
        await adapter.sessions.save(Session(id="s"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for _ in range(
            3
        ):  # a deadline may pass in the very moment of a try; that happens once in some hundred times
            appends = [adapter.messages.append("s", [Message(role="user", content="lost?")]) for _ in range(20)]
            errors = await asyncio.gather(*appends, return_exceptions=True)
            if {type(error) for error in errors} == {BackendTimeout}:
                break
        else:
            pytest.fail(f"They do not know that they are not stored: {errors}")
        assert "locked" in str(errors[0])
        assert len(await adapter.messages.find("s")) == 0  # readers go on meanwhile
        other.execute("ROLLBACK")
        other.close()
        await asyncio.sleep(0.6)
        assert len(await adapter.messages.find("s")) == 0  # and it is not written later
        await adapter.messages.append("s", [Message(role="user", content="now")])


async def test_writers_go_on_as_soon_as_a_locked_file_is_free_again(path):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        appends = [adapter.messages.append("s", [Message(role="user", content=str(n))]) for n in range(20)]
        tasks = [asyncio.create_task(append) for append in appends]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in tasks)
        other.execute("ROLLBACK")
        other.close()
        await asyncio.gather(*tasks)
        assert [message.content for message in await adapter.messages.find("s")] == [str(n) for n in range(20)]


async def test_opening_a_file_locked_exclusively_times_out(path):
    async with SQLiteAdapter(path):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(BackendTimeout):
        await SQLiteAdapter(path, timeout=0.5).initialize()
    other.close()


@pytest.mark.parametrize("kept", [0.5, 0.9])
async def test_a_file_that_was_cut_off_is_corrupt(path, kept):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        for number in range(100):
            await adapter.messages.append("s", [Message(role="user", content=KILOBYTE, id=str(number))])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(CorruptRecord, match="damaged"):
        async with SQLiteAdapter(path) as adapter:
            await adapter.messages.find("s", limit=1000)


async def test_a_damaged_page_is_corrupt_never_absence(path):
    async with SQLiteAdapter(path) as adapter:
        for name in ("a", "b"):
            await adapter.sessions.save(Session(id=name))
            for number in range(200):
                await adapter.messages.append(name, [Message(role="user", content=KILOBYTE, id=f"{number}")])
    damaged = bytearray(path.read_bytes())
    for page in range(20, len(damaged) // 4096 - 20, 3):
        damaged[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(damaged)
    with pytest.raises(CorruptRecord):
        async with SQLiteAdapter(path) as adapter:
            await adapter.messages.find("a", limit=1000)
            await adapter.messages.find("b", limit=1000)


async def test_a_row_that_does_not_decode_is_named(path):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        await adapter.messages.append("s", [Message(role="user", content=f"{n}") for n in range(3)])
        damage(path, "UPDATE holdfast_message SET body = '{\"content\": ' WHERE seq = 2")
        with pytest.raises(CorruptRecord) as caught:
            await adapter.messages.find("s")
        assert (caught.value.session_id, caught.value.seq) == ("s", 2)
        page = await adapter.messages.find("s", on_corrupt="report")
        assert [message.seq for message in page] == [1, 3]
        assert [error.seq for error in page.corrupt] == [2]


async def test_a_state_that_does_not_decode_is_named(path):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="s"))
        damage(path, "UPDATE holdfast_state SET body = '[]'")
        with pytest.raises(CorruptRecord, match="'s'"):
            await adapter.sessions.get("s")


async def test_no_driver_error_leaks_and_each_is_the_cause(path):
    async with SQLiteAdapter(path, timeout=5) as adapter:
        await adapter.sessions.save(Session(id="s"))
        damage(path, "DROP TABLE holdfast_message")
        calls = [
            adapter.messages.find("s"),
            adapter.messages.get("s", "m"),
            adapter.messages.append("s", [Message(role="user", content="x")]),
            adapter.messages.remove("s", after=0, through=1),
            adapter.messages.replace("s", Message(role="user", content="x")),
        ]
        for call in calls:
            with pytest.raises(HoldfastError) as caught:
                await call
            assert isinstance(caught.value.__cause__, sqlite3.Error), call
