"""What an author writes: a class with one method."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from holdfast import Adapter
from holdfast_contract_tests.clause import Clause, all_clauses
from holdfast_contract_tests.env import Env
from holdfast_contract_tests.probe import Probe
from holdfast_contract_tests.verdict import NotRun, Unsupported

if TYPE_CHECKING:
    from holdfast_contract_tests.servers import Server

__all__ = ["AdapterContract"]


class AdapterContract:
    """The contract as tests. Derive from it, make an adapter, run pytest.

    For example::

        class TestMyAdapter(AdapterContract):
            def make_adapter(self, env):
                return MyAdapter(env.path / "chat.db", **env.options)

    Attributes:
        server: The server that the adapter needs; its address is ``env.url``.
    """

    server: "ClassVar[Server | None]" = None

    def make_adapter(self, env: Env) -> "Adapter | Awaitable[Adapter]":
        """A new adapter that is not opened yet; it may also be a coroutine.

        Called again with the same ``env``, it gives another handle on the same data. The class must be at the
        top of a module: processes that the suite starts import it.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method make_adapter(self, env).")

    async def make_on_client(self, env: Env) -> tuple[Adapter, Callable[[], Awaitable[Any]]]:
        """Where the adapter can take a client of its user's: one over such a client, not opened yet.

        Beside it, a coroutine function that uses the client and gives what can be seen of its settings: it is
        called before the adapter is opened and after it was closed.

        Raises:
            Unsupported: The adapter takes no client.
        """
        del env
        raise Unsupported("make_on_client() is not there: the adapter takes no client.")

    async def drop(self, env: Env) -> None:
        """Remove what is stored in a namespace, when its test is over. Optional: a server may be used again."""

    def about(self, adapter: Adapter) -> Mapping[str, str]:
        """What the card is to say beside the adapter's own version: that of the server, and of the driver."""
        del adapter
        return {}

    def probe(self, adapter: Adapter, env: Env) -> Probe:
        """Reads and damages what this adapter stored, without the adapter. Optional.

        Raises:
            NotRun: There is none.
        """
        del adapter, env
        raise NotRun(f"{type(self).__name__} has no probe().")


def _add_test(clause: Clause) -> None:
    def test(self: AdapterContract) -> None:
        raise NotImplementedError(f"{type(self).__name__}.{clause.test_name} is run by the suite's pytest plugin.")

    test.__name__ = clause.test_name
    test.__qualname__ = f"{AdapterContract.__name__}.{clause.test_name}"
    test.__doc__ = clause.promise
    setattr(AdapterContract, clause.test_name, test)


@cache
def add_tests() -> None:
    """Give the class a test for each clause, once."""
    for clause in all_clauses().values():
        _add_test(clause)
