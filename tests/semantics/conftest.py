"""What the tests of the semantics share: adapters with options, messages, and looks at all that is stored."""

from contextlib import AsyncExitStack

import pytest
from tests.conftest import make_adapter

from holdfast import Message, SessionQuery


@pytest.fixture
def new_adapter(backend, tmp_path, clock):
    """Makes adapters of this backend, not opened yet; a file of one name is one database."""

    def make(*, folder=tmp_path, **options):
        return make_adapter(backend, folder, **{"clock": clock, **options})

    return make


@pytest.fixture
async def open_adapter(new_adapter):
    """Makes and opens adapters with options, and closes them at the end."""
    async with AsyncExitStack() as stack:

        async def opened(**options):
            return await stack.enter_async_context(new_adapter(**options))

        yield opened


@pytest.fixture
def say():
    """Messages whose id and text are the same words."""

    def messages(*words, **fields):
        return [Message(id=word, role="user", content=word, **fields) for word in words]

    return messages


@pytest.fixture
def seqs():
    """Where messages stand, by id."""

    def positions(messages):
        return {message.id: message.seq for message in messages}

    return positions


@pytest.fixture
def everything():
    """All that can be read of a tenant: to see that a refused call has changed nothing."""

    async def look(adapter):
        query = SessionQuery(nested=True, include_expired=True, with_state=True, order="created", limit=1000)
        sessions = await adapter.sessions.find(query)
        assert sessions.next is None
        texts = []
        for session in sessions:
            page = await adapter.messages.find(session.id, limit=1000)
            assert page.next is None
            texts.append(page.items)
        return sessions.items, texts

    return look
