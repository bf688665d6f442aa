"""Small values that unfold to huge texts. Core encodes for all backends, so one backend is enough here."""

import tracemalloc
from decimal import Decimal

import pytest

from holdfast import Limits, Message, PayloadTooLarge, Session
from holdfast_memory import MemoryAdapter

ALLOWED = 20_000


def doubled(levels, seed):
    value = seed
    for _ in range(levels):
        value = [value, value]
    return value


BOMBS = {
    "lists": lambda: doubled(90, []),
    "tuples": lambda: doubled(90, ()),
    "texts": lambda: ["x" * 10_000] * 10_000,
    "bytes": lambda: [b"x" * 10_000] * 10_000,
    "keys": lambda: [{"x" * 10_000: 1}] * 10_000,
    "integers": lambda: [10**4299] * 5_000,
    "decimals": lambda: [Decimal("9" * 10_000)] * 1_000,
    "sets": lambda: [frozenset(range(1000))] * 10_000,
    "nothings": lambda: [None] * 1_000_000,
    "flags": lambda: [True] * 1_000_000,
    "zeros": lambda: [0] * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
async def test_what_unfolds_without_end_is_refused_before_memory_is_spent(name):
    async with MemoryAdapter(limits=Limits(state_bytes=ALLOWED, message_bytes=ALLOWED)) as adapter:
        await adapter.sessions.save(Session(id="s"))
        session = Session(id="t", data={"v": BOMBS[name]()})
        message = Message(role="user", raw=session.data["v"])
        tracemalloc.start()
        try:
            for call, limit in (
                (adapter.sessions.save(session), "state_bytes"),
                (adapter.messages.append("s", [message]), "message_bytes"),
            ):
                with pytest.raises(PayloadTooLarge) as caught:
                    await call
                assert caught.value.limit == limit
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000
