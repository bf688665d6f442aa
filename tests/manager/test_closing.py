"""Closing a manager: what waits is stored, whoever is cancelled meanwhile, and what is left is named."""

import asyncio
from contextlib import suppress

import pytest
from tests.manager.waiting import say, stored, words

from holdfast import Autosave, BackendUnavailable, FlushIncomplete, HoldfastError, Hooks


class Gate:
    """A hook that holds the saves of some sessions back until a test opens it."""

    def __init__(self, *session_ids):
        self.session_ids = session_ids
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self.hooks = Hooks(before_save=self.hold)

    async def until_reached(self):
        async with asyncio.timeout(20):
            await self.reached.wait()

    async def hold(self, turn):
        if turn.session_id in self.session_ids:
            self.reached.set()
            await self.opened.wait()


async def open_session(manager, name="s"):
    return await manager.session(name).__aenter__()


async def test_closing_stores_what_waits_even_if_the_block_raises(make_manager):
    with pytest.raises(ZeroDivisionError):
        async with make_manager() as manager:
            await say(await open_session(manager), 1)
            raise ZeroDivisionError
    assert await stored(manager) == (words(1), {"n": 1})


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_closing_is_shielded_and_the_cancellation_comes_afterwards(make_manager, times):
    gate = Gate("s")
    manager = make_manager(hooks=gate.hooks)
    await manager.__aenter__()
    for name in ("s", "t"):
        await say(await open_session(manager, name), 1)
    closing = asyncio.create_task(manager.aclose())
    await gate.until_reached()
    for _ in range(times):
        closing.cancel()
        await asyncio.sleep(0)
        assert not closing.done()
    gate.opened.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert await stored(manager, "s") == await stored(manager, "t") == (words(1), {"n": 1})


async def test_a_deploy_cancels_the_whole_program_and_nothing_is_lost(make_manager):
    waiting = asyncio.Event()
    manager = make_manager()

    async def serve():
        async with manager:
            async with manager.session("s") as session:
                await say(session, 1)
                waiting.set()
                await asyncio.Event().wait()

    program = asyncio.create_task(serve())
    await waiting.wait()
    program.cancel()
    with pytest.raises(asyncio.CancelledError):
        await program
    assert await stored(manager) == (words(1), {"n": 1})


async def test_a_timeout_around_the_manager_still_stores_everything(make_manager):
    manager = make_manager()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), manager:
            await say(await open_session(manager), 1)
            await asyncio.Event().wait()
    assert await stored(manager) == (words(1), {"n": 1})


async def test_at_the_deadline_what_is_left_is_named_and_nothing_else(make_manager):
    gate = Gate("s", "u")
    manager = make_manager(hooks=gate.hooks)
    await manager.__aenter__()
    for name in ("s", "t", "u"):
        await say(await open_session(manager, name), 1)
    with pytest.raises(FlushIncomplete) as caught:
        await manager.aclose(timeout=0.2)
    assert sorted(caught.value.session_ids) == ["s", "u"]
    assert await stored(manager, "t") == (words(1), {"n": 1})
    assert await stored(manager, "s") is None
    gate.opened.set()


async def test_at_the_deadline_the_cancelled_caller_hears_what_is_left(make_manager):
    gate = Gate("s")
    manager = make_manager(hooks=gate.hooks)
    await manager.__aenter__()
    await say(await open_session(manager), 1)
    closing = asyncio.create_task(manager.aclose(timeout=0.2))
    await gate.until_reached()
    closing.cancel()
    with pytest.raises(FlushIncomplete):
        await closing


async def test_what_was_left_at_the_deadline_is_stored_once_by_its_handle(make_manager):
    gate = Gate("s")
    manager = make_manager(hooks=gate.hooks)
    await manager.__aenter__()
    session = await open_session(manager)
    await say(session, 1)
    with pytest.raises(FlushIncomplete):
        await manager.aclose(timeout=0.05)
    gate.opened.set()
    await session.flush()
    assert await stored(manager) == (words(1), {"n": 1})


async def test_a_save_that_is_under_way_when_it_closes_is_not_doubled(make_manager):
    gate = Gate("s")
    manager = make_manager(Autosave(every=0.001), hooks=gate.hooks)
    await manager.__aenter__()
    session = await open_session(manager)
    await say(session, 1)
    await gate.until_reached()
    await_closing = asyncio.create_task(manager.aclose())
    await asyncio.sleep(0)
    gate.opened.set()
    await await_closing
    assert await stored(manager) == (words(1), {"n": 1})
    assert (await manager.load("s")).version == 1


async def test_a_second_closing_does_nothing(make_manager):
    manager = make_manager()
    async with manager:
        await say(await open_session(manager), 1)
        await manager.aclose()
        await manager.aclose()
    assert await stored(manager) == (words(1), {"n": 1})
    assert (await manager.load("s")).version == 1


async def test_two_closings_at_a_time(make_manager):
    gate = Gate("s")
    manager = make_manager(hooks=gate.hooks)
    await manager.__aenter__()
    await say(await open_session(manager), 1)
    one, two = asyncio.create_task(manager.aclose()), asyncio.create_task(manager.aclose())
    await gate.until_reached()
    gate.opened.set()
    await asyncio.gather(one, two)
    assert await stored(manager) == (words(1), {"n": 1})


async def test_closing_what_was_never_entered_does_nothing(make_manager):
    await make_manager().aclose()
    await make_manager("turn").aclose()


async def test_a_manager_can_be_entered_again(make_manager):
    manager = make_manager()
    async with manager:
        await say(await open_session(manager), 1)
    async with manager, manager.session("s") as session:
        await say(session, 2)
    assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_the_adapter_stays_open(make_manager, adapter):
    async with make_manager():
        pass
    await adapter.ping()


async def test_after_closing_a_turn_is_stored_or_refused_but_never_taken_and_forgotten(make_manager):
    """'Then nothing may wait any more.'"""
    async with make_manager() as manager:
        session = await open_session(manager)
        await say(session, 1)
    try:
        await say(session, 2)
    except HoldfastError:
        assert await stored(manager) == (words(1), {"n": 1})
    else:
        assert await stored(manager) == (words(1, 2), {"n": 2})


async def test_after_closing_a_touch_is_stored_or_refused_and_starts_no_timer(make_manager):
    async with make_manager() as manager:
        session = await open_session(manager)
    before = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]
    session.data["a"] = 1
    with suppress(HoldfastError):
        session.touch()
    after = [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]
    assert after == before


async def test_a_turn_that_ends_while_the_manager_closes_is_stored_or_told(make_manager):
    gate = Gate("slow")
    manager = make_manager(hooks=gate.hooks)
    await manager.__aenter__()
    slow, quick = await open_session(manager, "slow"), await open_session(manager, "quick")
    await say(slow, 1)
    await say(quick, 1)
    closing = asyncio.create_task(manager.aclose())
    await gate.until_reached()
    async with asyncio.timeout(20):
        while quick.waits:
            await asyncio.sleep(0)
    taken, told = True, ()
    try:
        await say(quick, 2)
    except HoldfastError:
        taken = False
    gate.opened.set()
    try:
        await closing
    except FlushIncomplete as error:
        told = error.session_ids
    if taken and "quick" not in told:
        assert await stored(manager, "quick") == (words(1, 2), {"n": 2})


async def test_a_failure_of_a_handle_that_was_left_long_ago_is_told_at_the_end(make_manager, failing):
    manager = make_manager()
    await manager.__aenter__()
    failing(*[BackendUnavailable("down")] * 100)
    with pytest.raises(BackendUnavailable):
        async with manager.session("s") as session:
            await say(session, 1)
    del session
    with pytest.raises(FlushIncomplete) as caught:
        await manager.aclose()
    assert caught.value.session_ids == ("s",)
    assert isinstance(caught.value.__cause__, BackendUnavailable)
