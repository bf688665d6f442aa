"""One client's connection through a ``FaultProxy``."""

import asyncio
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from struct import pack

from holdfast_contract_tests.proxy_rules import CHUNK, Direction, Rules

__all__ = ["Link", "end_stream"]


class Link:
    """Hands on what client and server say, by the rules.

    Attributes:
        deaf: The client never hears from the server again.
        passed: How many bytes all links handed on, each way.
    """

    def __init__(
        self,
        rules: Rules,
        passed: dict[Direction, int],
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.deaf = False
        self.passed = passed
        self._rules = rules
        self._over = False
        self._sources = {Direction.REQUESTS: client[0], Direction.REPLIES: server[0]}
        self._sinks = {Direction.REQUESTS: server[1], Direction.REPLIES: client[1]}

    async def run(self) -> None:
        """Hand on until both sides have left. Cancelled, it resets both."""
        try:
            await asyncio.gather(*(self._pump(direction) for direction in Direction))
            self.end(reset=False)
            await self._closed()
        finally:
            self.end(reset=True)
            await self._closed()

    def end(self, *, reset: bool) -> None:
        """End both connections with a FIN, or with an RST."""
        self._over = True
        for sink in self._sinks.values():
            end_stream(sink, reset=reset)

    async def _closed(self) -> None:
        await asyncio.gather(*(sink.wait_closed() for sink in self._sinks.values()), return_exceptions=True)

    async def _pump(self, direction: Direction) -> None:
        source, sink = self._sources[direction], self._sinks[direction]
        try:
            while not self._over and (chunk := await source.read(CHUNK)):
                await self._hand_on(direction, chunk)
            await self._pause(direction)
            if not self._over:
                sink.write_eof()
        except OSError:
            # That a connection broke is news too, which no blackhole lets through.
            for each in Direction:
                await self._pause(each)
            if not self._over:
                self.end(reset=True)

    async def _hand_on(self, direction: Direction, chunk: bytes) -> None:
        while chunk and not self._over:
            await self._pause(direction)
            piece = await self._hand_on_piece(direction, chunk)
            chunk = chunk[len(piece) :]

    async def _hand_on_piece(self, direction: Direction, chunk: bytes) -> bytes:
        cut = self._rules.cuts.get(direction)
        size = self._rules.size(direction)
        piece = chunk[: min(size, cut.room(self)) if cut else size]
        self._sinks[direction].write(piece)
        self.passed[direction] += len(piece)
        if cut and cut.is_due(self, len(piece)):
            self.end(reset=cut.reset)
            self._rules.count_cut(direction)
        else:
            await self._sinks[direction].drain()
        return piece

    async def _pause(self, direction: Direction) -> None:
        await self._rules.pause(direction)
        if self.deaf and direction is Direction.REPLIES:
            await asyncio.Event().wait()


def end_stream(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    """End a connection with a FIN, or with an RST."""
    if not reset:
        writer.close()
        return
    with suppress(OSError):  # it may be closed already
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()
