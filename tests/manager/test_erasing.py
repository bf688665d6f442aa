"""Erasing a user: nothing of him is left that was there when the last pass began."""

import asyncio
import json
import runpy
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast import InvalidArgument, Limits, Message, Session, SessionFenced, SessionQuery, Turn
from holdfast.clock import to_micros, utc_now
from holdfast.ids import new_id
from holdfast.manager.upkeep.erasing import Erased, erase_user
from holdfast.toolkit import Ref, Write
from holdfast_sqlite import SQLiteAdapter

CHAT = Path(__file__).parent / "programs" / "chat.py"
CANARY = "canary-7d21e8"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def begin(adapter, name, user="u", messages=1, **fields):
    said = [Message(role="user", content="hello") for _ in range(messages)]
    turn = Turn(session_id=name, session=Session(id=name, user_id=user, **fields), messages=said)
    return (await adapter.commit(turn)).session


async def ids(adapter, **query):
    page = await adapter.sessions.find(SessionQuery(nested=True, include_expired=True, **query))
    return {info.id for info in page}


async def fence(adapter, name, sign="f"):
    write = Write(ref=Ref("", name), turn_id=new_id(), digest=b"", now=to_micros(NOON), fence=sign)
    await adapter._runtime.store.flush([write])


# --- what goes, and what stays -------------------------------------------------------------------


async def test_all_sessions_of_the_user_go_and_no_others(adapter, clock):
    await begin(adapter, "a", messages=2)
    await begin(adapter, "b", status="completed")
    await begin(adapter, "other", user="U")
    await begin(adapter, "nobody", user=None)
    erased = await erase_user(adapter, "u", clock=clock)
    assert erased == Erased(user_id="u", sessions=2, messages=3, passes=2, finished=True, last_pass_at=clock.now)
    assert await ids(adapter) == {"other", "nobody"}


async def test_it_walks_page_by_page(backend, tmp_path, clock, make_adapter):
    async with make_adapter(backend, tmp_path, clock=clock, limits=Limits(page=3, page_default=3)) as adapter:
        for number in range(10):
            await begin(adapter, f"s{number}")
        erased = await erase_user(adapter, "u", clock=clock)
        assert (erased.sessions, erased.messages, erased.finished) == (10, 10, True)
        assert await ids(adapter) == set()


async def test_a_user_without_sessions_is_erased_in_one_pass(adapter, clock):
    erased = await erase_user(adapter, "u", clock=clock)
    assert (erased.sessions, erased.messages, erased.passes, erased.finished) == (0, 0, 1, True)


async def test_children_die_with_their_parents_whoever_their_user_is_and_are_counted(adapter, clock):
    await begin(adapter, "theirs", user="v")
    await begin(adapter, "mine below theirs", parent_id="theirs", messages=4)
    await begin(adapter, "top", messages=1)
    await begin(adapter, "a child", parent_id="top", messages=2)
    await begin(adapter, "of nobody", user=None, parent_id="top", messages=3)
    await begin(adapter, "of v, deeper", user="v", parent_id="of nobody", messages=5)
    erased = await erase_user(adapter, "u", clock=clock)
    assert (erased.sessions, erased.messages) == (5, 15)
    assert await ids(adapter) == {"theirs"}


async def test_expired_sessions_that_were_not_swept_are_erased_and_counted(adapter, clock):
    await begin(adapter, "s", messages=2, expires_at=clock.now + timedelta(hours=1))
    clock.pass_(hours=2)
    erased = await erase_user(adapter, "u", clock=clock)
    assert (erased.sessions, erased.messages, erased.finished) == (1, 2, True)
    assert await ids(adapter) == set()


async def test_a_tenants_view_erases_there_alone(adapter, clock):
    await begin(adapter, "s")
    await begin(adapter.for_tenant("t"), "s")
    erased = await erase_user(adapter.for_tenant("t"), "u", clock=clock)
    assert erased.sessions == 1
    assert await ids(adapter) == {"s"}
    assert await ids(adapter.for_tenant("t")) == set()


@pytest.mark.parametrize("user_id", [None, "", " ", 7, "a\nb"])
async def test_what_is_no_user_erases_nobody(adapter, clock, user_id):
    await begin(adapter, "s")
    await begin(adapter, "of nobody", user=None)
    with pytest.raises(InvalidArgument):
        await erase_user(adapter, user_id, clock=clock)
    assert await ids(adapter) == {"s", "of nobody"}


@pytest.mark.parametrize("passes", [0, -1, True, 1.0, None])
async def test_passes_are_a_positive_integer(adapter, clock, passes):
    await begin(adapter, "s")
    with pytest.raises(InvalidArgument):
        await erase_user(adapter, "u", clock=clock, passes=passes)
    assert await ids(adapter) == {"s"}


async def test_running_it_again_finds_nothing(adapter, clock):
    await begin(adapter, "s")
    await erase_user(adapter, "u", clock=clock)
    again = await erase_user(adapter, "u", clock=clock)
    assert (again.sessions, again.messages, again.passes, again.finished) == (0, 0, 1, True)


# --- fences, and others who write meanwhile ------------------------------------------------------


async def test_a_fenced_session_does_not_stop_the_others_and_the_error_names_it(adapter, clock):
    for name in ("a", "fenced", "z"):
        await begin(adapter, name)
    await fence(adapter, "fenced")
    with pytest.raises(SessionFenced, match="'fenced'"):
        await erase_user(adapter, "u", clock=clock)
    assert await ids(adapter) == {"fenced"}
    await fence(adapter, "fenced", "")
    assert (await erase_user(adapter, "u", clock=clock)).finished
    assert await ids(adapter) == set()


async def test_an_error_names_some_of_many_fenced_sessions_and_counts_all(adapter, clock):
    for number in range(25):
        await begin(adapter, f"s{number:02}")
        await fence(adapter, f"s{number:02}")
    with pytest.raises(SessionFenced) as caught:
        await erase_user(adapter, "u", clock=clock)
    assert "25 of" in str(caught.value)
    assert "'s00'" in str(caught.value)
    assert "'s24'" not in str(caught.value)


@pytest.fixture
def on_delete(adapter, monkeypatch):
    """Has something done behind each deletion of a session."""

    def have(done):
        delete = adapter.sessions.delete

        async def deleting(session_id, **guards):
            died = await delete(session_id, **guards)
            await done(session_id)
            return died

        monkeypatch.setattr(adapter.sessions, "delete", deleting)

    return have


async def test_another_users_session_under_the_id_of_one_that_just_died_is_left_alone(adapter, clock, monkeypatch):
    find = adapter.sessions.find
    listed = []

    async def and_then_it_changes_hands(query):
        page = await find(query)
        if not listed:
            listed.append(page)
            await adapter.sessions.delete("s")
            await begin(adapter, "s", user="v", messages=2)
        return page

    await begin(adapter, "s")
    monkeypatch.setattr(adapter.sessions, "find", and_then_it_changes_hands)
    erased = await erase_user(adapter, "u", clock=clock)
    assert (erased.sessions, erased.messages, erased.finished) == (0, 0, True)
    assert (await adapter.sessions.get("s")).user_id == "v"


async def test_what_is_created_behind_a_pass_is_found_by_the_next(adapter, clock, on_delete):
    async def once_more(name):
        if name in {"s", "s+"}:
            clock.pass_(seconds=-1)  # in front of where the walk is
            await begin(adapter, name + "+")
            clock.pass_(seconds=1)

    await begin(adapter, "s")
    on_delete(once_more)
    erased = await erase_user(adapter, "u", clock=clock)
    assert (erased.sessions, erased.finished) == (3, True)
    assert await ids(adapter) == set()


async def test_passes_end_where_somebody_is_faster_and_the_report_says_so(
    backend, tmp_path, clock, make_adapter, monkeypatch
):
    async with make_adapter(backend, tmp_path, clock=clock, limits=Limits(page=2, page_default=2)) as adapter:
        delete, latest = adapter.sessions.delete, clock.now + timedelta(minutes=10)

        async def deleting_while_two_are_created(session_id, **guards):
            assert clock.now < latest, "a pass does not end"
            died = await delete(session_id, **guards)
            for _ in range(2):
                clock.pass_(seconds=1)
                await begin(adapter, new_id())
            return died

        for number in range(5):
            await begin(adapter, f"s{number}")
        monkeypatch.setattr(adapter.sessions, "delete", deleting_while_two_are_created)
        began = []

        def telling():
            began.append(clock.now)
            return clock.now

        erased = await erase_user(adapter, "u", clock=telling, passes=3)
        assert (erased.passes, erased.finished, erased.last_pass_at) == (3, False, began[2])
        assert len(set(began)) == 3
        left = await adapter.sessions.find(SessionQuery(user_id="u", order="created"))
        assert left.items[0].created_at > erased.last_pass_at


# --- words in files ------------------------------------------------------------------------------


def files_holding(path, text):
    return [file.name for file in path.parent.iterdir() if text.encode() in file.read_bytes()]


async def say_canaries(adapter):
    for number in range(20):
        session = Session(
            id=f"s{number}", user_id="u", data={"a": CANARY * 300}, metadata={"b": CANARY}, current_step=CANARY
        )
        said = [Message(role="user", content=CANARY * size, metadata={"c": CANARY}) for size in (1, 10, 1000)]
        await adapter.commit(Turn(session_id=session.id, session=session, messages=said))


async def test_erased_words_are_in_no_file_once_the_adapter_is_closed(tmp_path):
    path = tmp_path / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        await say_canaries(adapter)
        assert files_holding(path, CANARY)
        await erase_user(adapter, "u", clock=utc_now)
    assert files_holding(path, CANARY) == []


async def test_erased_words_are_in_no_file_while_the_adapter_is_open(tmp_path):
    path = tmp_path / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        await say_canaries(adapter)
        await erase_user(adapter, "u", clock=utc_now)
        assert files_holding(path, CANARY) == []


async def test_what_a_broken_off_deletion_has_left_is_freed_too(tmp_path, monkeypatch):
    path = tmp_path / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        await begin(adapter, "s", messages=3)

        async def crash(*arguments, **options):
            raise asyncio.CancelledError

        with monkeypatch.context() as patch:
            patch.setattr(adapter._runtime.store, "free", crash)
            with pytest.raises(asyncio.CancelledError):
                await adapter.sessions.delete("s")
        assert rows(path, "SELECT count(*) FROM holdfast_message") == [(3,)]
        erased = await erase_user(adapter, "u", clock=utc_now)
        assert (erased.sessions, erased.finished) == (0, True)
    for table in ("head", "state", "message", "dead"):
        assert rows(path, f"SELECT count(*) FROM holdfast_{table}") == [(0,)]


# --- while others chat ---------------------------------------------------------------------------


def rows(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement, values).fetchall()


class Looking:
    """A clock that also looks into the file whenever it is asked: whose lives are there as a pass begins?"""

    def __init__(self, path):
        self.path = path
        self.seen = []

    def __call__(self):
        self.seen.append(lives(self.path, "u"))
        return utc_now()


def lives(path, user):
    return {key for [key] in rows(path, "SELECT key FROM holdfast_head WHERE user_id = ?", user)}


def check_nothing_is_left(path, looking, notes):
    """Of u nothing that was there when the last pass began; of v all that he has said."""
    assert any(looking.seen)
    assert lives(path, "u") & set.union(*looking.seen) == set()
    for table, column in (("state", "number"), ("message", "session")):
        orphans = f"SELECT * FROM holdfast_{table} WHERE {column} NOT IN (SELECT number FROM holdfast_head)"
        assert rows(path, orphans) == []
    assert rows(path, "SELECT * FROM holdfast_dead") == []
    said = Counter(note["said"] for note in notes if note["said"].startswith("v-"))
    messages = """SELECT h.id, count(*) FROM holdfast_head AS h
        JOIN holdfast_message AS m ON m.session = h.number WHERE h.user_id = 'v' GROUP BY h.id"""
    assert dict(rows(path, messages)) == said
    states = """SELECT count(*) FROM holdfast_head AS h
        JOIN holdfast_state AS s USING (number) WHERE h.user_id = 'v'"""
    assert rows(path, states) == [(len(said),)]


async def check_the_rest_goes_once_he_is_silent(path):
    async with SQLiteAdapter(path) as adapter:
        assert (await erase_user(adapter, "u", clock=utc_now)).finished
    assert lives(path, "u") == set()


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


async def test_four_tasks_chat_as_the_user_meanwhile(tmp_path):
    path = tmp_path / "chat.db"
    chat = runpy.run_path(str(CHAT))["chat"]
    notes, stopping = [], []
    async with AsyncExitStack() as stack:
        adapters = [await stack.enter_async_context(SQLiteAdapter(path)) for _ in range(5)]
        chats = [
            asyncio.create_task(chat(adapter, worker, lambda: stopping, notes.append))
            for worker, adapter in enumerate(adapters[:4])
        ]
        await until(lambda: len(notes) > 200)
        looking = Looking(path)
        erased = await erase_user(adapters[4], "u", clock=looking)
        noted = len(notes)
        await until(lambda: len(notes) > noted + 20)  # they have chatted on
        stopping.append(True)
        await asyncio.gather(*chats)
    assert erased.sessions
    check_nothing_is_left(path, looking, notes)
    await check_the_rest_goes_once_he_is_silent(path)
    check_nothing_is_left(path, looking, notes)


async def test_four_processes_chat_as_the_user_meanwhile(tmp_path):
    path, stop = tmp_path / "chat.db", tmp_path / "stop"
    files = [tmp_path / f"notes-{worker}" for worker in range(4)]

    def notes():
        lines = [line for file in files if file.exists() for line in file.read_text().splitlines(keepends=True)]
        return [json.loads(line) for line in lines if line.endswith("\n")]

    async with SQLiteAdapter(path) as adapter:
        processes = [
            subprocess.Popen([sys.executable, "-W", "error", CHAT, path, str(worker), file, stop])
            for worker, file in enumerate(files)
        ]
        try:
            await until(lambda: all(file.exists() and file.stat().st_size > 1500 for file in files))
            looking = Looking(path)
            erased = await erase_user(adapter, "u", clock=looking)
            noted = len(notes())
            await until(lambda: len(notes()) > noted + 20)  # they have chatted on
        finally:
            stop.touch()
            ends = [process.wait(30) for process in processes]
    assert ends == [0] * 4
    assert erased.sessions
    check_nothing_is_left(path, looking, notes())
    await check_the_rest_goes_once_he_is_silent(path)
    check_nothing_is_left(path, looking, notes())
