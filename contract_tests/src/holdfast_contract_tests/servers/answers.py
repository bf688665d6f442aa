"""Whether a server answers, by the first words of its own protocol: the suite needs no drivers."""

import struct
from http.client import HTTPConnection, HTTPException
from socket import create_connection

__all__ = ["http_answers", "mongo_answers", "mysql_answers", "postgres_answers", "redis_answers"]


def redis_answers(port: int, command: str = "PING", reply: str = "+PONG") -> bool:
    """Whether the reply to a command holds this text."""
    return reply.encode() in _reply(port, f"{command}\r\n".encode())


def postgres_answers(port: int) -> bool:
    """Whether it goes on to authentication; while it starts, it answers with an error."""
    words = struct.pack("!i", 196608) + b"user\0postgres\0\0"
    return _reply(port, struct.pack("!i", len(words) + 4) + words).startswith(b"R")


def mysql_answers(port: int) -> bool:
    """Whether it greets, in version 10 of the protocol, which is the one that all speak."""
    return _reply(port, b"")[4:5] == b"\x0a"


def mongo_answers(port: int) -> bool:
    """Whether it answers a ping."""
    elements = b"\x10ping\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0\0"
    body = b"\0\0\0\0\0" + struct.pack("<i", len(elements) + 4) + elements
    return len(_reply(port, struct.pack("<iiii", len(body) + 16, 1, 0, 2013) + body)) > 16  # noqa: PLR2004


def http_answers(port: int, path: str = "/") -> bool:
    """Whether there is such a page."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200  # noqa: PLR2004
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _reply(port: int, request: bytes) -> bytes:
    """The first piece of the reply; all replies that we wait for are small."""
    try:
        with create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(request)
            return connection.recv(65536)
    except OSError:
        return b""
