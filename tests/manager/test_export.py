"""What an export says, also while others write."""

import json

import pytest
from tests.manager.exports import NOON, SECRET, exported, fill, message, said

from holdfast import CorruptRecord, CursorLost, InvalidIdentifier, Limits, NotFound, Session
from holdfast.manager.upkeep.exporting import export_user
from holdfast.manager.upkeep.importing import Imported, import_user
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter

# --- what an export says -------------------------------------------------------------------------


async def test_an_export_is_json_lines_in_ascii_with_header_and_footer(adapter):
    await fill(adapter)
    lines = await exported(adapter)
    assert all(line.isascii() and "\n" not in line for line in lines)
    trees = [json.loads(line) for line in lines]
    assert list(trees[0].items())[:4] == [
        ("holdfast", "export"),
        ("format", 1),
        ("user_id", "u"),
        ("at", "2026-01-01T12:00:00+00:00"),
    ]
    assert trees[-1]["end"] == {"sessions": 4, "messages": 10}
    assert [tree["session"]["id"] for tree in trees if "session" in tree] == [
        "empty",
        "rich",
        "a child",
        "of nobody",
    ]
    assert [tree["message"]["id"] for tree in trees if "message" in tree][:5] == ["m1", "m2", "m3", "m4", "m6"]
    assert SECRET not in "".join(lines).replace(SECRET, "", 2)  # once in a message, once in the state
    assert "theirs" not in "".join(lines)


async def test_a_user_without_sessions_has_a_header_and_a_footer(adapter, target):
    lines = await exported(adapter, "nobody knows")
    assert len(lines) == 2
    assert await import_user(target, lines) == Imported(sessions=0, messages=0, present=0)


@pytest.mark.parametrize("user_id", [None, "", 7, "a\nb"])
async def test_what_is_no_user_is_refused_by_the_call(adapter, user_id):
    with pytest.raises(InvalidIdentifier):
        export_user(adapter, user_id, clock=lambda: NOON)


async def test_pages_do_not_show_in_an_export(source, clock):
    await fill(source)
    lines = await exported(source)
    for page in (1, 2):
        async with MemoryAdapter(clock=clock, limits=Limits(page=page, page_default=page)) as small:
            await import_user(small, lines)
            assert said(await exported(small)) == said(lines)


async def test_a_backend_without_parents_is_exported_too(source):
    await source.sessions.save(Session(id="s", user_id="u"))
    facts = source._runtime.facts
    source._runtime.facts = facts._replace(capabilities=facts.capabilities - {"parents"})
    assert len(await exported(source)) == 3


async def test_parents_come_before_their_children_even_if_their_times_say_otherwise(source, clock, target):
    for name in ("2", "1", "0"):
        parent = str(int(name) + 1) if name != "2" else None
        await source.sessions.save(Session(id=name, user_id="u", parent_id=parent))
        clock.pass_(seconds=-1)
    lines = await exported(source)
    assert [tree["session"]["id"] for tree in said(lines) if "session" in tree] == ["2", "1", "0"]
    await import_user(target, lines)
    assert said(await exported(target)) == said(lines)


async def test_what_hangs_below_a_session_of_nobody_below_his_comes_once(source, target):
    for name, user, parent in (("a", "u", None), ("b", None, "a"), ("c", None, "b"), ("d", "u", "c")):
        await source.sessions.save(Session(id=name, user_id=user, parent_id=parent))
    lines = await exported(source)
    assert [tree["session"]["id"] for tree in said(lines) if "session" in tree] == ["a", "b", "c", "d"]
    assert (await import_user(target, lines)).sessions == 4


async def test_a_session_of_the_user_below_anothers_is_his_and_nothing_else_there_is(source, target):
    await source.sessions.save(Session(id="theirs", user_id="v"))
    await source.sessions.save(Session(id="his", user_id="u", parent_id="theirs"))
    await source.sessions.save(Session(id="of nobody", parent_id="theirs"))
    await source.sessions.save(Session(id="below his", user_id="v", parent_id="his"))
    await source.sessions.save(Session(id="deeper", parent_id="below his"))
    lines = await exported(source)
    assert [tree["session"]["id"] for tree in said(lines) if "session" in tree] == ["his"]
    with pytest.raises(NotFound, match="theirs"):
        await import_user(target, lines)
    await target.sessions.save(Session(id="theirs", user_id="w"))
    assert (await import_user(target, lines)).sessions == 1


async def test_a_record_that_cannot_be_read_is_never_left_out(tmp_path):
    async with SQLiteAdapter(tmp_path / "chat.db") as adapter:
        await fill(adapter)
        async with adapter._runtime.store._connections.reading():
            writer = adapter._runtime.store._connections._writer
            await writer.execute("UPDATE holdfast_message SET body = '{' WHERE id = 'm4'")
            await writer.commit()
        with pytest.raises(CorruptRecord) as caught:
            await exported(adapter)
        assert (caught.value.session_id, caught.value.seq) == ("rich", 4)


# --- an export while others write ----------------------------------------------------------------


@pytest.fixture
def behind(pages, monkeypatch):
    """Has something done once, behind the n-th call of a method."""

    def have(call, number, done):
        repository, name = call.split(".")
        method, calls = getattr(getattr(pages, repository), name), []

        async def calling(*arguments, **options):
            answer = await method(*arguments, **options)
            calls.append(name)
            if len(calls) == number:
                await done(pages)
            return answer

        monkeypatch.setattr(getattr(pages, repository), name, calling)

    return have


@pytest.fixture
async def pages(clock):
    """A source whose pages are small, with a session of five messages between two others."""
    async with MemoryAdapter(clock=clock, limits=Limits(page=2, page_default=2)) as adapter:
        for name in "asz":
            await adapter.sessions.save(Session(id=name, user_id="u", data={"life": 1}))
            await adapter.messages.append(name, [message(f"{name}{number}") for number in range(5)])
        yield adapter


async def another_life(adapter):
    await adapter.sessions.delete("s")
    await adapter.sessions.save(Session(id="s", user_id="u", data={"life": 2}))
    await adapter.messages.append("s", [message(f"new{number}") for number in range(5)])


async def no_life(adapter):
    await adapter.sessions.delete("s")


# Reading "a" takes two looks at the session, and four pages of sessions and messages stand around it.
@pytest.mark.parametrize("change", [no_life, another_life])
@pytest.mark.parametrize(
    "call",
    [
        ("sessions.find", 1),
        *(("sessions.get", number) for number in range(1, 5)),
        *(("messages.find", number) for number in range(1, 7)),
    ],
)
async def test_a_session_that_ends_meanwhile_is_left_out_or_ends_early(pages, target, behind, change, call):
    behind(*call, change)
    lines = await exported(pages)
    trees = said(lines)
    assert trees[-1]["end"] == {
        "sessions": sum("session" in tree for tree in trees),
        "messages": sum("message" in tree for tree in trees),
    }
    lives = [tree["state"]["data"]["life"] for tree in trees if tree.get("session", {}).get("id") == "s"]
    of_first = [tree["message"]["id"] for tree in trees if tree.get("message", {}).get("id", "").startswith("s")]
    of_next = [tree["message"]["id"] for tree in trees if tree.get("message", {}).get("id", "").startswith("n")]
    assert of_first == [f"s{number}" for number in range(len(of_first))]
    assert bool(of_first) <= (1 in lives)
    assert len(of_next) == 5 * (2 in lives)
    assert len(lives) == len(set(lives))
    await import_user(target, lines)
    assert [tree["session"]["id"] for tree in trees if "session" in tree and tree["session"]["id"] != "s"] == [
        "a",
        "z",
    ]


async def test_an_export_shows_a_session_at_one_moment(pages, behind):
    async def say_more(adapter):
        await adapter.messages.append("s", [message("later")])

    behind("sessions.get", 3, say_more)
    assert "later" not in "".join(await exported(pages))
    assert "later" in "".join(await exported(pages))


async def test_a_backend_that_was_restored_meanwhile_is_not_taken_for_an_end(pages, monkeypatch):
    find = pages.messages.find

    async def lost(session_id, **options):
        if session_id == "s" and options.get("cursor"):
            raise CursorLost
        return await find(session_id, **options)

    monkeypatch.setattr(pages.messages, "find", lost)
    with pytest.raises(CursorLost):
        await exported(pages)
