"""Calls that hold up the loop, calls that cost more and more, and what they leave running."""

import asyncio
import threading
import time

from contract_tests.tests.planted.bases import Outer, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit.messages import StoreMessages
from holdfast.toolkit.sessions import StoreSessions


@planted("The loop is blocked by listing.", "flush.loop_stays_free")
class BlockedByListing(Toy):
    async def find(self, query):
        time.sleep(0.002)
        return await super().find(query)


@planted("The loop is blocked while a dead session's rows are freed.", "flush.loop_stays_free")
class BlockedByFreeing(Toy):
    async def free(self, key, *, limit):
        time.sleep(0.002)
        return await super().free(key, limit=limit)


@planted("The loop is blocked by deleting.", "flush.loop_stays_free")
class BlockedByDelete(Outer):
    class Sessions(StoreSessions):
        async def delete(self, session_id, **how):
            time.sleep(0.002)
            return await super().delete(session_id, **how)


@planted("The loop is blocked by reading one message.", "flush.loop_stays_free")
class BlockedByGet(Outer):
    class Messages(StoreMessages):
        async def get(self, session_id, message_id):
            time.sleep(0.002)
            return await super().get(session_id, message_id)


@planted("The loop is blocked by a removal.", "flush.loop_stays_free")
class BlockedByRemove(Outer):
    class Messages(StoreMessages):
        async def remove(self, session_id, **how):
            time.sleep(0.002)
            return await super().remove(session_id, **how)


@planted("The loop is blocked by a redaction.", "flush.loop_stays_free")
class BlockedByReplace(Outer):
    class Messages(StoreMessages):
        async def replace(self, session_id, message):
            time.sleep(0.002)
            return await super().replace(session_id, message)


@planted("The loop is blocked by a turn.", "flush.loop_stays_free")
class BlockedByCommit(Outer):
    async def commit(self, turn):
        time.sleep(0.002)
        return await super().commit(turn)


@planted("The loop is blocked by a removal that removes something.", "flush.loop_stays_free")
class BlockedByRealRemoval(Toy):
    def judge(self, write, head, known, removable):
        if removable:
            time.sleep(0.002)
        return super().judge(write, head, known, removable)


@planted("The loop is blocked by a sweep that finds something.", "flush.loop_stays_free")
class BlockedByRealSweep(Toy):
    def _doomed(self, tenant, now):
        doomed = super()._doomed(tenant, now)
        if doomed:
            time.sleep(0.002)
        return doomed


@planted("A message is looked for by its id among all.", "growth.by_id")
class ByIdGrows(Toy):
    async def rows(self, key, span):
        if span.ids is not None:
            for _ in range(20):
                [row for row in self._rows[key.key].by_seq.values() if row.id in span.ids]
        return await super().rows(key, span)


@planted("What is appended again is looked for among all.", "growth.by_id")
class RetriesGrow(Toy):
    def judge(self, write, head, known, removable):
        if known:
            ids = {row.id for row in write.rows}
            for _ in range(20):
                [row for row in self._rows[head.key.key].by_seq.values() if row.id in ids]
        return super().judge(write, head, known, removable)


@planted("A page costs more the deeper it is.", "growth.deep")
class DeepGrows(Toy):
    async def rows(self, key, span):
        if span.ids is None and not span.last:
            for _ in range(30):
                [seq for seq in self._rows[key.key].seqs if seq <= span.after]
        return await super().rows(key, span)


@planted("A session is looked for by its id among all.", "growth.sessions")
class SessionsGrow(Toy):
    async def heads(self, refs, *, state):
        for _ in range(20):
            sorted(self._heads)
        return await super().heads(refs, state=state)


@planted("Each opening leaves a daemon thread behind.", "lifecycle.nothing_left", patience=0.2)
class DaemonRunsOn(Toy):
    async def initialize(self, **how):
        threading.Thread(target=time.sleep, args=(3.0,), daemon=True).start()
        return await super().initialize(**how)


@planted("Each listing leaves a task behind that waits.", "lifecycle.nothing_left")
class ListingLeavesTask(Toy):
    async def find(self, query):
        self.left = asyncio.ensure_future(asyncio.sleep(0.05))
        return await super().find(query)


@planted("Each reading of a message leaves a task behind that waits.", "lifecycle.nothing_left")
class ReadingLeavesTask(Toy):
    async def rows(self, key, span):
        self.left = asyncio.ensure_future(asyncio.sleep(0.05))
        return await super().rows(key, span)
