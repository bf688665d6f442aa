"""What writers noted, and what is stored: does it go together?

An answered step is there. A step is there whole or not at all, its messages with its state. Each writer's steps
stand in the order in which he made them.
"""

from collections import Counter

from tests.manager.accounts import Stored

from holdfast.manager.history import history
from holdfast_contract_tests.checker import History
from holdfast_contract_tests.verdict import ContractError


async def look(adapter, session_id):
    """A session's data and its messages as they were at one moment, whoever writes meanwhile."""
    while True:
        session = await adapter.sessions.get(session_id)
        if session is None:
            return None
        messages = await history(adapter, session_id)
        after = await adapter.sessions.get(session_id)
        appended = after.last_seq - session.last_seq
        if after.message_count - session.message_count == appended:  # nothing was removed meanwhile
            return session.data, [message for message in messages if message.seq <= session.last_seq]


def said(told, found):
    """What the suite's checker finds."""
    try:
        told.check(found)
    except ContractError as error:
        yield str(error)


class Check:
    """One session: what is stored in it, beside what was noted of it.

    Args:
        account: All that was noted when the session was read, and a little more.
        promised: What had been noted before it was read.
        session_id: The session.
        seen: What ``look`` has found.
        reads: What somebody has read meanwhile, one after the other.
    """

    def __init__(self, account, promised, session_id, seen, reads=()):
        self.data, self.messages = seen or ({}, [])
        self.steps = [step for step in account.steps.values() if step.at == session_id]
        self.promised = {step.name: step for step in promised.steps.values() if step.at == session_id}
        self.found = self._with_what_was_replaced()
        self.reads = reads
        self.logs = {key: entry["steps"] for key, entry in self.data.items()}
        self.logged = {name for names in self.logs.values() for name in names}

    def _with_what_was_replaced(self):
        """All that was ever stored: a turn that was regenerated was there if the one in its place is."""
        found = {Stored(f"{message.turn_id}/{message.id}", message.seq) for message in self.messages}
        left = [step for step in self.steps if step.replaces]
        while True:
            turns = {stored.id.partition("/")[0] for stored in found}
            effective = [step for step in left if step.turn in turns]
            if not effective:
                return sorted(found, key=lambda stored: stored.seq)
            left = [step for step in left if step not in effective]
            found.update(stored for step in effective for stored in step.replaces)

    def faults(self):
        """All that does not go together, in words."""
        yield from self._transcript()
        yield from self._reads()
        yield from self._log_faults()
        for step in self.steps:
            yield from self._step(step, self.promised.get(step.name))
        yield from self._holes()

    def _transcript(self):
        twice = [id_ for id_, count in Counter(message.id for message in self.messages).items() if count > 1]
        if twice:
            yield f"stored twice: {twice}"
        seqs = [stored.seq for stored in self.found]
        if len(set(seqs)) != len(seqs):
            yield f"two messages at one position: {seqs}"
        told = History()
        for step in self.steps:
            if step.ids:
                sent = told.send(step.writer, step.words)
                known = self.promised[step.name].seqs if step.name in self.promised else {}
                sent.seqs = tuple(known.get(word) for word in step.words)
        yield from said(told, self.found)

    def _reads(self):
        """What was read meanwhile: nothing that is stored was passed over, or changed its place."""
        stored = {message.seq for message in self.messages}
        told = History(removed={one.seq for one in self.found} - stored)
        for one in self.found:
            told.send(one.id, [one.id])
        for read in self.reads:
            told.read("the reader", [Stored(f"{message.turn_id}/{message.id}", message.seq) for message in read])
        yield from said(told, self.found)

    def _log_faults(self):
        places = {step.name: place for place, step in enumerate(self.steps)}
        asked_again = {step.name: step.again for step in self.steps}
        writers = {step.name: step.writer for step in self.steps}
        for key, entry in self.data.items():
            names = entry["steps"]
            if entry["n"] != len(names) or len(set(names)) != len(names):
                yield f"{key!r} counts {entry['n']} of {names}"
            if set(names) - set(places):
                yield f"{key!r} holds what nobody sent: {set(names) - set(places)}"
                continue
            for writer in set(writers.values()):
                # What was given up the first time may be stored when its turn is run again, behind later ones.
                mine = [places[name] for name in names if writers[name] == writer and not asked_again[name]]
                if mine != sorted(mine):
                    yield f"{key!r} is out of the order of {writer}: {names}"

    def there(self, step):
        """Whether a step is stored, as far as its messages tell; its state, where it has none."""
        if not step.ids:
            return step.name in self.logged
        return set(step.words) <= {stored.id for stored in self.found}

    def _step(self, step, promised):
        there, logged = self.there(step), step.name in self.logged
        if promised and promised.acked:
            if step.ids and not there:
                yield f"{step.name} was acknowledged, and its messages are not there"
            if step.state == "yes" and not logged:
                yield f"{step.name} was acknowledged, and its state is not there"
        if step.dropped and (there or logged):
            yield f"{step.name} was given up, and is there"
        if step.state == "no" and logged:
            yield f"{step.name} gave up its state, and it is there"
        if step.ids and step.state == "yes" and there != logged:
            yield f"half of {step.name} is there: messages {there}, state {logged}"

    def _holes(self):
        """Of each life of a writer a prefix is there. An update waits for nobody, and has a place of its own."""
        first_lost = {}
        for step in self.steps:
            certain = step.state == "yes" or step.ids
            if step.dropped or step.again or step.key == "log updates" or not certain:
                continue
            if not self.there(step):
                first_lost.setdefault(step.life, step.name)
            elif step.life in first_lost:
                yield f"{step.name} is there, and {first_lost[step.life]} before it is not"

    def lost(self):
        """The turns that had ended, waited to be stored and are not there, with the life of their writer."""
        ended = [step for step in self.promised.values() if step.turned_in and not (step.acked or step.refused)]
        return {(step.life, step.turn) for step in ended if step.ids and not step.again and not self.there(step)}
