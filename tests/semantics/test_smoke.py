from holdfast import Message, Session


async def test_a_message_comes_back(adapter):
    await adapter.sessions.save(Session(id="s"))
    [stored] = await adapter.messages.append("s", [Message(role="user", content="hi")])
    assert (await adapter.messages.find("s")).items == (stored,)
