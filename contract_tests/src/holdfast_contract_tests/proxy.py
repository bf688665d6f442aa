"""A TCP proxy on the loopback that does to connections what networks do."""

import asyncio
import math
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from holdfast_contract_tests.proxy_link import Link, end_stream
from holdfast_contract_tests.proxy_rules import Cut, Direction, Rules

__all__ = ["Direction", "FaultProxy"]


class FaultProxy:
    """Stands between a client and a server, and is told what goes wrong while it runs.

    As in TCP, bytes may come late or not at all, but never with a gap::

        async with FaultProxy("127.0.0.1", 6379) as proxy:
            adapter = RedisAdapter.from_url(proxy.url("redis://127.0.0.1:6379/0"))
            proxy.cut(Direction.REPLIES, after=0)
            ...
            await proxy.heal()

    Attributes:
        port: Where it listens.
        connections: How many clients it let in.
        passed: How many bytes it handed on, each way.
    """

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        self._upstream = (host, port)
        self._rules = Rules(seed)
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._holder = _bound(0)  # keeps the port ours while we refuse connections
        self.port: int = self._holder.getsockname()[1]
        self.connections = 0
        self.passed = dict.fromkeys(Direction, 0)

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._holder.close()

    def url(self, original: str) -> str:
        """The URL of a server, by way of this proxy."""
        parts = urlsplit(original)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}").geturl()

    def delay(self, seconds: float, *, jitter: float = 0.0, direction: Direction | None = None) -> None:
        """Hand each piece on after this time, and up to ``jitter`` more; both ways, unless one is named."""
        self._rules.set_pace(direction, seconds, jitter=jitter)

    def drip(self, size: int, pause: float, *, direction: Direction | None = None) -> None:
        """Hand on ``size`` bytes at a time, each time after a pause."""
        self._rules.set_pace(direction, pause, size=size)

    def blackhole(self, direction: Direction | None = None) -> None:
        """Hand nothing on, not even that a side has left; it arrives after healing, if anyone still waits."""
        self._rules.set_pace(direction, math.inf)

    def half_open(self) -> None:
        """Those who are connected now never hear from the server again, though it hears them."""
        for link in self._links:
            link.deaf = True

    def cut(self, direction: Direction, *, after: int, times: int = 1, reset: bool = False) -> None:
        """End the next connection in which this many more bytes have gone this way; the rest is lost.

        Requests cut after 0 never reach the server; replies cut after 0 are to requests that did.

        Args:
            direction: Which bytes count.
            after: How many still pass. A connection is not cut before something comes this way.
            times: How many connections are cut so, before all is well again.
            reset: Whether they end with an RST and not with a FIN; then what passed last may be lost too.
        """
        self._rules.cuts[direction] = Cut(after, times, reset)

    def end_all(self, *, reset: bool = False) -> None:
        """End all connections with a FIN, or with an RST."""
        for link in self._links:
            link.end(reset=reset)

    def refuse(self) -> None:
        """Refuse new connections."""
        if self._listener:
            self._listener.close()
            self._listener = None

    async def heal(self) -> None:
        """Do nothing wrong from now on. What a connection has lost stays lost."""
        self._rules.cuts.clear()
        self._rules.set_pace(None, 0.0)
        if self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, sock=_bound(self.port))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_connection(*self._upstream)
        except (OSError, asyncio.CancelledError):
            end_stream(writer, reset=True)
            return
        link = Link(self._rules, self.passed, (reader, writer), server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


def _bound(port: int) -> socket:
    """A socket at this port, or at one that is free."""
    it = socket(AF_INET, SOCK_STREAM)
    it.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    it.bind(("127.0.0.1", port))
    return it
