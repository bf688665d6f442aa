"""A writer: who notes each step before it is made, and again when it is answered.

A step is what becomes durable at once: messages, and its own name in a log in the session's data. So messages and
state can be compared: whoever finds one without the other has found half a turn.
"""

import asyncio

from holdfast import Autosave, DuplicateIdConflict, Hooks, VersionConflict

__all__ = ["REFUSED", "Writer", "log", "noting"]

REFUSED = (VersionConflict, DuplicateIdConflict)
"""Others were faster; or a turn is asked for again whose state was given up the first time."""


def log(data, key, name):
    """Note a step in the data, once."""
    entry = data.setdefault(key, {"n": 0, "steps": []})
    if name not in entry["steps"]:
        entry["n"] += 1
        entry["steps"].append(name)


def noting(note):
    """Hooks that note what the manager says is durable, with its positions."""

    def stored(turn, committed):
        note(do="stored", turn=turn.id, places=[[message.id, message.seq] for message in committed.messages])

    return Hooks(after_save=stored)


class Writer:
    """One writer; ``life`` tells its lives apart, and ``note`` keeps what it does."""

    def __init__(self, manager, autosave, name, *, life, chance, note):
        self.manager = manager
        self.at_once = autosave == "turn"
        self.behind = isinstance(autosave, Autosave)
        self.off = autosave == "off"
        self.name = name
        self.life = life
        self.chance = chance
        self.note = note
        self.count = 0
        self.pending = []
        self.requests = []

    def new(self):
        """A name for a step, or a turn."""
        self.count += 1
        return f"{self.name}-{self.life}-{self.count}"

    def begin(self, step, session_id, *, ids=(), key=None, turn_id=None, replaced=()):
        self.note(
            do="begin",
            step=step,
            turn=turn_id,
            at=session_id,
            ids=list(ids),
            key=key,
            writer=self.name,
            life=self.life,
            replaced=[[message.turn_id, message.id, message.seq] for message in replaced],
        )

    def say(self, session, turn, step, size, key):
        """One step of a turn."""
        kept = [message.id for message in turn.messages if turn.replaced]
        ids = kept + [f"{step}/{part}" for part in range(size)]
        self.begin(step, session.id, ids=ids, key=key, turn_id=turn.id, replaced=turn.replaced)
        for id_ in ids[-size:]:
            turn.add("assistant" if id_ != ids[0] else "user", f"I am {id_}.", id=id_)
        if key:
            log(session.data, key, step)

    def ended(self, names):
        if self.at_once:
            self.note(do="ack", steps=names)
            self.answered()
        else:
            self.note(do="turned_in", steps=names)
            self.pending += names

    # --- what makes steps durable --------------------------------------------------------------

    async def checkpoint(self, turn, names):
        try:
            await turn.checkpoint()
        except REFUSED:
            # A turn that is asked for again must be cut as the first time, so this step is stored now in any case.
            if self.at_once:
                self.note(do="stateless", steps=names)
            else:  # with what waits in front of it; from some turn on their states are given up
                self.note(do="unsure", steps=[*self.pending, *names])
            await turn.commit(state="theirs")
            names = self._with_what_waited(names)
        self.note(do="ack", steps=names)
        names.clear()

    def _with_what_waited(self, names):
        waited, self.pending = self.pending, []
        names[:0] = waited
        return names

    async def settle(self, turn, names):
        """Others were faster: the messages are kept, and the state is given up."""
        if self.at_once:
            self.note(do="stateless", steps=names)
            await turn.commit(state="theirs")
        else:  # it waits with others, or too many wait and it was to be stored at once
            self.pending += names
            self.note(do="unsure", steps=self.pending)
            await turn.commit(state="theirs")
            names.clear()

    async def flush(self, session):
        try:
            await session.flush()
        except VersionConflict:
            await self.without_state(session)
        self.answered()

    async def visit(self, session_id, actions):
        """Open a session, do some things in it, leave it; what waited is answered then."""
        try:
            async with self.manager.session(session_id) as session:
                for action in actions:
                    await action(session)
                    await asyncio.sleep(self.chance.random() * 0.005)  # a model thinks, while turns may wait
                if self.off:
                    await self.flush(session)
        except REFUSED:
            await self.without_state(session)
        self.answered()

    def answered(self):
        """What waited is durable."""
        self.note(do="ack", steps=self.pending)
        for turn_id in self.requests:
            self.note(do="answered", turn=turn_id)
        self.pending, self.requests = [], []

    async def without_state(self, session):
        """Others were faster: of what waits the messages are kept, and the states from some turn on given up."""
        self.note(do="unsure", steps=self.pending)
        await session.flush(state="theirs")
