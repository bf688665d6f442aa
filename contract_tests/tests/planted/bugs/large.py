"""What is large is handled by half."""

from dataclasses import replace

from contract_tests.tests.planted.bases import Toy
from contract_tests.tests.planted.planting import planted

from holdfast.toolkit import Removal

HALF = 500


@planted("A turn with a state stores its first 500 messages.", "turns.large", "retries.large_turn")
class HalfAppendedWithState(Toy):
    def _carry_out(self, write, plan, head):
        super()._carry_out(write, replace(plan, append=plan.append[:HALF]) if write.state else plan, head)


@planted("A turn with a state removes at most 500 messages.", "removal.over_a_thousand_in_a_turn")
class HalfRemovedWithState(Toy):
    def _carry_out(self, write, plan, head):
        if write.remove and write.state:
            seqs = [seq for seq in self._rows[head.key.key].seqs if write.remove.holds(seq)]
            if len(seqs) > HALF:
                write = write._replace(remove=Removal(write.remove.after, seqs[HALF - 1]))
        super()._carry_out(write, plan, head)


def _near(write, known):
    looked_up = {row.id for row in write.rows[:HALF]} | ({write.replace.id} if write.replace else set())
    return {id_: row for id_, row in known.items() if id_ in looked_up}


@planted("Only the first 500 ids of a write are looked up.", "retries.large_append")
class HalfLookedUp(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write, head, _near(write, known), removable)


@planted("Of a turn with a state only the first 500 ids are looked up.", "retries.large_turn")
class HalfLookedUpWithState(Toy):
    def judge(self, write, head, known, removable):
        return super().judge(write, head, _near(write, known) if write.state else known, removable)
