"""Objects that are shared between the caller and the store."""

import asyncio

from contract_tests.tests.planted.bases import Outer
from contract_tests.tests.planted.planting import planted

from holdfast.models import Page
from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions


@planted("The caller's session is kept, and given to whoever loads it.", "aliasing.passed", "aliasing.loads")
class SessionKept(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            saved = await super().save(session, **how)
            self._run.__dict__.setdefault("kept", {})[session.id] = session.data
            return saved

        async def get(self, session_id):
            session = await super().get(session_id)
            if session is not None:
                session.data = self._run.__dict__.get("kept", {}).get(session_id, session.data)
            return session


@planted("The caller's messages are kept, and given to whoever reads them.", "aliasing.passed", "aliasing.turn")
class MessagesKept(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            told = await super().append(session_id, messages, **how)
            kept = self._run.__dict__.setdefault("kept", {})
            kept |= {message.id: message for message in messages}
            return told

        async def find(self, session_id, **how):
            page = await super().find(session_id, **how)
            kept = self._run.__dict__.get("kept", {})
            items = [
                one.model_copy(update={"metadata": kept[one.id].metadata}) if one.id in kept else one
                for one in page
            ]
            return Page(tuple(items), page.next)

    async def commit(self, turn):
        done = await super().commit(turn)
        for new, old in zip(done.messages, turn.messages, strict=False):
            old.__dict__["seq"] = new.seq
        return done


@planted("A save changes the session that it was given.", "aliasing.save")
class ArgumentChanged(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            saved = await super().save(session, **how)
            session.version = saved.version
            return saved


@planted("A save gives back its argument.", "aliasing.save")
class ArgumentReturned(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            saved = await super().save(session, **how)
            session.__dict__.update(saved.__dict__)
            return session


@planted("What is loaded is cached, and shared.", "aliasing.loads", "aliasing.returned")
class Cached(Outer):
    class Sessions(StoreSessions):
        async def get(self, session_id):
            session = await super().get(session_id)
            cache = self._run.__dict__.setdefault("cache", {})
            if session is None:
                return None
            return cache.setdefault((session.key, session.version, session.last_seq), session)


@planted("A write is encoded when it is flushed, not when it is called.", "aliasing.on_its_way")
class EncodedLate(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, **how):
            await asyncio.sleep(0)
            return await super().save(session, **how)

    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            await asyncio.sleep(0)
            return await super().append(session_id, messages, **how)
