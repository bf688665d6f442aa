"""Bugs that only show when several write at once."""

import asyncio

from contract_tests.tests.planted.bases import Outer, Shared, Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Done, Refused
from holdfast.toolkit.messages import StoreMessages


class _Hesitating(Shared):
    """Lets others write between what it looked at and what it writes."""

    async def flush(self, writes):
        looked = {write.ref: self.look(write) for write in writes}
        for _ in range(3):
            await asyncio.sleep(0)
        for write in writes:
            self.act(write, looked[write.ref])
        return await super().flush(writes)

    def look(self, write):
        """What is looked at before."""
        return self._heads.get(write.ref)

    def act(self, write, looked):
        """What is done of it afterwards."""


@planted(
    "Known ids are looked up before the transaction.", "races.same_turn", "handles.one_turn", "races.two_contents"
)
class KnownBefore(_Hesitating):
    def look(self, write):
        head = self._heads.get(write.ref)
        return set(self._rows[head.key.key].by_id) if head else set()

    def act(self, write, looked):
        self.__dict__.setdefault("known_ids", {})[write.turn_id] = looked

    def judge(self, write, head, known, removable):
        before = self.__dict__.get("known_ids", {}).get(write.turn_id, set())
        fresh = {id_: row for id_, row in known.items() if id_ in before}
        head = head and head._replace(recent_turns=head.recent_turns if before else ())
        return super().judge(write, head, fresh, removable)


@planted(
    "A head is written back whole: what others added is lost from the counters.", "races.removal", "races.appends"
)
class WrittenBackWhole(_Hesitating):
    def act(self, write, looked):
        if looked and write.ref in self._heads:
            self._heads[write.ref] = looked


@planted("How much a removal takes is counted before the transaction.", "races.pops")
class CountedBefore(_Hesitating):
    def look(self, write):
        head = self._heads.get(write.ref)
        return self._rows[head.key.key].count(*write.remove) if head and write.remove else 0

    def act(self, write, looked):
        self.__dict__.setdefault("counts", {})[write.turn_id] = looked

    def judge(self, write, head, known, removable):
        counts = self.__dict__.get("counts", {})
        return super().judge(write, head, known, counts.get(write.turn_id, removable))


@planted("A creation looks for the session before the transaction.", "races.creation")
class CreatedOverOthers(_Hesitating):
    def act(self, write, looked):
        if write.create and looked is None:
            self._heads.pop(self.name(write.ref), None)


@planted("Of a batch, writes after a refused one are dropped.", "flush.own_outcome", "together.refused")
class RestDropped(Toy):
    async def flush(self, writes):
        outcomes = []
        for write in writes:
            failed = outcomes and not isinstance(outcomes[-1], Done)
            outcomes.append(outcomes[-1] if failed else self._write(write))
        return outcomes


@planted("The answers of a batch are given in another order.", "together.answers", "races.first_append")
class AnswersSwapped(Toy):
    async def flush(self, writes):
        outcomes = await super().flush(writes)
        plain = all(isinstance(one, Done) and one.appended for one in outcomes)
        return outcomes[::-1] if plain and len({len(one.rows) for one in writes}) == 1 else outcomes


@planted("Of a batch all are told the session as it is at the end.", "together.answers")
class AllToldTheEnd(Toy):
    async def flush(self, writes):
        outcomes = await super().flush(writes)
        return [
            one._replace(head=self._heads[one.head.key.ref]._replace(body=None)) if isinstance(one, Done) else one
            for one in outcomes
        ]


@planted("Messages of a large batch are stored up to the 64th.", "together.many_appends")
class BatchCut(Toy):
    async def flush(self, writes):
        told = await super().flush(writes)
        for write in writes[64:] if len(writes) > 64 else ():
            if write.ref in self._heads and write.only_appends:
                self._rows[self._heads[write.ref].key.key].drop(0, 2**62)
        return told


@planted("Appends of several callers share one turn.", "races.appends", "turns.never_split")
class Interleaved(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            told = []
            for message in messages:
                told += await super().append(session_id, [message], **how)
                await asyncio.sleep(0)
            return told

    async def commit(self, turn):
        for message in turn.messages:
            await self.messages.append(turn.session_id, [message], turn_id=turn.id)
        return await super().commit(turn)


@planted("A session that is written while it is listed is listed twice.", "listing.complete")
class ListedTwice(Toy):
    def _fitting(self, query):
        for head in super()._fitting(query):
            yield head
            if query.begin and not query.by_activity and head.updated_at > head.created_at:
                yield head


@planted("Two contents of one id that come at once are both taken.", "races.two_contents", "together.other_words")
class BothContentsTaken(Toy):
    def judge(self, write, head, known, removable):
        rows = [row._replace(id=row.id + " ") if _differs(row, known) else row for row in write.rows]
        return super().judge(write._replace(rows=tuple(rows)), head, known, removable)


def _differs(row, known):
    return row.id in known and known[row.id].digest != row.digest


@planted("An answer is given though the write was refused.", "conflicts.racing_turns", "races.tail")
class RefusedIsAnswered(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        guarded = write.expected is not None or write.last_seq is not None
        return (
            Done(head, replayed=True)
            if isinstance(verdict, Refused) and head and guarded and write.rows
            else verdict
        )
