"""What the tests of conflicts share: policies, and what is stored afterwards."""

POLICIES = ["raise", "merge", lambda base, mine, theirs: mine]


async def said(manager):
    """The words of the session ``s``."""
    return [message.content for message in await manager.history("s")]


async def stored(manager):
    """Its version and its data."""
    session = await manager.load("s")
    return session.version, session.data
