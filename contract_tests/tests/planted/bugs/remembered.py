"""What is remembered of turns, and how retries are answered."""

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.errors import DuplicateIdConflict
from holdfast.models import Committed
from holdfast.toolkit import REMEMBERED, Done, Plan, Recent, Refused
from holdfast.toolkit.messages import StoreMessages


def _remembering(count):
    def judge(self, write, head, known, removable):
        plan = Toy.judge(self, write, head, known, removable)
        if isinstance(plan, Plan) and head:
            longer = (*head.recent_turns, *plan.done.head.recent_turns[-1:])
            kept = longer if write.state or write.remove else head.recent_turns
            return with_head(plan, recent_turns=kept[-count:])
        return plan

    return judge


@planted("Only 4 turns are remembered.", "retries.window")
class FourRemembered(Toy):
    judge = _remembering(4)


@planted("A retry of what is forgotten is stored over what came since.", "retries.past_window")
class ForgottenIsStored(Toy):
    def judge(self, write, head, known, removable):
        forgets = head and write.state and len(head.recent_turns) == REMEMBERED
        return super().judge(write._replace(expected=None) if forgets else write, head, known, removable)


@planted("Removals take no place among the turns that are remembered.", "retries.window_of_removals")
class RemovalsNotRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        forgets = head and write.remove and not write.state
        return with_head(plan, recent_turns=head.recent_turns) if forgets else plan


@planted("Appends take places among the turns that are remembered.", "retries.window_of_appends")
class AppendsRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if write.only_appends and head and isinstance(plan, Plan):
            return with_head(plan, recent_turns=head.recent_turns[1:])
        return plan


@planted("Redactions take places among the turns that are remembered.", "retries.window_of_redactions")
class RedactionsRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, recent_turns=head.recent_turns[1:]) if write.replace and head else plan


@planted("A refused write takes a place among the turns that are remembered.", "retries.window")
class RefusedRemembered(Toy):
    def _write(self, write):
        outcome = super()._write(write)
        head = self._heads.get(write.ref)
        if isinstance(outcome, Refused) and head:
            recent = (*head.recent_turns, Recent(write.turn_id, 0, write.digest, head.version, 0, 0))
            self._heads[write.ref] = head._replace(recent_turns=recent[-REMEMBERED:])
        return outcome


@planted("A retry is answered with the session of now, not with the version of the first try.", "retries.save")
class VersionOfNow(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        return verdict._replace(head=head) if isinstance(verdict, Done) else verdict


@planted("Committed.replayed is always False.", "retries.turn", "retries.turn_at_once")
class NeverReplayed(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return Committed(done.session, done.messages, replayed=False, removed=done.removed)


@planted("The answer to a retried turn brings back what was removed since.", "retries.all_removed_since")
class RemovedInTheAnswer(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return Committed(done.session, done.messages or tuple(turn.messages), done.replayed, done.removed)


@planted("Only the first of the ids that are taken is named.", "retries.other_words")
class FirstIdNamed(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        if isinstance(verdict, Refused) and isinstance(verdict.error, DuplicateIdConflict):
            return Refused(DuplicateIdConflict(write.ref.id, verdict.error.ids[:1]))
        return verdict


@planted("A retried append gets the messages as they were sent: with the new time.", "retries.among_new")
class AnsweredAsSent(Outer):
    class Messages(StoreMessages):
        async def append(self, session_id, messages, **how):
            told = await super().append(session_id, messages, **how)
            now = self._run.clock()
            return [message.model_copy(update={"created_at": now}) for message in told]
