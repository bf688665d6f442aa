"""Answers to turns that say something else than what is stored."""

from dataclasses import replace
from datetime import timedelta

from contract_tests.tests.planted.bases import Outer, Toy, with_head
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Done, Plan


def _told(done, **changes):
    return replace(done, session=done.session.model_copy(update=changes))


@planted("A retried turn with a state says that it removed nothing.", "retries.answer_to_removal")
class RetryWithStateRemovedNone(Toy):
    def judge(self, write, head, known, removable):
        verdict = super().judge(write, head, known, removable)
        replayed = isinstance(verdict, Done) and verdict.replayed and write.state
        return verdict._replace(removed=0) if replayed else verdict


@planted(
    "Of a turn with a state and a removal the version before is remembered.",
    "retries.answer_to_removal",
)
class VersionBeforeRemembered(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        if isinstance(plan, Plan) and write.state and write.remove:
            *others, last = plan.done.head.recent_turns
            return with_head(plan, recent_turns=(*others, last._replace(version=last.version - 1)))
        return plan


@planted("The answer to a retried turn has no agent.", "retries.answer", "retries.answer_to_removal")
class RetryWithoutAgent(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return _told(done, agent=None) if done.replayed else done


@planted("The answer to a turn says that it was written a second before.", "turns.answer", "retries.answer")
class WrittenASecondBefore(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return _told(done, updated_at=done.session.updated_at - timedelta(seconds=1))


@planted("The answer to a turn says that its session never expires.", "turns.answer_with_expiry")
class ToldNeverToExpire(Outer):
    async def commit(self, turn):
        return _told(await super().commit(turn), expires_at=None)


@planted("The answer to a turn with a removal has the count of before.", "turns.answer_to_removal")
class CountBeforeRemoval(Outer):
    async def commit(self, turn):
        done = await super().commit(turn)
        return _told(done, message_count=done.session.message_count + done.removed)
