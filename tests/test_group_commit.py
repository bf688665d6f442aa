"""The queue before a store: order, bounds, deadlines, cancellation, closing."""

import asyncio
import contextvars

import pytest

from holdfast import BackendTimeout, Backpressure, FlushIncomplete, HoldfastError, Limits, NotFound, OutcomeUnknown
from holdfast.toolkit import Busy, Done, Head, Ref, Refused, SessionKey, Write
from holdfast.toolkit.operation import operation
from holdfast.toolkit import GroupCommit

SPAN = contextvars.ContextVar("span", default="none")


class ScriptedStore:
    """Answers each flush as told; holds them while ``gate`` is closed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.spans: list[str] = []
        self.answers: dict[str, list] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def flush(self, writes):
        await self.gate.wait()
        self.seen += [write.turn_id for write in writes]
        self.spans.append(SPAN.get())
        answers = []
        for write in writes:
            script = self.answers.get(write.turn_id) or [Done(Head(key=SessionKey(*write.ref, "k")))]
            answers.append(script.pop(0))
            if isinstance(answers[-1], Exception):
                raise answers[-1]
        return answers


def write(turn_id: str, size: int = 1) -> Write:
    return Write(ref=Ref("", "s"), turn_id=turn_id, digest=b"", now=0, size=size)


@pytest.fixture
async def store() -> ScriptedStore:
    return ScriptedStore()


async def submit(queue: GroupCommit, one: Write, timeout: float = 5) -> Done:
    async with operation("commit", timeout=timeout, translate=lambda *_: None, observer=None) as running:
        return await queue.submit(one, running)


async def test_writes_are_flushed_in_the_order_of_submission(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    await asyncio.gather(*[submit(queue, write(str(number))) for number in range(20)])
    assert store.seen == [str(number) for number in range(20)]


async def test_a_failure_is_its_own_writes_alone(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.answers = {"1": [Refused(NotFound("here"))], "2": [ValueError("driver")]}
    results = await asyncio.gather(*[submit(queue, write(str(n))) for n in range(4)], return_exceptions=True)
    assert [type(result) for result in results] == [Done, NotFound, ValueError, Done]


async def test_nothing_of_the_callers_context_is_in_the_flush(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    SPAN.set("the caller's")
    await submit(queue, write("1"))
    assert store.spans == ["none"]


async def test_a_write_whose_deadline_passes_unsent_was_not_written(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.gate.clear()
    first = asyncio.create_task(submit(queue, write("first")))
    await asyncio.sleep(0)
    with pytest.raises(BackendTimeout):
        await submit(queue, write("second"), timeout=0.02)
    store.gate.set()
    await first
    await submit(queue, write("third"))
    assert store.seen == ["first", "third"]


async def test_a_write_whose_deadline_passes_after_it_was_sent_is_unknown_and_names_its_turn(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.gate.clear()
    with pytest.raises(OutcomeUnknown) as caught:
        await submit(queue, write("sent"), timeout=0.02)
    assert caught.value.turn_id == "sent"
    store.gate.set()
    await submit(queue, write("next"))
    assert store.seen == ["sent", "next"]


async def test_a_cancelled_caller_withdraws_what_was_not_sent(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.gate.clear()
    tasks = [asyncio.create_task(submit(queue, write(name))) for name in ("sent", "waiting", "other")]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.gather(*tasks[:2], return_exceptions=True)
    store.gate.set()
    await tasks[2]
    assert store.seen == ["sent", "other"]


@pytest.mark.parametrize("limits", [Limits(queue_items=3), Limits(queue_bytes=3)])
async def test_a_full_queue_makes_callers_wait_and_then_refuses_them(store, limits):
    queue = GroupCommit(store.flush, limits, translate=lambda *_: None)
    store.gate.clear()
    tasks = [asyncio.create_task(submit(queue, write(str(number)))) for number in range(4)]
    await asyncio.sleep(0.01)
    with pytest.raises(Backpressure):
        await submit(queue, write("late"), timeout=0.02)
    patient = asyncio.create_task(submit(queue, write("patient")))
    await asyncio.sleep(0.01)
    store.gate.set()
    await asyncio.gather(*tasks, patient)
    assert store.seen == ["0", "1", "2", "3", "patient"]


async def test_a_write_larger_than_the_queue_is_admitted_when_it_is_alone(store):
    queue = GroupCommit(store.flush, Limits(queue_bytes=3), translate=lambda *_: None)
    await submit(queue, write("large", size=100))
    assert store.seen == ["large"]


async def test_a_busy_session_is_tried_again(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.answers = {"1": [Busy(), Busy(), Done(Head(key=SessionKey("", "s", "k")))]}
    await submit(queue, write("1"))
    assert store.seen == ["1"] * 3


async def test_a_session_that_stays_busy_times_out_and_was_not_written(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.answers = {"1": [Busy()] * 1000}
    with pytest.raises(BackendTimeout):
        await submit(queue, write("1"), timeout=0.05)
    await submit(queue, write("2"))
    assert store.seen[-1] == "2"


async def test_closing_flushes_what_waits(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    tasks = [asyncio.create_task(submit(queue, write(str(number)))) for number in range(5)]
    await asyncio.sleep(0)
    await queue.aclose(5)
    assert len(store.seen) == 5
    await asyncio.gather(*tasks)


async def test_closing_names_what_it_could_not_flush_in_time(store):
    queue = GroupCommit(store.flush, Limits(), translate=lambda *_: None)
    store.gate.clear()
    tasks = [asyncio.create_task(submit(queue, write(str(number)))) for number in range(3)]
    await asyncio.sleep(0.01)
    with pytest.raises(FlushIncomplete) as caught:
        await queue.aclose(0.02)
    assert caught.value.session_ids == ("s", "s", "s")
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, HoldfastError) for result in results)
