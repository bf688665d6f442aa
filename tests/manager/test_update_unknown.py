"""Updates to which no answer came: the very same turn is sent again, so that a change is made once."""

import pickle

import pytest
from tests.manager.meddling import Meddled

from holdfast import (
    BackendUnavailable,
    HookFailed,
    Hooks,
    NotFound,
    OutcomeUnknown,
    PersistenceManager,
    Session,
)

CUT = OutcomeUnknown("cut")


def one_more(session):
    session.data["n"] = session.data.get("n", 0) + 1


@pytest.fixture
async def counted(manager):
    await manager.save(Session(id="s", data={"n": 0}))
    return manager


async def number(manager):
    return (await manager.load("s")).data["n"]


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_change_to_which_no_answer_came_is_made_once(counted, failing, executed, times):
    failing(*[CUT] * times, executed=executed)
    updated = await counted.update("s", one_more)
    assert (updated.data["n"], updated.version) == (1, 2)
    assert await number(counted) == 1
    assert await counted.load("s") == updated


async def test_hooks_hear_of_it_once(adapter, clock, counted, failing, calls):
    hooks = Hooks(before_save=lambda turn: calls.append("before"), after_save=lambda *said: calls.append("after"))
    failing(CUT, CUT, executed=True)
    await PersistenceManager(adapter, clock=clock, hooks=hooks).update("s", one_more)
    assert calls == ["before", "after"]


async def test_a_hook_that_fails_after_it_says_that_it_is_stored(adapter, clock, counted, failing):
    def broken(turn, committed):
        raise ZeroDivisionError

    failing(CUT, executed=True)
    with pytest.raises(HookFailed):
        await PersistenceManager(adapter, clock=clock, hooks=Hooks(after_save=broken)).update("s", one_more)
    assert await number(counted) == 1


@pytest.mark.parametrize("executed", [True, False])
async def test_what_stays_unknown_is_said_so_and_is_not_safe_to_repeat(counted, failing, executed):
    failing(*[CUT] * 100, executed=executed)
    with pytest.raises(OutcomeUnknown) as caught:
        await counted.update("s", one_more)
    assert not caught.value.retryable
    assert "'s'" in str(caught.value)
    assert "is safe" not in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.retryable) == (type(caught.value), str(caught.value), False)


@pytest.mark.parametrize("executed", [True, False])
async def test_a_backend_that_is_gone_after_it_does_not_say_that_nothing_was_written(
    adapter, clock, counted, executed
):
    """Whether the first try was stored, nobody knows."""
    below = Meddled(adapter)

    async def cut():
        raise CUT

    async def gone():
        raise BackendUnavailable("down")

    below.meddle({("after" if executed else "before", 2): cut, ("before", 3): gone})
    with pytest.raises(OutcomeUnknown) as caught:
        await PersistenceManager(below, clock=clock).update("s", one_more)
    assert not caught.value.retryable
    assert await number(counted) == (1 if executed else 0)


@pytest.mark.parametrize("executed", [True, False])
async def test_others_who_were_faster_meanwhile_lose_nothing_and_nothing_is_made_twice(
    adapter, clock, counted, executed
):
    below = Meddled(adapter)

    async def cut():
        await counted.update("s", one_more)
        raise CUT

    below.meddle({("after" if executed else "before", 2): cut})
    await PersistenceManager(below, clock=clock).update("s", one_more)
    assert await number(counted) == 2


@pytest.mark.parametrize("others", [15, 16, 17])
async def test_where_the_store_has_forgotten_it_the_change_is_not_made_again(adapter, clock, counted, others):
    """It remembers 16 writes: a conflict with more than these proves nothing."""
    below = Meddled(adapter)

    async def cut():
        for _ in range(others):
            await counted.update("s", one_more)
        raise CUT

    below.meddle({("after", 2): cut})
    if others < 16:
        await PersistenceManager(below, clock=clock).update("s", one_more)
    else:
        with pytest.raises(OutcomeUnknown):
            await PersistenceManager(below, clock=clock).update("s", one_more)
    assert await number(counted) == others + 1


async def test_a_session_that_is_gone_since(adapter, clock, counted):
    below = Meddled(adapter)

    async def cut():
        await counted.delete("s")
        raise CUT

    below.meddle({("after", 2): cut})
    with pytest.raises((NotFound, OutcomeUnknown)):
        await PersistenceManager(below, clock=clock).update("s", one_more)
    assert await counted.load("s") is None
