"""Guards that do not hold."""

import asyncio

from contract_tests.tests.planted.bases import Outer, Shared, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.errors import VersionConflict
from holdfast.toolkit import Done, Refused
from holdfast.toolkit.sessions import StoreSessions


@planted("The expected version is ignored.", "conflicts.save", "conflicts.turn", "races.lost_updates")
class VersionIgnored(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write if write.create else write._replace(expected=None), head, known, removable)


@planted("A newer version than the stored one is let in.", "conflicts.save")
class NewerLetIn(Toy):
    def judge(self, write, head, known, removable):
        newer = head and write.expected and write.expected > head.version
        return super().judge(write._replace(expected=None) if newer else write, head, known, removable)


@planted("The version of a turn with messages is not looked at.", "conflicts.turn", "conflicts.racing_turns")
class TurnsUnguarded(Toy):
    def judge(self, write, head, known, removable):
        unguarded = write.rows and not write.create
        return super().judge(write._replace(expected=None) if unguarded else write, head, known, removable)


@planted("Zero writes over what is there.", "conflicts.zero", "conflicts.racing_creations", "races.creation")
class ZeroWritesOver(Toy):
    def judge(self, write, head, known, removable):
        if head and write.create:
            write = write._replace(create=None, expected=None)
        return super().judge(write, head, known, removable)


@planted("'any' creates a session.", "conflicts.any_creates_nothing")
class AnyCreates(Toy):
    def judge(self, write, head, known, removable):
        if head is None and write.state and write.expected is None and not write.key:
            write = write._replace(create=f"made for {write.turn_id}")
        return super().judge(write, head, known, removable)


@planted("A version above zero creates a session.", "conflicts.any_creates_nothing")
class VersionCreates(Toy):
    def judge(self, write, head, known, removable):
        if head is None and write.state and write.expected:
            write = write._replace(create=f"made for {write.turn_id}", expected=0, key=None)
        return super().judge(write, head, known, removable)


@planted("last_seq is ignored.", "conflicts.last_seq", "conflicts.racing_appends", "races.tail")
class LastSeqIgnored(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write._replace(last_seq=None), head, known, removable)


@planted("last_seq may be behind.", "conflicts.last_seq")
class LastSeqAtLeast(Toy):
    def judge(self, write, head, known, removable):
        behind = head and write.last_seq is not None and write.last_seq > head.next_seq - 1
        return super().judge(write._replace(last_seq=None) if behind else write, head, known, removable)


@planted("last_seq is compared with how many messages are there.", "conflicts.last_seq_of_removals")
class LastSeqIsCount(Toy):
    def judge(self, write, head, known, removable):
        if head and write.last_seq is not None:
            off = head.next_seq - 1 - head.message_count
            write = write._replace(last_seq=write.last_seq + off)
        return super().judge(write, head, known, removable)


@planted("A deletion ignores its guards.", "conflicts.delete", "children.refused_deletion")
class DeletionUnguarded(Toy):
    def judge(self, write, head, known, removable):
        if write.delete:
            write = write._replace(expected=None, last_seq=None)
        return super().judge(write, head, known, removable)


@planted("A save that changes nothing of the data keeps the version.", "conflicts.every_save")
class SameDataSameVersion(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        same = head and write.state and write.state.digest == head.digest
        return with_head(plan, version=head.version) if same else plan


@planted("A save over 'any' keeps the version.", "conflicts.any", "conflicts.any_at_once")
class AnyKeepsVersion(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        silent = head and write.state and write.expected is None
        return with_head(plan, version=head.version) if silent else plan


@planted("The error tells the expected version as the one that was found.", "conflicts.save")
class WrongActual(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        if isinstance(verdict, Refused) and isinstance(verdict.error, VersionConflict):
            error = verdict.error
            return Refused(VersionConflict(write.ref.id, expected=error.expected, actual=error.expected))
        return verdict


@planted("Where both guards are stale, the error is of last_seq.", "conflicts.version_first")
class LastSeqFirst(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write._replace(expected=None), head, known, removable)
        stale = isinstance(verdict, Refused) and isinstance(verdict.error, VersionConflict)
        return verdict if stale else super().judge(write, head, known, removable)


@planted("Check, then act: two handles meet in between.", "conflicts.racing_handles", "races.versions")
class CheckThenAct(Shared):
    async def flush(self, writes):
        outcomes = []
        for write in writes:
            before = self._heads.get(write.ref)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            now = self._heads.get(write.ref)
            if before and now:
                self._heads[write.ref] = now._replace(version=before.version)
            outcomes.append(self._write(write))
        return outcomes


@planted("The next number is read outside of the transaction.", "races.first_append", "conflicts.racing_handles")
class MaxPlusOneOutside(Shared):
    async def flush(self, writes):
        before = {write.ref: self._heads.get(write.ref) for write in writes}
        for _ in range(3):
            await asyncio.sleep(0)
        for ref, head in before.items():
            if head and self._heads.get(ref):
                self._heads[ref] = self._heads[ref]._replace(next_seq=head.next_seq)
        return await super().flush(writes)


@planted("Two saves of one session in a batch: one is lost.", "conflicts.any_at_once", "races.any")
class SavesMerged(Outer):
    class Sessions(StoreSessions):
        async def save(self, session, *, expected=None, turn_id=None):
            waiting = self._run.__dict__.setdefault("waiting", {})
            if expected != "any":
                return await super().save(session, expected=expected, turn_id=turn_id)
            if session.id not in waiting:
                call = super().save(session, expected=expected, turn_id=turn_id)
                waiting[session.id] = asyncio.ensure_future(call)
            try:
                return await waiting[session.id]
            finally:
                waiting.pop(session.id, None)


@planted("A stale save is answered as if it had been stored.", "conflicts.save", "races.versions")
class StaleIsAnswered(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        stale = isinstance(verdict, Refused) and isinstance(verdict.error, VersionConflict)
        return Done(head, replayed=True) if stale and head and write.state else verdict
