"""What the tests of removing, pruning and redacting share: messages, and where they stand."""

from holdfast import Message, Session, ToolCall, ToolResult


def call(*ids: str) -> Message:
    return Message(role="assistant", content=[ToolCall(id=id_, name="book", args={"seat": 1}) for id_ in ids])


def answer(*ids: str) -> Message:
    return Message(role="tool", content=[ToolResult(call_id=id_, content="booked") for id_ in ids])


def says(text: str = "words") -> Message:
    return Message(role="user", content=text)


async def store(adapter, *turns, session_id: str = "s") -> None:
    if await adapter.sessions.get(session_id) is None:
        await adapter.sessions.save(Session(id=session_id))
    for turn in turns:
        await adapter.messages.append(session_id, turn)


async def seqs(adapter, session_id: str = "s") -> list[int]:
    return [message.seq for message in await adapter.messages.find(session_id, limit=1000)]


class Meanwhile:
    """An adapter on which something happens between what is read and what is committed."""

    def __init__(self, adapter, happens) -> None:
        self._adapter = adapter
        self._happens = happens

    def __getattr__(self, name):
        return getattr(self._adapter, name)

    async def commit(self, turn):
        await self._happens()
        return await self._adapter.commit(turn)


async def seqs_by_page(adapter) -> list[int]:
    page = await adapter.messages.find("s")
    found = [message.seq for message in page]
    while page.next:
        page = await adapter.messages.find("s", cursor=page.next)
        found += [message.seq for message in page]
    return found
