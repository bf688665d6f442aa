"""Writes of messages that change columns of the session which are none of their business."""

from contract_tests.tests.planted.bases import Toy, with_head
from contract_tests.tests.planted.planting import planted


@planted("A replacement takes the time of completion away.", "identity.kept_by_replacement")
class ReplacedIsNotCompleted(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, completed_at=None) if write.replace else plan


@planted("A replacement makes a session live for ever.", "identity.kept_by_replacement")
class ReplacedNeverExpires(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, expires_at=None) if write.replace and not write.lifetimes else plan


@planted("A removal takes the time of completion away.", "identity.kept_by_removal")
class RemovedIsNotCompleted(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, completed_at=None) if write.remove else plan


@planted("An append takes the agent away.", "identity.kept_by_append")
class AppendTakesTheAgent(Toy):
    def judge(self, write, head, known, removable):
        plan = super().judge(write, head, known, removable)
        return with_head(plan, agent=None) if write.only_appends else plan
