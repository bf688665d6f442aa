"""Lifetimes: how core spares writes. What they promise is in the contract suite (``clauses/lifetimes.py``)."""

from datetime import timedelta

from holdfast import Session

HOUR = timedelta(hours=1)


async def test_a_move_of_less_than_a_tenth_is_not_stored(open_adapter, clock, say):
    adapter = await open_adapter(message_ttl=HOUR)
    start = clock.now
    await adapter.sessions.save(Session(id="s"))
    clock.pass_(minutes=6, microseconds=-1)
    await adapter.messages.append("s", say("a"))
    assert (await adapter.sessions.get("s")).expires_at == start + HOUR
    clock.pass_(microseconds=1)
    await adapter.messages.append("s", say("b"))
    assert (await adapter.sessions.get("s")).expires_at == clock.now + HOUR
