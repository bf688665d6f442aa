"""A toy that takes a client of its user's."""

from contract_tests.tests.planted.bases import Contract, Outer, Toy

__all__ = ["Client", "OnClient"]


class Client:
    """What a driver gives to its user."""

    def __init__(self):
        self.closed = False
        self.settings = {"row_factory": "the user's"}

    async def look(self):
        """What can be seen of it."""
        return self.closed, dict(self.settings)


class ClientToy(Toy):
    """Uses a client, and leaves it as it is."""

    client: Client


class OnClient(Contract):
    """Makes adapters over it."""

    Store = ClientToy

    def make_adapter(self, env):
        return Outer(self.Store(), **env.options)

    async def make_on_client(self, env):
        adapter = Outer(self.Store(), **env.options)
        adapter.toy.client = Client()
        return adapter, adapter.toy.client.look
