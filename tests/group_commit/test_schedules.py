"""Whatever callers, sessions, deadlines and the backend do, and in whatever order: what was promised holds."""

import asyncio
from contextlib import suppress
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.group_commit.conftest import append, let_time_jump
from tests.group_commit.keeping import FLUSH_BYTES, FLUSH_ITEMS, Fate
from tests.group_commit.playing import REFS, Again, Cancel, Hold, Play, Sleep, Stranger, Submit, Turns

from holdfast import FlushIncomplete, Limits
from holdfast.toolkit import Done

KINDS = ["append"] * 6 + ["save", "both", "guarded", "removal", "touch"]

submits = st.builds(
    Submit,
    ref=st.sampled_from(REFS),
    kind=st.sampled_from(KINDS),
    ids=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3, unique=True),
    size=st.sampled_from([1, 1, 1, 4, 9, 25]),
    deadline=st.sampled_from([0.0005, 0.01, 1.0, 60.0, 60.0, 60.0]),
    guilty=st.sampled_from([False] * 9 + [True]),
)
callers = st.integers(0, 30)
others = [
    st.builds(Again, callers),
    st.builds(Cancel, callers),
    st.builds(Hold, st.sampled_from(REFS)),
    st.builds(Turns, st.integers(1, 6)),
    st.builds(Sleep, st.sampled_from([0.0002, 0.004, 0.3])),
]
losses = st.sampled_from([""] * 8 + ["before", "between", "after", "silent"])
fates = st.lists(st.builds(Fate, turns=st.integers(0, 4), lost=losses, stored=st.booleans()), max_size=15)
limits = st.builds(
    Limits, queue_items=st.sampled_from([1, 4, 9, 100]), queue_bytes=st.sampled_from([10, 40, 1000])
)


def schedules(*more):
    return st.lists(st.one_of(submits, submits, submits, *others, *more), max_size=40)


def jumping_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.SelectorEventLoop()
    let_time_jump(loop)
    return loop


def run(scenario) -> None:
    """In a loop of its own, with small flushes; nothing may go wrong in the background either."""
    errors = []
    small = mock.patch.multiple(
        "holdfast.toolkit.group_commit.lanes", FLUSH_ITEMS=FLUSH_ITEMS, FLUSH_BYTES=FLUSH_BYTES
    )
    with small, asyncio.Runner(loop_factory=jumping_loop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: errors.append(context))
        runner.run(scenario)
    assert errors == []


several = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@several
@given(schedules(), fates, limits)
def test_every_answer_is_true_and_in_the_end_nothing_is_left(schedule, fates, limits):
    async def scenario():
        play = Play(limits, fates)
        await play.play(schedule)
        play.store.relent()
        await play.check()
        play.submit(append("last", "x", ids=["last"]), 60, guilty=False)
        assert type(await play.tasks[-1]) is Done
        await play.queue.aclose(1)

    run(scenario())


@several
@given(schedules(st.just(Stranger())), fates, limits)
def test_so_it_is_where_a_stranger_cancels_the_flush(schedule, fates, limits):
    async def scenario():
        play = Play(limits, fates)
        await play.play(schedule)
        play.store.relent()
        await play.check()
        await play.queue.aclose(1)

    run(scenario())


@several
@given(schedules(), fates, limits, st.sampled_from([0.0005, 0.2, 5]))
def test_so_it_is_where_it_is_closed_in_the_middle(schedule, fates, limits, deadline):
    async def scenario():
        play = Play(limits, fates)
        await play.play(schedule)
        with suppress(FlushIncomplete):
            await play.queue.aclose(deadline)
        sent = len(play.store.sent)
        await asyncio.sleep(5)
        assert all(task.done() for task in play.tasks)
        assert len(play.store.sent) == sent
        await play.check()
        await play.queue.aclose(1)

    run(scenario())
