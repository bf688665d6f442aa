"""Our adapters have no public method that the contract suite does not probe from another tenant."""

import inspect

from holdfast import Adapter, MessageRepository, SessionRepository

OWN = {"from_url", "snapshot", "clear"}


def public(kind):
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


def test_adapters_have_no_public_method_that_the_protocols_do_not_know(adapter):
    assert public(type(adapter)) <= public(Adapter) | OWN
    assert public(type(adapter.sessions)) <= public(SessionRepository)
    assert public(type(adapter.messages)) <= public(MessageRepository)
