"""Imports that break off, or meet what is there already: nothing is stored twice, and nothing overwritten."""

import asyncio
from contextlib import suppress

import pytest
from tests.manager.exports import SECRET, everything, exported, fill, lazily, message, said

from holdfast import (
    DuplicateIdConflict,
    Limits,
    NotFound,
    OutcomeUnknown,
    Session,
    SessionInfo,
    SessionQuery,
    VersionConflict,
)
from holdfast.errors import BackendUnavailable
from holdfast.manager.upkeep.importing import Imported, import_user
from holdfast_memory import MemoryAdapter

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
