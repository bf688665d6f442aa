"""What was acknowledged, what was read meanwhile and what is stored in the end: do they go together?

In the spirit of Elle (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations",
VLDB 2020): the messages of a session are a list to which unique values are appended, so every read tells its own
history, and a contradiction between two of them is a proof. Of each kind of fault the smallest witness is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from holdfast import Message
from holdfast_contract_tests.verdict import ContractError

__all__ = ["History"]

Seen = tuple[tuple[int, str], ...]


@dataclass
class Sent:
    """One write of a writer, and the positions that he was told, if he was told."""

    writer: str
    ids: tuple[str, ...]
    seqs: tuple[int | None, ...] | None = None


@dataclass
class History:
    """The history of one session."""

    writes: list[Sent] = field(default_factory=list[Sent])
    reads: dict[str, list[Seen]] = field(default_factory=dict[str, list[Seen]])
    removed: set[int] = field(default_factory=set[int])

    def send(self, writer: str, ids: Sequence[str]) -> Sent:
        """Note a write before it is sent."""
        sent = Sent(writer, tuple(ids))
        self.writes.append(sent)
        return sent

    def acknowledge(self, sent: Sent, messages: Sequence[Message]) -> None:
        """Note its acknowledgement."""
        sent.seqs = tuple(message.seq for message in messages)

    def read(self, reader: str, messages: Sequence[Message]) -> None:
        """Note what somebody read from the beginning to the end."""
        self.reads.setdefault(reader, []).append(_seen(messages))

    def check(self, stored: Sequence[Message]) -> None:
        """Compare all of it with what is stored in the end.

        Raises:
            ContractError: It does not go together; the text begins with the counts.
        """
        final = _seen(stored)
        found = {
            "lost": list(self._lost(final)),
            "moved": list(self._moved(final)),
            "duplicated": list(_twice([id_ for _, id_ in final])),
            "invented": list(self._invented(final)),
            "out of a writer's order": list(self._disordered(final)),
            "torn apart": list(self._torn(final)),
            "gaps": list(self._gaps(final)),
            "reads that contradict": list(self._contradictions(final)),
        }
        faults = {name: witnesses for name, witnesses in found.items() if witnesses}
        if faults:
            counts = ", ".join(f"{name} {len(witnesses)}" for name, witnesses in found.items())
            first = "\n".join(f"{name}: {min(witnesses, key=len)}" for name, witnesses in faults.items())
            raise ContractError(f"{counts}\n{first}")

    def _acknowledged(self) -> Iterator[tuple[Sent, int, str]]:
        for sent in self.writes:
            for seq, id_ in zip(sent.seqs or (), sent.ids, strict=False):
                if seq is not None:
                    yield sent, seq, id_

    def _lost(self, final: Seen) -> Iterator[str]:
        there = {id_ for _, id_ in final}
        for sent, seq, id_ in self._acknowledged():
            if id_ not in there and seq not in self.removed:
                yield f"{id_!r} of {sent.writer} was acknowledged at {seq}, and is not there"

    def _moved(self, final: Seen) -> Iterator[str]:
        places = {id_: seq for seq, id_ in final}
        for sent, seq, id_ in self._acknowledged():
            if id_ in places and places[id_] != seq:
                yield f"{id_!r} of {sent.writer} was acknowledged at {seq}, and stands at {places[id_]}"

    def _invented(self, final: Seen) -> Iterator[str]:
        sent = {id_ for write in self.writes for id_ in write.ids}
        for seq, id_ in final:
            if id_ not in sent:
                yield f"{id_!r} stands at {seq}, and nobody sent it"

    def _disordered(self, final: Seen) -> Iterator[str]:
        places = {id_: seq for seq, id_ in final}
        latest: dict[str, tuple[int, str]] = {}
        for write in self.writes:
            for id_ in write.ids:
                seq = places.get(id_)
                if seq is None:
                    continue
                before = latest.get(write.writer, (0, ""))
                if seq < before[0]:
                    yield f"{write.writer} sent {before[1]!r} before {id_!r}; they stand at {before[0]} and {seq}"
                latest[write.writer] = max(before, (seq, id_))

    def _torn(self, final: Seen) -> Iterator[str]:
        places = {id_: seq for seq, id_ in final}
        for write in self.writes:
            seqs = [places[id_] for id_ in write.ids if id_ in places]
            if seqs and len(seqs) != len(write.ids) and not self.removed:
                yield f"of one write {list(write.ids)} only {len(seqs)} are there"
            elif seqs and seqs != list(range(seqs[0], seqs[0] + len(seqs))):
                yield f"one write {list(write.ids)} stands at {seqs}"

    def _gaps(self, final: Seen) -> Iterator[str]:
        seqs = [seq for seq, _ in final]
        if seqs != sorted(seqs):
            yield f"the positions are read in the order {seqs[:20]}"
        for seq in sorted(set(range(1, max(seqs, default=0) + 1)) - set(seqs) - self.removed):
            yield f"nothing stands at {seq}, and nobody removed it"

    def _contradictions(self, final: Seen) -> Iterator[str]:
        later = dict(final)
        for reader, reads in self.reads.items():
            longest: Seen = ()
            for read in reads:
                kept = [place for place in longest if place[0] not in self.removed]
                gone = next((place for place in kept if place not in read), None)
                if gone:
                    yield f"{reader} read {gone[1]!r} at {gone[0]}, and then no more"
                wrong = next(((seq, id_) for seq, id_ in read if later.get(seq, id_) != id_), None)
                if wrong:
                    yield f"{reader} read {wrong[1]!r} at {wrong[0]}, where {later[wrong[0]]!r} stands in the end"
                behind = [seq for seq, _ in read]
                missing = set(range(1, max(behind, default=0) + 1)) - set(behind) - self.removed
                if missing:
                    yield f"{reader} read up to {max(behind)} without {min(missing)}, as if it were not there yet"
                longest = read


def _seen(messages: Sequence[Message]) -> Seen:
    return tuple((message.seq or 0, message.id) for message in messages)


def _twice(ids: Sequence[str]) -> Iterator[str]:
    met: set[str] = set()
    for id_ in ids:
        if id_ in met:
            yield f"{id_!r} is there twice"
        met.add(id_)
