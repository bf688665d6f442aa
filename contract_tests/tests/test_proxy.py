"""Each fault of the proxy, as the client and as the server see it."""

import asyncio
import struct
from contextlib import asynccontextmanager
from socket import SO_LINGER, SOL_SOCKET

import pytest

from holdfast_contract_tests.proxy import Direction, FaultProxy

LONG = 3600


class Echo:
    """A server that answers each line with itself, and remembers what it got."""

    def __init__(self):
        self.got = b""
        self.changed = asyncio.Condition()
        self.ended = []
        self.writers = []

    def reset_all(self):
        for writer in self.writers:
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def serve(self, reader, writer):
        self.writers.append(writer)
        try:
            while data := await reader.read(65536):
                await self.note(data)
                writer.write(data)
                await writer.drain()
            self.ended.append("FIN")
        except ConnectionError:
            self.ended.append("RST")
        await self.note(b"")
        writer.close()

    async def note(self, data):
        async with self.changed:
            self.got += data
            self.changed.notify_all()

    async def until(self, holds):
        async with self.changed:
            await self.changed.wait_for(holds)


@pytest.fixture
async def echo():
    it = Echo()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    yield it
    server.close()


@pytest.fixture
async def proxy(echo):
    async with FaultProxy("127.0.0.1", echo.port) as it:
        yield it


@asynccontextmanager
async def client(proxy):
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        async with asyncio.timeout(60):
            yield reader, writer
    finally:
        writer.transport.abort()


async def says(connection, words):
    reader, writer = connection
    writer.write(words)
    assert await reader.readexactly(len(words)) == words


async def hears_nothing(connection):
    """Nothing comes in all the turns that a healthy reply would take many times over."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await connection[0].read(1)


async def works(proxy):
    async with client(proxy) as connection:
        await says(connection, b"well again")


async def test_what_is_said_passes_and_is_counted(proxy):
    async with client(proxy) as one, client(proxy) as two:
        await says(one, b"hello")
        await says(two, b"x" * 1_000_000)
    assert proxy.connections == 2
    assert proxy.passed == {Direction.REQUESTS: 1_000_005, Direction.REPLIES: 1_000_005}


async def test_leaving_is_passed_on(proxy, echo):
    async with client(proxy) as (reader, writer):
        writer.write(b"last words")
        writer.write_eof()
        assert await reader.read() == b"last words"
    assert echo.ended == ["FIN"]


async def test_a_reset_is_passed_on(proxy, echo):
    async with client(proxy) as connection:
        await says(connection, b"hello")
        proxy.end_all(reset=True)
        with pytest.raises(ConnectionResetError):
            await connection[0].read()
        await echo.until(lambda: echo.ended)
    assert echo.ended == ["RST"]
    await works(proxy)


async def test_all_connections_end_with_a_fin(proxy, echo):
    async with client(proxy) as one, client(proxy) as two:
        await says(one, b"one")
        await says(two, b"two")
        proxy.end_all()
        assert await one[0].read() == await two[0].read() == b""
        await echo.until(lambda: len(echo.ended) == 2)
    assert echo.ended == ["FIN", "FIN"]
    await works(proxy)


async def test_new_connections_are_refused_and_old_ones_go_on(proxy):
    async with client(proxy) as old:
        await says(old, b"before")
        proxy.refuse()
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            async with client(proxy):
                pass
        await says(old, b"still here")
        await proxy.heal()
        await says(old, b"and after")
    await works(proxy)


async def test_a_server_that_is_not_there_resets():
    async with FaultProxy("127.0.0.1", 1) as proxy, client(proxy) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_delayed_words_arrive_in_order(proxy):
    proxy.delay(0.001, jitter=0.005)
    async with client(proxy) as connection:
        for number in range(20):
            await says(connection, f"{number}\n".encode())


@pytest.mark.parametrize("direction", Direction)
async def test_healing_ends_a_delay(proxy, direction):
    proxy.delay(LONG, direction=direction)
    async with client(proxy) as connection:
        connection[1].write(b"late")
        await hears_nothing(connection)
        await proxy.heal()
        assert await connection[0].readexactly(4) == b"late"
    await works(proxy)


async def test_dripped_words_are_whole(proxy):
    proxy.drip(1, 0.001)
    async with client(proxy) as connection:
        await says(connection, b"drop by drop")


async def test_healing_ends_a_drip(proxy):
    async with client(proxy) as connection:
        await says(connection, b"hello")
        proxy.drip(3, LONG, direction=Direction.REPLIES)
        connection[1].write(b"abcdef")
        await hears_nothing(connection)
        await proxy.heal()
        assert await connection[0].readexactly(6) == b"abcdef"


async def test_a_blackhole_of_requests_keeps_them_from_the_server(proxy, echo):
    proxy.blackhole(Direction.REQUESTS)
    async with client(proxy) as connection:
        connection[1].write(b"lost?")
        await hears_nothing(connection)
        assert echo.got == b""
        await proxy.heal()
        assert await connection[0].readexactly(5) == b"lost?"
    await works(proxy)


async def test_a_blackhole_of_replies_lets_the_server_hear(proxy, echo):
    proxy.blackhole(Direction.REPLIES)
    async with client(proxy) as connection:
        connection[1].write(b"heard")
        await echo.until(lambda: echo.got == b"heard")
        await hears_nothing(connection)
    await proxy.heal()
    await works(proxy)


async def test_a_blackhole_does_not_tell_that_the_client_left(proxy, echo):
    async with client(proxy) as connection:
        await says(connection, b"hello")
        proxy.blackhole()
    async with client(proxy) as other:
        await hears_nothing(other)
    assert echo.ended == []
    await proxy.heal()
    async with asyncio.timeout(60):
        await echo.until(lambda: len(echo.ended) == 2)


async def test_a_blackhole_does_not_tell_that_the_server_broke(proxy, echo):
    async with client(proxy) as connection:
        await says(connection, b"hello")
        proxy.blackhole(Direction.REPLIES)
        echo.reset_all()
        for word in (b"first", b"second"):
            connection[1].write(word)
            await hears_nothing(connection)
        await proxy.heal()
        with pytest.raises(ConnectionResetError):
            await connection[0].read()


async def test_a_half_open_connection_is_heard_and_never_answered(proxy, echo):
    async with client(proxy) as old:
        await says(old, b"hello")
        proxy.half_open()
        old[1].write(b" again")
        await echo.until(lambda: echo.got == b"hello again")
        await works(proxy)
        await proxy.heal()
        await hears_nothing(old)


@pytest.mark.parametrize("after", [0, 1, 3, 5])
async def test_a_cut_request_reaches_the_server_in_part(proxy, echo, after):
    async with client(proxy) as connection:
        await says(connection, b"hello")
        proxy.cut(Direction.REQUESTS, after=after)
        connection[1].write(b"again")
        await connection[0].read()
        await echo.until(lambda: echo.ended)
    assert echo.got == b"hello" + b"again"[:after]
    await works(proxy)


@pytest.mark.parametrize("after", [0, 1, 3, 5])
async def test_a_cut_reply_is_to_a_request_that_reached_the_server(proxy, echo, after):
    async with client(proxy) as connection:
        await says(connection, b"hello")
        proxy.cut(Direction.REPLIES, after=after)
        connection[1].write(b"again")
        assert await connection[0].read() == b"again"[:after]
        await echo.until(lambda: echo.ended)
    assert echo.got == b"helloagain"
    await works(proxy)


@pytest.mark.parametrize("direction", Direction)
async def test_a_cut_may_be_a_reset(proxy, echo, direction):
    proxy.cut(direction, after=0, reset=True)
    async with client(proxy) as connection:
        connection[1].write(b"hello")
        with pytest.raises(ConnectionResetError):
            await connection[0].read()
        await echo.until(lambda: echo.ended)
    assert echo.ended == ["RST"]
    assert echo.got == (b"" if direction is Direction.REQUESTS else b"hello")


async def test_bytes_are_counted_for_each_connection_and_over_all_pieces(proxy):
    proxy.cut(Direction.REPLIES, after=7)
    async with client(proxy) as one, client(proxy) as two:
        await says(one, b"ab")
        await says(two, b"four")
        two[1].write(b"four")
        assert await two[0].read() == b"fou"
        await says(one, b"long after seven")


async def test_several_connections_are_cut(proxy):
    proxy.cut(Direction.REQUESTS, after=0, times=2)
    for _ in range(2):
        async with client(proxy) as (reader, writer):
            writer.write(b"hello")
            assert await reader.read() == b""
    await works(proxy)


async def test_healing_takes_back_a_cut(proxy):
    proxy.cut(Direction.REQUESTS, after=0)
    await proxy.heal()
    await works(proxy)


@pytest.mark.parametrize("harm", ["blackhole", "half_open", "refuse", "end_all"])
async def test_closing_leaves_nothing_behind(echo, harm):
    async with FaultProxy("127.0.0.1", echo.port) as proxy, client(proxy) as connection:
        await says(connection, b"hello")
        getattr(proxy, harm)()
        connection[1].write(b"x" * 1_000_000)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    async with asyncio.timeout(60):
        await echo.until(lambda: echo.ended)


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:{port}/0"),
        ("postgresql://u:p%40w@db:5432/x?a=b", "postgresql://u:p%40w@127.0.0.1:{port}/x?a=b"),
        ("http://[::1]:9200", "http://127.0.0.1:{port}"),
    ],
)
async def test_a_url_leads_through_the_proxy(proxy, original, expected):
    assert proxy.url(original) == expected.format(port=proxy.port)
