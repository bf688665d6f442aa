"""Sessions of a user, of another, and of nobody; and all that is stored of them, in plain values."""

from datetime import timedelta

from holdfast import HoldfastError, Message, Page, Session, SessionQuery
from holdfast.manager.users.view import UserView

ME = "me"
NAMES = ["mine", "old", "theirs", "nobodys", "old-theirs", "absent"]
OTHERS = {"theirs", "nobodys"}


def say(*words):
    return [Message(id=word, role="user", content=word) for word in words]


def new_view(adapter, told=None):
    async def denied(session_id):
        told.append(session_id)

    return UserView(adapter, ME, None if told is None else denied)


async def fill(adapter, clock, *, others):
    """Sessions of mine, and if asked of another user and of nobody; ``old`` and ``old-theirs`` will expire."""
    users = {"mine": ME, "old": ME} | ({"theirs": "you", "nobodys": None, "old-theirs": "you"} if others else {})
    for name, user in users.items():
        made = Session(id=name, user_id=user, data={"of": name})
        made.expires_at = clock.now + timedelta(hours=1) if name.startswith("old") else None
        saved = await adapter.sessions.save(made)
        await adapter.messages.append(name, say("m1", "m2", "m3"), turn_id="first")
        await adapter.sessions.save(saved)
        if not name.startswith("old"):
            child = Session(id=f"child of {name}", user_id=user, parent_id=name)
            await adapter.sessions.save(child)


async def outcome(call):
    """What a call gives, in plain values; keys and cursors are random."""
    try:
        return told_of(await call)
    except HoldfastError as error:
        return type(error), str(error)


def told_of(answer):
    if isinstance(answer, Page):
        return [told_of(item) for item in answer], answer.next is None
    if isinstance(answer, tuple | list):
        return [told_of(item) for item in answer]
    if hasattr(answer, "replayed"):
        return told_of(answer.session), told_of(answer.messages), answer.replayed, answer.removed
    return answer.model_dump(exclude={"key"}) if hasattr(answer, "model_dump") else answer


async def stored(adapter, *, mine):
    """All that is stored, of the user or of all others."""
    query = SessionQuery(nested=True, include_expired=True, with_state=True, order="created")
    sessions = [one for one in await adapter.sessions.find(query) if (one.user_id == ME) is mine]
    messages = [await outcome(adapter.messages.find(one.id)) for one in sessions]
    return [(told_of(one), said) for one, said in zip(sessions, messages, strict=True)]
