"""Exporting a user and importing him elsewhere: all that means something comes back, once, and over nothing."""

import asyncio
import json
import random
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast import (
    CorruptRecord,
    CursorLost,
    DuplicateIdConflict,
    InvalidArgument,
    InvalidIdentifier,
    Limits,
    Media,
    Message,
    NotFound,
    Other,
    OutcomeUnknown,
    PayloadTooLarge,
    Reasoning,
    RouteVisit,
    Session,
    SessionInfo,
    SessionQuery,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    VersionConflict,
)
from holdfast.errors import BackendUnavailable
from holdfast.manager.upkeep.chain import Chain
from holdfast.manager.upkeep.exporting import export_user
from holdfast.manager.upkeep.importing import Imported, import_user
from holdfast.manager.upkeep.incoming import incoming_sessions
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "the-secret-words"


@pytest.fixture(params=["memory", "sqlite"])
async def target(request, clock):
    """Where it is imported: another backend, empty."""
    other = MemoryAdapter(clock=clock) if request.param == "memory" else SQLiteAdapter(":memory:", clock=clock)
    async with other as opened:
        yield opened


@pytest.fixture
async def source(clock):
    async with MemoryAdapter(clock=clock) as opened:
        yield opened


async def exported(adapter, user_id="u"):
    return [line async for line in export_user(adapter, user_id, clock=lambda: NOON)]


def said(lines):
    """What lines say, but for what is the store's own: positions, and times of storing."""
    trees = [json.loads(line) for line in lines]
    for tree in trees:
        del tree["digest"]
        for name in ("created_at", "updated_at"):
            tree.get("session", {}).pop(name, None)
        tree.get("message", {}).pop("seq", None)
    return trees


def resealed(trees):
    """Lines that say this, closed as an export closes them."""
    chain = Chain()
    return [chain.close({key: value for key, value in tree.items() if key != "digest"}) for tree in trees]


def message(id, content="hello", role="user", **fields):
    return Message(id=id, role=role, content=content, created_at=NOON + timedelta(seconds=len(id)), **fields)


async def fill(adapter):
    """A user with all that there is: routes, parts, tags, segments, holes, a redaction, children."""
    state = Session(
        id="rich",
        user_id="u",
        agent="helper",
        status="completed",
        completed_at=NOON,
        data={
            "when": NOON,
            "sum": Decimal("1.50"),
            "pair": (1, {2}),
            "$": {"$date": "no date"},
            "z": 1,
            "a": -0.0,
        },
        data_by_route={"booking": {"day": date(2026, 1, 2)}},
        current_route="booking",
        current_step="day",
        route_history=[RouteVisit(route="booking", entered_at=NOON)],
        schema_version=3,
        metadata={"bytes": b"\x00\xff", "text": f"{SECRET} \u2028\x00\U0001f600", "big": 10**400},
    )
    parts = [Text(text="call"), ToolCall(id="c1", name="find", args={"z": 1, "a": [None]}), Reasoning(text="hm")]
    first = [message("m1", SECRET), message("m2", parts, role="assistant", metadata={"k": (1,)})]
    await adapter.commit(Turn(id="t1", session_id="rich", session=state, messages=first))
    result = [
        ToolResult(call_id="c1", content={"found": 2}, error=True),
        Media(mime="image/png", data=b"\x00\xff"),
    ]
    await adapter.commit(
        Turn(id="t1", segment=1, session_id="rich", messages=[message("m3", result, role="tool")])
    )
    unknown = message(
        "m4", [Other(type="hologram", depth=3)], raw={"own": [1]}, format="x/1", name="Ann", step="s"
    )
    await adapter.messages.append("rich", [unknown, message("m5"), message("m6")], turn_id="t2")
    await adapter.messages.remove("rich", after=4, through=5)
    await adapter.messages.replace("rich", message("m6", "[redacted]"))
    await adapter.messages.append("rich", [message("m7", user_id="somebody")], turn_id="t3")
    for name, user, parent in (("a child", "u", "rich"), ("of nobody", None, "a child"), ("empty", "u", None)):
        session = Session(id=name, user_id=user, parent_id=parent, data={"name": name})
        messages = [] if name == "empty" else [message(f"{name} 1"), message(f"{name} 2")]
        await adapter.commit(Turn(session_id=name, session=session, messages=messages))
    await adapter.commit(Turn(session_id="theirs", session=Session(id="theirs", user_id="v")))


async def everything(adapter):
    """All sessions with their messages, as product code reads them, but for what is the store's own."""
    own = {"key", "version", "last_seq", "created_at", "updated_at"}
    found = {}
    for info in await adapter.sessions.find(SessionQuery(nested=True, limit=1000)):
        session = await adapter.sessions.get(info.id)
        messages = await adapter.messages.find(info.id, limit=1000)
        found[info.id] = session.model_dump(exclude=own), [one.model_dump(exclude={"seq"}) for one in messages]
    return found


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


# --- round trips ---------------------------------------------------------------------------------


async def test_a_round_trip_from_memory_to_sqlite_and_back_loses_nothing(source, clock):
    await fill(source)
    await source.sessions.delete("theirs")
    lines = await exported(source)
    async with SQLiteAdapter(":memory:", clock=clock) as between, MemoryAdapter(clock=clock) as last:
        clock.pass_(days=1)
        imported = await import_user(between, lines)
        assert imported == Imported(sessions=4, messages=10, present=0)
        again = await exported(between)
        clock.pass_(days=1)
        await import_user(last, again)
        assert said(lines) == said(again) == said(await exported(last))
        assert await everything(source) == await everything(between) == await everything(last)


async def test_positions_are_dense_again_and_order_is_kept(source, target):
    await fill(source)
    await import_user(target, await exported(source))
    found = await target.messages.find("rich")
    assert [(one.seq, one.id) for one in found] == [
        (1, "m1"),
        (2, "m2"),
        (3, "m3"),
        (4, "m4"),
        (5, "m6"),
        (6, "m7"),
    ]
    assert [(one.turn_id, one.segment) for one in found][1:4] == [("t1", 0), ("t1", 1), ("t2", 0)]


async def test_an_import_can_be_repeated_and_finds_all_of_it_present(source, target):
    await fill(source)
    lines = await exported(source)
    await import_user(target, lines)
    before = await exported(target)
    assert await import_user(target, lines) == Imported(sessions=0, messages=0, present=4)
    assert await exported(target) == before
    assert await import_user(source, lines) == Imported(sessions=0, messages=0, present=4)  # where it came from


async def test_importing_under_another_name(source, target):
    await fill(source)
    lines = await exported(source)
    assert (await import_user(target, lines, user_id="w")).sessions == 4
    assert len(await exported(target, "u")) == 2
    renamed = await exported(target, "w")
    assert [tree["session"].get("user_id") for tree in said(renamed) if "session" in tree] == ["w", "w", "w", None]
    await import_user(source.for_tenant("t"), renamed, user_id="u")
    assert said(await exported(source.for_tenant("t"))) == said(lines)


@pytest.mark.parametrize("user_id", ["", 7, "a\nb"])
async def test_another_name_must_be_one(target, user_id):
    with pytest.raises(InvalidIdentifier):
        await import_user(target, [], user_id=user_id)


async def lazily(lines):
    for line in lines:
        await asyncio.sleep(0)
        yield line


async def test_lines_come_from_lists_files_and_async_sources(source, target, tmp_path):
    await fill(source)
    lines = await exported(source)
    file = tmp_path / "u.jsonl"
    file.write_text("\r\n".join(["", *lines, "", ""]))
    with file.open() as opened:
        assert (await import_user(target, opened)).sessions == 4
    for form in (lazily(lines), iter(lines), tuple(lines), export_user(source, "u", clock=lambda: NOON)):
        assert (await import_user(target, form)).present == 4


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("text", "splitlines"),
        (b"bytes", "splitlines"),
        ([b"bytes"], "is bytes, not str"),
        ([None], "Line 1 is None"),
    ],
)
async def test_what_are_no_lines_is_refused(target, lines, why):
    with pytest.raises(InvalidArgument, match=why):
        await import_user(target, lines)


@pytest.mark.parametrize("lines", [[], [""], ["\n", "  "]])
async def test_nothing_at_all_is_no_export(target, lines):
    with pytest.raises(InvalidArgument, match=f"Line {len(lines) + 1} is missing"):
        await import_user(target, lines)


async def test_two_sessions_may_use_one_message_id(source, target):
    for name in "ab":
        await source.sessions.save(Session(id=name, user_id="u"))
        await source.messages.append(name, [message("m", f"of {name}")])
    lines = await exported(source)
    assert (await import_user(target, lines)).messages == 2
    assert said(await exported(target)) == said(lines)


async def test_a_turn_that_is_sent_again_after_the_move_is_still_stored_once(source, target):
    await source.sessions.save(Session(id="s", user_id="u"))
    turn = Turn(id="t", session_id="s", messages=[message("m")])
    await source.commit(turn)
    await import_user(target, await exported(source))
    assert (await target.commit(turn)).replayed
    assert len(await target.messages.find("s")) == 1


# --- lines that are not right --------------------------------------------------------------------


async def test_a_truncated_export_is_refused_and_the_whole_one_still_goes_in(source, target):
    await fill(source)
    lines = await exported(source)
    for count in range(len(lines)):
        with pytest.raises(InvalidArgument, match=f"Line {count + 1} is missing"):
            await import_user(target, lines[:count])
        begun = sum('"session":' in line for line in lines[:count])
        there = await target.sessions.find(SessionQuery(nested=True))
        assert len(there) == max(begun - 1, 0)  # the last one might lack messages
    await import_user(target, lines)
    assert said(await exported(target)) == said(lines)


async def test_a_line_that_is_left_out_or_put_in_twice_is_named(source, target):
    await fill(source)
    lines = await exported(source)
    for number in range(len(lines)):
        without, twice = lines[:number] + lines[number + 1 :], lines[: number + 1] + lines[number:]
        for wrong, named in ((without, number + 1), (twice, number + 2)):
            with pytest.raises(InvalidArgument, match=f"Line {named} is "):
                await import_user(target, wrong)


async def test_a_flipped_character_is_found_in_its_line_and_nothing_of_it_is_stored(source, target):
    await fill(source)
    lines = await exported(source)
    for number, line in enumerate(lines):
        place = random.Random(number).randrange(len(line))
        flipped = line[:place] + chr(ord(line[place]) ^ 1) + line[place + 1 :]
        with pytest.raises(InvalidArgument, match=f"Line {number + 1} is not") as caught:
            await import_user(target, [*lines[:number], flipped, *lines[number + 1 :]])
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__
    await import_user(target, lines)
    assert said(await exported(target)) == said(lines)


async def test_a_flipped_character_is_found_wherever_it_is(source):
    await fill(source)
    lines = await exported(source)
    for number, line in enumerate(lines):
        for place in range(0, len(line), 5):
            flipped = line[:place] + chr(ord(line[place]) ^ (1 << place % 7)) + line[place + 1 :]
            reading = incoming_sessions([*lines[:number], flipped, *lines[number + 1 :]], Limits(), None)
            with pytest.raises(InvalidArgument, match=f"Line {number + 1} is not"):
                [_ async for _ in reading]


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "[]",
        "7",
        "{}",
        '{"holdfast": "export", "format": 2, "user_id": "u"}',
        '{"holdfast": "export", "format": "1", "user_id": "u"}',
        '{"holdfast": "export", "user_id": "u"}',
        '{"holdfast": "import", "format": 1, "user_id": "u"}',
        "[" * 100_000,
        *resealed([{"holdfast": "import", "format": 1, "user_id": "u"}]),
        *resealed([{"holdfast": "export", "format": 1}]),
        *resealed([{"holdfast": "export", "format": 1, "user_id": "a\nb"}]),
        *resealed([{"holdfast": "export", "format": 1, "user_id": ["u"]}]),
    ],
)
async def test_the_header_is_checked_before_anything_is_sent(header):
    with pytest.raises(InvalidArgument, match="Line 1 is not"):  # and not AdapterClosed
        await import_user(MemoryAdapter(), [header])


async def test_a_newer_format_is_named(target):
    with pytest.raises(InvalidArgument, match=r"Line 1 .*update holdfast"):
        await import_user(target, ['{"holdfast": "export", "format": 2}'])


def recount(trees):
    kinds = [key for tree in trees for key in ("session", "message") if key in tree]
    trees[-1]["end"] = {"sessions": kinds.count("session"), "messages": kinds.count("message")}


def change_message(**fields):
    return lambda trees: trees[2]["message"].update(fields)


def change_session(**fields):
    return lambda trees: trees[1]["session"].update(fields)


FORGED = {
    "message id": change_message(id="a\nb"),
    "message id of another kind": change_message(id=7),
    "role": change_message(role=""),
    "no turn": lambda trees: trees[2]["message"].pop("turn_id"),
    "turn": change_message(turn_id="\x00"),
    "segment": change_message(segment=-1),
    "segment of another kind": change_message(segment=True),
    "time without a zone": change_message(created_at="2026-01-01T12:00:00"),
    "no time": change_message(created_at=SECRET),
    "time as a number": change_message(created_at=5),
    "unknown field of a message": change_message(content=SECRET),
    "body": lambda trees: trees[2].update(body=[SECRET]),
    "body with an unknown field": lambda trees: trees[2].update(body={SECRET: 1}),
    "body with an unknown tag": lambda trees: trees[2].update(body={"metadata": {"a": {"$secret": SECRET}}}),
    "parts": lambda trees: trees[2].update(body={"content": [{"type": "text"}]}),
    "a message twice": lambda trees: trees.insert(3, trees[2]),
    "session id": change_session(id="\n"),
    "no session id": lambda trees: trees[1]["session"].pop("id"),
    "another user's": change_session(user_id="v"),
    "version": change_session(version=3),
    "status": change_session(status=7),
    "state": lambda trees: trees[1].update(state={"data": [SECRET]}),
    "unknown state": lambda trees: trees[1].update(state={SECRET: 1}),
    "no state": lambda trees: trees[1].pop("state"),
    "session of another kind": lambda trees: trees[1].update(session=[1]),
    "no kind": lambda trees: trees.insert(3, {SECRET: 1}),
    "message without a session": lambda trees: trees.insert(1, trees[2]),
    "counts": lambda trees: trees[-1].update(end={"sessions": 1, "messages": 2}),
    "a line behind the footer": lambda trees: trees.append({"end": {"sessions": 1, "messages": 1}}),
    "footer behind the footer": lambda trees: trees.append(trees[-1]),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_line_that_no_export_writes_is_refused_even_if_its_digest_is_right(source, target, forge):
    session = Session(id="s", user_id="u", data={"a": SECRET})
    await source.commit(Turn(session_id="s", session=session, messages=[message("m", SECRET)]))
    trees = [json.loads(line) for line in await exported(source)]
    forge(trees)
    if forge != FORGED["counts"]:
        recount(trees)
    with pytest.raises(InvalidArgument, match=r"Line \d is not what an export has written") as caught:
        await import_user(target, resealed(trees))
    assert SECRET not in str(caught.value)
    behind = forge in (FORGED["a line behind the footer"], FORGED["footer behind the footer"])
    assert len(await target.sessions.find(SessionQuery())) == behind


# --- an import that breaks off -------------------------------------------------------------------


async def test_broken_off_at_any_line_and_run_again_it_ends_with_the_same(source, clock):
    await fill(source)
    lines = await exported(source)

    def breaking(count):
        yield from lines[:count]
        raise OSError("the disk is gone")

    for count in range(len(lines)):
        async with MemoryAdapter(clock=clock) as adapter:
            with pytest.raises(OSError, match="gone"):
                await import_user(adapter, breaking(count))
            first = len(await adapter.sessions.find(SessionQuery(nested=True)))
            again = await import_user(adapter, lines)
            assert (again.sessions + first, again.present) == (4, first)
            assert said(await exported(adapter)) == said(lines)


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("small", [Limits(), Limits(turn_messages=1)])
async def test_broken_off_at_any_write_and_run_again_it_ends_with_the_same(source, clock, executed, small):
    await fill(source)
    lines, complete = await exported(source), await everything(source)
    writes = 0
    while True:
        async with MemoryAdapter(clock=clock, limits=small) as adapter:
            flusher = adapter._runtime.commits._flusher
            flush, left = flusher._flush, writes

            async def failing(batch, flush=flush):
                nonlocal left
                left -= 1
                if left >= 0 or executed:
                    outcomes = await flush(batch)
                if left == -1:
                    raise OutcomeUnknown if executed else BackendUnavailable
                return outcomes if left >= 0 or executed else await flush(batch)

            flusher._flush = failing
            with suppress(OutcomeUnknown, BackendUnavailable):
                assert (await import_user(adapter, lines)).sessions == 4
                break
            flusher._flush = flush
            there = await everything(adapter)
            whole = [name for name in there if there[name] == complete[name]]
            missing = 10 - sum(len(messages) for _, messages in there.values())
            again = await import_user(adapter, lines)
            assert again == Imported(sessions=4 - len(whole), messages=missing, present=len(whole))
            assert said(await exported(adapter)) == said(lines)
        writes += 1
    assert writes > 8


async def test_two_imports_at_once_end_with_the_same(source, target):
    await fill(source)
    lines = await exported(source)
    both = await asyncio.gather(*[import_user(target, lazily(lines)) for _ in range(2)])
    assert said(await exported(target)) == said(lines)
    assert all(one.sessions + one.present == 4 for one in both)


# --- nothing is overwritten ----------------------------------------------------------------------


@pytest.fixture
async def moved(source, target):
    """An export that is in the target already."""
    await fill(source)
    lines = await exported(source)
    await import_user(target, lines)
    return lines


async def refused(target, lines, error):
    before = await everything(target)
    with pytest.raises(error) as caught:
        await import_user(target, lines)
    assert await everything(target) == before
    return caught.value


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"other": 1}},
        {"status": "active"},
        {"agent": "another"},
        {"completed_at": None},
        {"metadata": {}},
        {name: Session(id="x").__dict__[name] for name in Session.model_fields.keys() - SessionInfo.model_fields},
    ],
)
async def test_a_session_with_another_state_is_left_alone(target, moved, change):
    session = await target.sessions.get("rich")
    await target.sessions.save(session.model_copy(update=change))
    error = await refused(target, moved, VersionConflict)
    assert (error.session_id, error.guard, error.actual) == ("rich", "version", 2)


async def test_a_session_below_another_parent_is_left_alone(target, moved):
    await target.sessions.delete("a child")
    await target.sessions.save(Session(id="a child", user_id="u", data={"name": "a child"}))
    assert (await refused(target, moved, VersionConflict)).session_id == "a child"


async def test_another_users_session_is_not_found(target, moved):
    await target.sessions.delete("rich")
    await target.sessions.save(Session(id="rich", user_id="v"))
    assert str(await refused(target, moved, NotFound)).endswith("Session 'rich'.")
    with pytest.raises(NotFound):
        await import_user(target, moved, user_id="w")


async def test_a_message_with_other_words_is_left_alone(target, moved):
    await target.messages.replace("rich", message("m3", "other words"))
    assert (await refused(target, moved, DuplicateIdConflict)).ids == ("m3",)


async def test_a_message_of_another_turn_is_left_alone(source, target):
    for adapter, turn_id in ((source, "t"), (target, "another")):
        await adapter.sessions.save(Session(id="s", user_id="u"))
        await adapter.messages.append("s", [message("m")], turn_id=turn_id)
    assert (await refused(target, await exported(source), DuplicateIdConflict)).ids == ("m",)


async def test_what_was_said_behind_it_does_no_harm(target, moved):
    await target.messages.append("rich", [message("newer")])
    before = await everything(target)
    assert await import_user(target, moved) == Imported(sessions=0, messages=0, present=4)
    assert await everything(target) == before


async def test_what_was_said_in_between_is_a_conflict(source, target):
    await fill(source)
    session = await source.sessions.get("rich")
    await target.sessions.save(session.model_copy(update={"version": 0, "key": None}))
    await target.messages.append("rich", [message("m1", SECRET), message("m2")], turn_id="t1")
    await target.messages.remove("rich", after=1, through=2)
    await target.messages.append("rich", [message("theirs")])
    before = (await everything(target))["rich"]
    with pytest.raises(VersionConflict) as caught:
        await import_user(target, await exported(source))
    error = caught.value
    assert (error.session_id, error.guard, error.expected, error.actual) == ("rich", "last_seq", 1, 3)
    assert (await everything(target))["rich"] == before


async def test_what_was_removed_from_the_end_does_not_come_back(target, moved):
    await target.messages.remove("rich", after=4, through=6)
    error = await refused(target, moved, VersionConflict)
    assert (error.guard, error.expected, error.actual) == ("last_seq", 4, 6)


async def test_what_was_removed_from_the_middle_does_not_come_back(target, moved):
    await target.messages.remove("rich", after=1, through=2)
    assert (await refused(target, moved, VersionConflict)).guard == "last_seq"


async def test_who_appends_while_it_is_filled_up_is_not_mixed_with_it(source, target, monkeypatch):
    await fill(source)
    commit = target.commit

    async def between(turn):
        if turn.id == "t2":
            await target.messages.append("rich", [message("theirs")])
        return await commit(turn)

    monkeypatch.setattr(target, "commit", between)
    with pytest.raises(VersionConflict) as caught:
        await import_user(target, await exported(source))
    assert caught.value.guard == "last_seq"
    assert [one.id for one in await target.messages.find("rich")] == ["m1", "m2", "m3", "theirs"]


async def test_messages_never_go_into_another_life_of_the_session(source, target, monkeypatch):
    await fill(source)
    commit = target.commit

    async def between(turn):
        if (turn.id, turn.segment) == ("t1", 0):
            await target.sessions.delete("rich")
            await target.sessions.save(Session(id="rich", user_id="v"))
        return await commit(turn)

    monkeypatch.setattr(target, "commit", between)
    with pytest.raises(NotFound):
        await import_user(target, await exported(source))
    assert (await target.messages.find("rich")).items == ()


# --- limits and lifetimes ------------------------------------------------------------------------


async def test_turns_that_are_too_large_here_come_in_parts(source, clock):
    session = Session(id="s", user_id="u")
    messages = [message(f"m{number}", "x" * 80) for number in range(7)]
    await source.commit(Turn(id="t", session_id="s", session=session, messages=messages))
    lines = await exported(source)
    for limits in (Limits(turn_messages=3), Limits(turn_bytes=250)):
        async with MemoryAdapter(clock=clock, limits=limits) as adapter:
            await import_user(adapter, lines)
            assert said(await exported(adapter)) == said(lines)


@pytest.mark.parametrize("limits", [Limits(message_bytes=2000), Limits(state_bytes=2000)])
async def test_of_a_session_that_is_too_large_here_nothing_is_stored(source, clock, limits):
    state = Session(id="b", user_id="u", data={"a": "x" * 3000})
    await source.sessions.save(Session(id="a", user_id="u"))
    await source.commit(Turn(session_id="b", session=state, messages=[message("1"), message("2", "x" * 3000)]))
    async with MemoryAdapter(clock=clock, limits=limits) as adapter:
        with pytest.raises(PayloadTooLarge) as caught:
            await import_user(adapter, await exported(source))
        assert caught.value.__notes__[0].startswith("It is in line ")
        assert "b" not in [info.id for info in await adapter.sessions.find(SessionQuery())]


async def test_what_is_larger_than_todays_limits_is_exported_all_the_same(tmp_path, source):
    path = tmp_path / "chat.db"
    async with SQLiteAdapter(path) as adapter:
        await fill(adapter)
        lines = await exported(adapter)
    async with SQLiteAdapter(path, limits=Limits(message_bytes=10, state_bytes=10, depth=1)) as adapter:
        assert said(await exported(adapter)) == said(lines)


async def test_expired_sessions_are_not_exported(source, clock):
    await source.sessions.save(Session(id="s", user_id="u", expires_at=clock.now + timedelta(hours=1)))
    assert len(await exported(source)) == 3
    clock.pass_(hours=1)
    assert len(await exported(source)) == 2


async def test_what_expires_between_export_and_import_is_left_out_with_its_children(source, target, clock):
    await source.sessions.save(Session(id="p", user_id="u", expires_at=clock.now + timedelta(hours=1)))
    await source.messages.append("p", [message("m")])
    await source.sessions.save(Session(id="c", user_id="u", parent_id="p"))
    await source.sessions.save(Session(id="d", user_id="u", parent_id="c"))
    clock.pass_(seconds=1)
    await source.sessions.save(Session(id="z", user_id="u"))
    lines = await exported(source)
    clock.pass_(hours=1)
    for result in (Imported(sessions=1, messages=0, present=0), Imported(sessions=0, messages=0, present=1)):
        assert await import_user(target, lines) == result
        every = SessionQuery(nested=True, include_expired=True)
        assert [info.id for info in await target.sessions.find(every)] == ["z"]


async def test_lifetimes_come_back(source, target, clock):
    soon, later = clock.now + timedelta(hours=1), clock.now + timedelta(hours=2)
    await source.sessions.save(Session(id="s", user_id="u", state_expires_at=soon, expires_at=later))
    await import_user(target, await exported(source))
    session = await target.sessions.get("s")
    assert (session.state_expires_at, session.expires_at) == (soon, later)


async def test_a_state_whose_lifetime_is_over_stays_so_before_and_after_the_export(source, target, clock):
    session = Session(id="s", user_id="u", data={"a": SECRET}, state_expires_at=clock.now + timedelta(hours=1))
    await source.commit(Turn(session_id="s", session=session, messages=[message("m")]))
    before = await exported(source)
    clock.pass_(hours=1)
    assert SECRET not in "".join(await exported(source))
    await import_user(target, before)
    assert (await target.sessions.get("s")).data == {}
    for lines in (before, await exported(source)):
        assert (await import_user(target, lines)).present == 1
    assert said(await exported(target)) == said(await exported(source))


async def test_an_adapter_with_lifetimes_of_its_own_takes_an_import_twice(source, clock):
    await fill(source)
    lines = await exported(source)
    async with MemoryAdapter(clock=clock, message_ttl=timedelta(days=3), session_ttl=timedelta(days=1)) as adapter:
        await import_user(adapter, lines)
        clock.pass_(days=2)
        assert (await import_user(adapter, lines)).present == 4


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


# --- any history ---------------------------------------------------------------------------------

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
    | st.uuids()
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner), max_leaves=6
)
tables = st.dictionaries(st.text() | st.sampled_from(["$", "$date", "$tuple"]), values, max_size=3)
names = st.sampled_from("abcd")
texts = st.text(st.characters(exclude_categories=["Cs"]))
contents = texts | st.lists(
    st.builds(Text, text=texts) | st.builds(ToolCall, id=texts, name=texts, args=values), max_size=3
)
words = st.tuples(contents, tables, values)
steps = st.lists(
    st.tuples(st.just("begin"), names, names, tables)
    | st.tuples(st.just("say"), names, st.lists(words, max_size=4), st.none() | tables)
    | st.tuples(st.just("remove"), names, st.integers(0, 6), st.integers(1, 3))
    | st.tuples(st.just("redact"), names, st.integers(0, 12), texts)
    | st.tuples(st.just("status"), names, st.sampled_from(["active", "completed", "odd"]), st.booleans())
    | st.tuples(st.just("delete"), names),
    min_size=1,
    max_size=12,
)


class History:
    """Plays steps on an adapter; what is impossible just then does not happen."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.number = 0

    async def play(self, step):
        verb, name, *rest = step
        if verb == "begin" or await self.adapter.sessions.get(name):
            with suppress(VersionConflict, NotFound, InvalidArgument):
                await getattr(self, verb)(name, *rest)

    async def begin(self, name, parent, data):
        parent_id = parent if parent < name else None
        user_id = None if parent_id and data else "u"
        await self.adapter.sessions.save(Session(id=name, user_id=user_id, parent_id=parent_id, data=data))

    async def say(self, name, several, data):
        session = await self.adapter.sessions.get(name)
        messages = [self.message(*one) for one in several]
        if data is not None:
            session.data = data
        turn = Turn(session_id=name, messages=messages, session=session if data is not None else None)
        await self.adapter.commit(turn)
        rest = [self.message(*one) for one in several[:1]]
        await self.adapter.commit(Turn(id=turn.id, segment=1, session_id=name, messages=rest))

    def message(self, content, metadata, raw):
        self.number += 1
        return Message(id=f"m{self.number}", role="user", content=content, metadata=metadata, raw=raw)

    async def remove(self, name, after, count):
        await self.adapter.messages.remove(name, after=after, through=after + count)

    async def redact(self, name, number, text):
        await self.adapter.messages.replace(name, Message(id=f"m{number}", role="user", content=text))

    async def status(self, name, status, expires):
        session = await self.adapter.sessions.get(name)
        session.status, session.completed_at = status, NOON if status == "completed" else None
        session.expires_at = datetime(2999, 1, 1, tzinfo=UTC) if expires else None
        await self.adapter.sessions.save(session)

    async def delete(self, name):
        await self.adapter.sessions.delete(name)


@given(steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_history_makes_round_trips_and_can_be_imported_again(history):
    async def run():
        async with MemoryAdapter() as source, SQLiteAdapter(":memory:") as between, MemoryAdapter() as last:
            playing = History(source)
            for step in history:
                await playing.play(step)
            lines = await exported(source)
            first = await import_user(between, lines)
            again = await exported(between)
            await import_user(last, again)
            assert said(lines) == said(again) == said(await exported(last))
            assert await everything(source) == await everything(between) == await everything(last)
            for adapter in (source, between):
                assert await import_user(adapter, lines) == Imported(
                    sessions=0, messages=0, present=first.sessions
                )

    asyncio.run(run())
