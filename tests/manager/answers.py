"""What the tests of regenerating share: turns of few words, and what is stored of them."""


async def said(manager):
    return [message.text for message in await manager.history("s")]


async def talk(session, *contents, turn_id=None):
    """One turn; who speaks is told by the first letter."""
    roles = {"u": "user", "a": "assistant", "t": "tool", "s": "system"}
    async with session.turn(turn_id) as turn:
        for content in contents:
            turn.add(roles[content[0]], content)
