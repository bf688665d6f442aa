"""Exporting a user and importing him elsewhere: all that means something comes back, once, and over nothing."""

from datetime import timedelta

import pytest
from tests.manager.exports import NOON, SECRET, everything, exported, fill, lazily, message, said

from holdfast import InvalidArgument, InvalidIdentifier, Limits, PayloadTooLarge, Session, SessionQuery, Turn
from holdfast.manager.upkeep.exporting import export_user
from holdfast.manager.upkeep.importing import Imported, import_user
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter

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
