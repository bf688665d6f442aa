"""What settling gives is in step: the time of a completion, and the lifetimes of what is reopened."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import make_adapter

from holdfast import PersistenceManager, Session, VersionConflict
from holdfast.manager.live.merging import MergeConflict, merge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


async def settled_by(adapter, clock, manager, settle, status="active"):
    await manager.save(Session(id="s", status=status))
    mine = PersistenceManager(adapter, clock=clock, on_conflict=settle)
    async with mine.session("s") as session:
        await manager.update_data("s", {"theirs": 1})
        async with session.turn():
            session.data["mine"] = 1
        held = session.state.completed_at
    return held, await manager.load("s")


async def test_a_function_that_completes_a_session_notes_the_time_once(adapter, clock, manager):
    def complete(base, mine, theirs):
        theirs.status = "completed"
        return theirs

    held, stored = await settled_by(adapter, clock, manager, complete)
    assert held == stored.completed_at == clock()
    assert stored.version == 3  # leaving has found nothing more to store


async def test_a_function_that_reopens_a_session_forgets_the_time(adapter, clock, manager):
    def reopen(base, mine, theirs):
        theirs.status = "active"
        return theirs

    held, stored = await settled_by(adapter, clock, manager, reopen, "completed")
    assert held is stored.completed_at is None
    assert stored.version == 3


@pytest.fixture
async def living(backend, tmp_path, clock):
    """An adapter under which sessions live for a hundred days after a write."""
    async with make_adapter(backend, tmp_path, clock=clock, message_ttl=timedelta(days=100)) as opened:
        yield opened


async def test_reopening_is_merged_where_the_store_has_moved_the_lifetime_since(living, clock):
    manager, others = (PersistenceManager(living, clock=clock, on_conflict=how) for how in ("merge", "raise"))
    await others.load_or_create("s")
    await others.complete("s")
    async with manager.session("s") as session:
        clock.pass_(days=50)
        await others.update_data("s", {"theirs": 1})
        async with session.turn():
            session.set_status("active")
    reopened = await others.load("s")
    assert (reopened.status, reopened.completed_at, reopened.data) == ("active", None, {"theirs": 1})
    assert reopened.expires_at == clock() + timedelta(days=100)


def test_reopening_takes_the_lifetimes_back_whatever_they_have_become():
    base = Session(id="s", status="completed", completed_at=NOON, expires_at=NOON, state_expires_at=NOON)
    reopened = Session(id="s")
    moved = base.model_copy(update={"expires_at": LATER, "state_expires_at": LATER})
    for sides in ((reopened, moved), (moved, reopened)):
        merged = merge(base, *sides)
        assert (merged.status, merged.expires_at, merged.state_expires_at) == ("active", None, None)


def test_a_lifetime_that_nobody_takes_back_is_a_conflict_as_ever():
    base = Session(id="s", status="completed", expires_at=NOON)
    moved = base.model_copy(update={"expires_at": LATER})
    for side in (
        base.model_copy(update={"expires_at": None}),
        Session(id="s", status="abandoned"),
        Session(id="s", expires_at=LATER + timedelta(days=1)),
    ):
        with pytest.raises(MergeConflict) as caught:
            merge(base, side, moved)
        assert caught.value.paths == ("expires_at",)


async def test_a_conflict_over_a_lifetime_names_it(adapter, clock, manager):
    await manager.save(Session(id="s"))
    mine = PersistenceManager(adapter, clock=clock, on_conflict="merge")
    async with mine.session("s") as session:
        await manager.update("s", lambda other: setattr(other.state, "expires_at", clock() + timedelta(days=2)))
        with pytest.raises(VersionConflict) as caught:
            async with session.turn():
                session.state.expires_at = clock() + timedelta(days=1)
    assert caught.value.paths == ("expires_at",)
