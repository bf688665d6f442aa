"""Several processes on one file."""

import asyncio

from holdfast import Session
from holdfast_sqlite import SQLiteAdapter


async def test_64_tasks_in_4_processes_append_to_one_session(path, start, ended_well):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="hot"))
        writers = [start("append.py", path, writer, 16, 10) for writer in range(4)]
        acked = [
            line.split()
            for writer in writers
            for line in (await asyncio.to_thread(ended_well, writer)).splitlines()
        ]
        page = await adapter.messages.find("hot", limit=1000)
    stored = [(message.id, str(message.seq)) for message in page]

    assert len(acked) == 640
    assert sorted(map(tuple, acked)) == sorted(stored)  # nothing lost, nothing twice, each where it was said to be
    assert [message.seq for message in page] == list(range(1, 641))
    for writer in range(4):
        for task in range(16):
            mine = [message.id for message in page if message.id.startswith(f"{writer}/{task}/")]
            assert mine == [f"{writer}/{task}/{index}" for index in range(10)]


def test_eight_processes_create_the_schema_at_once(path, tmp_path, start, ended_well):
    for attempt in range(5):
        file, shot = path.with_name(f"{attempt}.db"), tmp_path / f"shot{attempt}"
        processes = [start("initialize.py", file, shot) for _ in range(8)]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        shot.touch()
        for process in processes:
            ended_well(process)


async def test_a_reader_sees_one_snapshot_while_another_process_writes(path, start, ended_well):
    async with SQLiteAdapter(path) as adapter:
        await adapter.sessions.save(Session(id="hot"))
        writer = start("append.py", path, "w", 4, 50)
        while writer.poll() is None:
            page = await adapter.messages.find("hot", limit=1000)
            assert [message.seq for message in page] == list(range(1, len(page) + 1))
        ended_well(writer)
        assert len(await adapter.messages.find("hot", limit=1000)) == 200


def test_a_program_that_forgets_to_close_still_ends(path, start):
    process = start("forget.py", path)
    out, _ = process.communicate(timeout=20)
    assert out == "end of main\n"
