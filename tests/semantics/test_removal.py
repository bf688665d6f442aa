"""Removal: both ends are named, and nothing that the caller has not seen is touched."""

import pytest

from holdfast import InvalidArgument, NotFound, Session


@pytest.fixture(autouse=True)
async def messages(adapter, say):
    await adapter.sessions.save(Session(id="s", data={"a": 1}))
    return await adapter.messages.append("s", say(*"abcdef"))


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("through", range(1, 7))
async def test_what_lies_between_is_removed(adapter, messages, after, through):
    if after >= through:
        with pytest.raises(InvalidArgument):
            await adapter.messages.remove("s", after=after, through=through)
        through = after
    else:
        assert await adapter.messages.remove("s", after=after, through=through) == through - after
    left = [message for message in messages if not after < message.seq <= through]
    assert list(await adapter.messages.find("s")) == left
    for message in messages:
        found = await adapter.messages.get("s", message.id)
        assert found == (message if message in left else None)
    session = await adapter.sessions.get("s")
    assert (session.message_count, session.last_seq, session.version) == (len(left), 6, 1)
    assert session.data == {"a": 1}


@pytest.mark.parametrize("through", [7, 8, 2**63 - 1])
async def test_what_was_not_appended_yet_cannot_be_removed(adapter, everything, through):
    before = await everything(adapter)
    with pytest.raises(InvalidArgument):
        await adapter.messages.remove("s", after=0, through=through)
    assert await everything(adapter) == before


async def test_what_is_removed_already_is_not_counted(adapter):
    assert await adapter.messages.remove("s", after=1, through=4) == 3
    assert await adapter.messages.remove("s", after=0, through=5) == 2
    assert await adapter.messages.remove("s", after=0, through=5) == 0
    assert (await adapter.sessions.get("s")).message_count == 1


async def test_a_removal_counts_as_a_write(adapter, clock):
    clock.pass_(hours=1)
    await adapter.messages.remove("s", after=0, through=1)
    session = await adapter.sessions.get("s")
    assert session.updated_at == clock.now
    assert session.last_message_at < clock.now


async def test_nothing_can_be_removed_from_a_session_that_is_not_there(adapter):
    with pytest.raises(NotFound):
        await adapter.messages.remove("none", after=0, through=1)


async def test_a_removal_touches_one_session_alone(adapter, say):
    await adapter.sessions.save(Session(id="other"))
    await adapter.messages.append("other", say(*"abcdef"))
    await adapter.messages.remove("s", after=0, through=6)
    assert len(await adapter.messages.find("other")) == 6
