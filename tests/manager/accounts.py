"""What writers noted of their steps, put together."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Stored(NamedTuple):
    """A message, by its turn and id: one that is taken over by a regenerated turn is another one there."""

    id: str
    seq: int


@dataclass
class Step:
    """What became durable at once, if it did."""

    name: str
    turn: str | None
    at: str
    ids: list
    key: str | None
    writer: str
    life: str
    replaces: list
    state: str = "yes"  # "no" where it was given up, "unsure" where perhaps
    acked: bool = False
    turned_in: bool = False
    refused: bool = False  # its program was told so, and keeps what it can
    dropped: bool = False
    again: bool = False
    seqs: dict = field(default_factory=dict)

    @property
    def words(self):
        return [f"{self.turn}/{id_}" for id_ in self.ids]


class Account:
    """All that was noted, in the order in which each writer noted it."""

    def __init__(self, notes):
        self.steps = {}
        self.turns = {}
        self.requests = {}
        for said in notes:
            getattr(self, said["do"])(**{name: value for name, value in said.items() if name != "do"})

    def begin(self, *, step, turn, at, ids, key, writer, life, replaced):
        known = self.steps.get(step)
        if known is None:
            replaces = [(Stored(f"{old}/{id_}", seq)) for old, id_, seq in replaced]
            state = "yes" if key else "no"
            known = Step(step, turn, at, ids, key, writer, f"{writer}-{life}", replaces, state)
            self.steps[step] = known
            self.turns.setdefault(turn, []).append(known)
            return
        known.again = True  # it was asked for again, in another life
        known.state = "unsure" if key and known.state == "no" else known.state

    def _all(self, steps, **changes):
        for name in steps:
            for field_, value in changes.items():
                setattr(self.steps[name], field_, value)

    def stateless(self, steps):
        self._all((name for name in steps if self.steps[name].key), state="no")

    def unsure(self, steps):
        self._all(steps, refused=True)
        self._all((name for name in steps if self.steps[name].state == "yes"), state="unsure")

    def ack(self, steps):
        self._all(steps, acked=True)

    def dropped(self, steps):
        self._all(steps, dropped=True)

    def turned_in(self, steps):
        self._all(steps, turned_in=True)

    def stored(self, turn, places):
        for step in self.turns.get(turn, ()):
            step.seqs |= {f"{turn}/{id_}": seq for id_, seq in places if id_ in step.ids}

    def request(self, turn, at, sizes, key):
        self.requests[turn] = {"turn": turn, "at": at, "sizes": sizes, "key": key}

    def answered(self, turn):
        self.requests.pop(turn, None)
