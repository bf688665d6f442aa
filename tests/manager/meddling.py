"""An adapter at whose calls something happens, and a session that changes hands meanwhile."""

from functools import partial

from holdfast import Message, Session, SessionQuery, Turn
from holdfast.manager.users.view import UserView

ME, YOU = "me", "you"
HOW = ["new view", "view that has seen it", "view that has seen an earlier life"]


class Meddled:
    """An adapter at whose calls something happens: before the n-th, or after it."""

    def __init__(self, adapter):
        self._adapter, self.calls, self._plan = adapter, [], {}
        self.sessions, self.messages = Part(self, "sessions"), Part(self, "messages")

    def __getattr__(self, name):
        return getattr(self._adapter, name)

    def meddle(self, plan):
        self.calls, self._plan = [], plan

    async def commit(self, turn):
        return await self.around("commit", self._adapter.commit, turn)

    async def around(self, name, call, *args, **how):
        self.calls.append(name)
        number = len(self.calls)
        if ("before", number) in self._plan:
            await self._plan["before", number]()
        try:
            return await call(*args, **how)
        finally:
            if ("after", number) in self._plan:
                await self._plan["after", number]()


class Part:
    """One of its repositories."""

    def __init__(self, whole, name):
        self._whole, self._name = whole, name

    def __getattr__(self, name):
        method = getattr(getattr(self._whole._adapter, self._name), name)
        return partial(self._whole.around, f"{self._name}.{name}", method)


class World:
    """One session id, ``s``, with a life of mine or of another user, each with words of its own."""

    def __init__(self, adapter):
        self.adapter, self.lives = adapter, 0
        self.below = Meddled(adapter)
        self.told = []
        self.view = UserView(self.below, ME, self._denied)

    async def _denied(self, session_id):
        self.told.append(session_id)

    async def begin(self, user):
        """Another life of the session begins; its messages have the same ids in each."""
        await self.adapter.sessions.delete("s")
        self.lives += 1
        words = f"of {user}, life {self.lives}"
        said = [Message(id=f"m{number}", role="user", content=words) for number in (1, 2, 3)]
        fresh = Session(id="s", user_id=user, data={"words": words})
        await self.adapter.commit(Turn(session_id="s", session=fresh, messages=said))
        await self.adapter.sessions.save(Session(id="child", user_id=user, parent_id="s"))

    def begins(self, user):
        return lambda: self.begin(user)

    async def theirs(self):
        """All that another user has."""
        query = SessionQuery(nested=True, with_state=True, user_id=YOU)
        found = {one.id: one for one in await self.adapter.sessions.find(query)}
        return found, {name: await self.adapter.messages.find(name) for name in found}


async def a_world(adapter, how="new view", user=ME):
    """A life, of which the view knows more or less."""
    world = World(adapter)
    await adapter.sessions.delete("below")
    await world.begin(user)
    if how != HOW[0]:
        await world.view.sessions.get("s")
    if how == HOW[2]:
        await world.begin(user)
    world.told.clear()
    return world
