"""Every public method of an adapter, called in the simplest way: for promises that hold for all of them."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from holdfast import (
    Adapter,
    Capability,
    Message,
    MessageRepository,
    Session,
    SessionQuery,
    SessionRepository,
    Turn,
)

__all__ = ["CALLS", "calls_of", "public_names"]

Call = Callable[[Adapter], Awaitable[Any]]

CALLS: Mapping[str, Call] = {
    "sessions.get": lambda a: a.sessions.get("s"),
    "sessions.save": lambda a: a.sessions.save(Session(id="new")),
    "sessions.find": lambda a: a.sessions.find(SessionQuery()),
    "sessions.delete": lambda a: a.sessions.delete("s"),
    "messages.append": lambda a: a.messages.append("s", [Message(role="user", content="words")]),
    "messages.find": lambda a: a.messages.find("s"),
    "messages.get": lambda a: a.messages.get("s", "a"),
    "messages.remove": lambda a: a.messages.remove("s", after=0, through=1),
    "messages.replace": lambda a: a.messages.replace("s", Message(id="a", role="user", content="words")),
    "commit": lambda a: a.commit(Turn(session_id="s", messages=[Message(role="user", content="words")])),
    "ping": lambda a: a.ping(),
    "sweep": lambda a: a.sweep(),
}
"""By name, a call that asks the backend for something; made anew at each use."""


_NEEDS = {"messages.remove": Capability.REMOVE, "messages.replace": Capability.REPLACE}


def calls_of(capabilities: frozenset[str]) -> Mapping[str, Call]:
    """The calls that an adapter with these capabilities offers."""
    return {name: call for name, call in CALLS.items() if _NEEDS.get(name, "") in {"", *capabilities}}


def public_names() -> set[str]:
    """The names of all public methods and properties of the protocols."""
    protocols = {"": Adapter, "sessions.": SessionRepository, "messages.": MessageRepository}
    return {
        prefix + name
        for prefix, protocol in protocols.items()
        for name, _ in inspect.getmembers(protocol)
        if not name.startswith("_")
    }
