"""How an adapter runs: its life, its loop, its tasks."""

import asyncio
import contextlib
import threading
import time

from contract_tests.tests.planted.bases import Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import AdapterClosed
from holdfast.toolkit import Done, GroupCommit, Observed, Phase
from holdfast.toolkit.binding import Binding
from holdfast.toolkit.lifecycle import Lifecycle


class _OtherQueue(Outer):
    """An adapter with a queue of its own."""

    Queue: type = GroupCommit

    def __init__(self, **options):
        super().__init__(**options)
        run = self._runtime
        run.commits = self.Queue(
            run.store.flush, run.limits, translate=run.translate, observer=options.get("observer")
        )
        run.commits.observer, run.commits.store = options.get("observer"), run.store


class _Alone(GroupCommit):
    async def submit(self, write, operation):
        """A lone write flies at once, in its caller's task."""
        if self._runs():
            return await super().submit(write, operation)
        operation.turn_id = write.turn_id
        [outcome] = await self.store.flush([write])
        if self.observer:
            self.observer(Observed("flush", 0.0, None, ()))
        if not isinstance(outcome, Done):
            raise outcome.error
        operation.phase = Phase.STORED
        return outcome


@planted("A lone write flies in its caller's task.", "flush.in_nobodys_task", "flush.in_nobodys_context")
class InTheCallersTask(_OtherQueue):
    Queue = _Alone


class _Inheriting(GroupCommit):
    def _start(self):
        if not self._runs():
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._ended)


@planted("The flush runs in the context of its first caller.", "flush.in_nobodys_context")
class InTheCallersContext(_OtherQueue):
    Queue = _Inheriting


@planted("A write that is refused refuses all that fly with it.", "flush.own_outcome", "together.refused")
class RefusedTogether(Toy):
    async def flush(self, writes):
        outcomes = await super().flush(writes)
        refused = [outcome for outcome in outcomes if not isinstance(outcome, Done)]
        return [refused[0]] * len(writes) if refused else outcomes


@planted("The loop is blocked while the backend works.", "flush.loop_stays_free")
class LoopBlocked(Toy):
    async def flush(self, writes):
        time.sleep(0.002)
        return await super().flush(writes)


@planted("The loop is blocked by reading.", "flush.loop_stays_free")
class LoopBlockedByReading(Toy):
    async def rows(self, key, span):
        time.sleep(0.002)
        return await super().rows(key, span)


@planted("A connection is not given back when its caller is cancelled.", "cancel.read", patience=1.0)
class LeakedOnCancel(Toy):
    free_ones = 2

    async def rows(self, key, span):
        while not self.free_ones:
            await asyncio.sleep(0.01)
        self.free_ones -= 1
        await asyncio.sleep(0)
        rows = await super().rows(key, span)
        self.free_ones += 1
        return rows


@planted("An answer that its reader did not wait for is given to the next.", "cancel.read")
class AnotherAnswer(Toy):
    async def rows(self, key, span):
        left = self.__dict__.setdefault("left", [])
        left.append(await super().rows(key, span))
        await asyncio.sleep(0)
        return left.pop(0)


@planted("Cancelling one caller cancels the flush of all.", "cancel.others")
class FlushCancelled(_OtherQueue):
    class Queue(GroupCommit):
        async def submit(self, write, operation):
            try:
                return await super().submit(write, operation)
            except asyncio.CancelledError:
                if self._task and not self._task.done():
                    self._task.cancel()
                raise

    class Store(Toy):
        async def flush(self, writes):
            for _ in range(3):
                await asyncio.sleep(0)
            return await super().flush(writes)


@planted("A cancelled turn is stored by half.", "cancel.turn")
class CancelledByHalf(Outer):
    async def commit(self, turn):
        known = {message.id for message in await self.messages.find(turn.session_id, limit=1000)}
        if not known & {message.id for message in turn.messages}:
            await self.messages.append(turn.session_id, turn.messages[:1], turn_id=turn.id)
        return await super().commit(turn)


@planted("An append costs more behind a longer history.", "growth.append")
class AppendsGrow(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, plan, head)
        rows = self._rows.get(plan.done.head.key.key)
        repr(rows)


@planted("The newest 20 cost more of a longer history.", "growth.newest")
class NewestGrows(Toy):
    async def rows(self, key, span):
        repr(list(self._rows[key.key].by_seq.values()))
        return await super().rows(key, span)


class _Unbound(Lifecycle):
    def check(self):
        if self.state != "open":
            raise AdapterClosed("It is not open.")


class _Unwatched(Binding):
    def check(self):
        """Anybody may."""


@planted("It may be used in another loop.", "lifecycle.other_loop", raises=RuntimeError)
class OtherLoop(Outer):
    def __init__(self, **options):
        super().__init__(**options)
        self._runtime.lifecycle = _Unbound()
        self._runtime.commits._binding = _Unwatched()


@planted("It may be used in a forked child.", "lifecycle.other_process", raises=RuntimeError)
class OtherProcess(OtherLoop):
    """The same."""


@planted("It may be used before it is opened.", "lifecycle.not_open")
class UsedBeforeOpened(Outer):
    def __init__(self, **options):
        super().__init__(**options)
        self._runtime.lifecycle.check = lambda: None


@planted("It may be opened again after it was closed.", "lifecycle.closed_for_good")
class OpenedAgain(Outer):
    async def aclose(self):
        await super().aclose()
        self._runtime.lifecycle.state = "new"


@planted("Closing twice fails.", "lifecycle.twice")
class ClosedTwice(Outer):
    async def aclose(self):
        if self._runtime.lifecycle.state == "closed":
            raise AdapterClosed("It was closed before.")
        await super().aclose()


@planted("Opening twice begins anew.", "lifecycle.twice")
class OpenedTwice(Outer):
    async def initialize(self, **how):
        self.toy.clear()
        await super().initialize(**how)


@planted("A task runs on after it was closed.", "lifecycle.nothing_left")
class TaskRunsOn(Toy):
    async def initialize(self, **how):
        self.task = asyncio.ensure_future(asyncio.sleep(60))
        return await super().initialize(**how)


@planted("A thread runs on after it was closed.", "lifecycle.nothing_left", patience=0.2)
class ThreadRunsOn(Toy):
    async def initialize(self, **how):
        threading.Timer(1.0, lambda: None).start()
        return await super().initialize(**how)


@planted("What is under way when it closes gets no answer.", "lifecycle.closing_answers", patience=1.0)
class ClosingForgets(_OtherQueue):
    class Queue(GroupCommit):
        async def aclose(self, timeout):
            self._closed = True

    class Store(Toy):
        async def flush(self, writes):
            await asyncio.sleep(0.05)
            if self.__dict__.get("closed"):
                await asyncio.sleep(30)
            return await super().flush(writes)

        async def aclose(self):
            self.closed = True

    async def aclose(self):
        self._runtime.timeout = 0.01
        await super().aclose()


@planted("An error inside of `async with` is swallowed.", "lifecycle.error_inside")
class ErrorSwallowed(Outer):
    async def __aexit__(self, *exc):
        await super().__aexit__(*exc)
        return True


@planted("What was acknowledged while it closed is lost.", "lifecycle.closing_keeps")
class ClosingLoses(Shared):
    def _carry_out(self, write, plan, head):
        if not self.world.get("closing"):
            super()._carry_out(write, plan, head)

    async def heads(self, refs, *, state):
        return await super().heads(refs, state=state)

    async def flush(self, writes):
        await asyncio.sleep(0)
        self.world["closing"] = len(writes) > 1
        return await super().flush(writes)


@planted("An opening that was cancelled cannot be tried again.", "lifecycle.cancelled_opening")
class CancelledOpening(Outer):
    begun = False

    async def initialize(self, **how):
        if self.begun and self._runtime.lifecycle.state == "new":
            raise AdapterClosed("It is being opened.")
        self.begun = True
        await asyncio.sleep(0)
        await super().initialize(**how)


@planted("Of those who open it at once only one does.", "lifecycle.opened_at_once")
class OpenedByOne(Outer):
    begun = False

    async def initialize(self, **how):
        if self.begun:
            return
        self.begun = True
        await asyncio.sleep(0)
        with contextlib.suppress(AdapterClosed):
            await super().initialize(**how)


@planted("Unknown options are swallowed.", "opening.options")
class OptionsSwallowed(Outer):
    def __init__(self, **options):
        known = {"clock", "codec", "limits", "observer", "timeout", "message_ttl", "session_ttl"}
        super().__init__(**{name: value for name, value in options.items() if name in known})


@planted("A ping of a closed backend is answered.", "lifecycle.not_open")
class PingAlways(Outer):
    async def ping(self):
        """Yes."""
