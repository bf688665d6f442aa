"""What a kind of server is: where to look for one, and how to start one."""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast_contract_tests.servers.instance import Instance

__all__ = ["Container", "Server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How a server is had from Docker.

    Attributes:
        image: Name and tag.
        port: Where it listens inside the container.
        url: Where it is for us, with ``{port}`` for the port that Docker chose.
        answers: Whether the server at this port of the loopback answers.
        environment: What the image reads from its environment.
        arguments: What is said after the image's name.
    """

    image: str
    port: int
    url: str
    answers: Callable[[int], bool]
    environment: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A kind of server.

    Attributes:
        name: What it is called.
        variable: The environment variable whose URL wins over all else.
        install: The command that installs it.
        start: Starts one, waits until it answers and returns its URL. It raises ``Missing`` where a program is not
            there.
        refuses_root: It does not run as root; where the tests do, it runs as nobody.
        container: How it is had from Docker, if it is.
    """

    name: str
    variable: str
    install: str
    start: Callable[[Instance], str]
    refuses_root: bool = False
    container: Container | None = None
