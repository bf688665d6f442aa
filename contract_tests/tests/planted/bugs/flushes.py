"""Writes that fly in one flush, and get in each other's way."""

from contract_tests.tests.planted.bases import Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Done, Head, SessionKey

FIRST = 250


@planted("In one flush, a session id and turn id share one outcome, whatever the tenant.", "tenants.at_once")
class OneOutcomeForTenants(Toy):
    async def flush(self, writes):
        seen = {}
        return [self._once(write, seen) for write in writes]

    def _once(self, write, seen):
        name = (write.ref.id, write.turn_id, write.segment)
        if write.state and name in seen:
            return seen[name]
        seen[name] = self._write(write)
        return seen[name]


@planted("In one flush, what is known of a message id holds for all tenants.", "tenants.at_once")
class KnownInAllTenants(Toy):
    async def flush(self, writes):
        self.cached = {}
        return await super().flush(writes)

    def judge(self, write, head, known, removable):
        near = {row.id: self.cached[row.id] for row in write.rows if row.id in self.cached}
        same = {row.id: near[row.id] for row in write.rows if row.id in near and near[row.id].digest == row.digest}
        verdict = super().judge(write, head, same | dict(known) if write.ref.tenant else known, removable)
        self.cached |= {row.id: row.at(1) for row in write.rows}
        return verdict


@planted(
    "Of one flush only the first 250 writes are stored, and all acknowledged.",
    "together.many_appends",
    "together.many_saves",
)
class FirstOfAFlush(Toy):
    async def flush(self, writes):
        told = await super().flush(writes[:FIRST])
        return [*told, *map(_acknowledged, writes[FIRST:])]


def _acknowledged(write):
    head = Head(SessionKey(*write.ref, "lost"), version=1)
    return Done(head, tuple(range(1, len(write.rows) + 1)), 0, len(write.rows))


@planted("A deletion in a flush takes an append to another session with it.", "together.deletions")
class DeletionTakesAnAppend(Toy):
    async def flush(self, writes):
        told = []
        takes = len(writes) > 1 and any(write.delete for write in writes)
        for write in writes:
            done = self._write(write)
            told.append(done)
            if takes and write.only_appends and isinstance(done, Done) and done.appended:
                self._rows[done.head.key.key].drop(done.head.next_seq - 2, done.head.next_seq - 1)
                takes = False
        return told


@planted("A deletion in a flush takes a creation with it.", "together.deletions")
class DeletionTakesACreation(Toy):
    async def flush(self, writes):
        told = await super().flush(writes)
        if any(write.delete for write in writes):
            made = [write for write in writes if write.create and not write.rows]
            for write in made[:1]:
                self._heads.pop(write.ref, None)
        return told
