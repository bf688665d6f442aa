"""Opening, closing, and what is left of it."""

import asyncio
import contextlib
import threading

from contract_tests.tests.planted.bases import OtherQueue, Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.errors import AdapterClosed
from holdfast.toolkit import GroupCommit
from holdfast.toolkit.binding import Binding
from holdfast.toolkit.lifecycle import Lifecycle


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
class ClosingForgets(OtherQueue):
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
