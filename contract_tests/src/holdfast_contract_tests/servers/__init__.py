"""The servers that adapters need."""

from typing import Protocol

from holdfast_contract_tests.verdict import NotRun

__all__ = ["Server", "find_server"]


class Server(Protocol):
    """A kind of server."""

    def url(self) -> str:
        """Where one is.

        Raises:
            NotRun: There is none, and none can be started; it says what to install.
        """
        ...


def find_server(server: Server) -> str:
    """Where a server of this kind is."""
    return server.url()


__all__ += ["NotRun"]
