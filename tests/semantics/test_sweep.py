"""Sweeping by our own stores: never more than the limit, where the contract says "about"."""

from datetime import timedelta

import pytest

from holdfast import Session


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10])
async def test_no_step_is_over_its_limit(adapter, clock, say, limit):
    for name, count in (("long", 100), ("short", 3), ("empty", 0)):
        await adapter.sessions.save(Session(id=name, expires_at=clock.now + timedelta(hours=1)))
        await adapter.messages.append(name, say(*(f"m{number}" for number in range(count))))
    clock.pass_(hours=1)
    freed = []
    while step := await adapter.sweep(limit=limit):
        freed.append(step)
    assert max(freed) <= limit
    assert sum(freed) >= 103
