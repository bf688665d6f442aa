"""What the tests of hooks share: hooks that raise, hooks that note, and what is stored."""


class Refused(Exception):
    pass


def raising(*errors):
    """A function that raises these, one a call, and then nothing."""
    left = list(errors)

    def hook(*said):
        if left:
            raise left.pop(0)

    return hook


async def said(manager, session_id="s"):
    return [message.content for message in await manager.history(session_id)]


def noting(calls):
    return lambda *said: calls.append("called")
