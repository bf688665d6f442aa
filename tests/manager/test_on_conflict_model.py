"""Random turns of several handles on one session, against a model: nothing acknowledged is lost or undone."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import BackendUnavailable, InvalidArgument, OutcomeUnknown, PersistenceManager, VersionConflict
from holdfast_memory import MemoryAdapter

GONE = object()


def difference(old, new):
    """What was made of one dict: keys with their new values."""
    return {key: new.get(key, GONE) for key in old | new if old.get(key, GONE) != new.get(key, GONE)}


def applied(data, changes):
    return {key: value for key, value in (data | changes).items() if value is not GONE}


def mine_over_theirs(base, mine, theirs):
    """A policy: what I have changed wins, key by key."""
    theirs.data = applied(theirs.data, difference(base.data, mine.data))
    return theirs


def outcomes(policy, states, stored, version):
    """What may become of states that were made one from the other; None stands for a conflict."""
    if stored.version == version:
        return [states[-1]]
    chained = settled(policy, states, stored)
    return [chained] if states[0] != states[-1] else [chained, stored.data]  # on the whole nothing has changed


def settled(policy, states, stored):
    """Each change made again, one after the other, on what is stored."""
    result = stored.data
    for old, new in pairwise(states):
        mine, theirs = difference(old, new), difference(old, result)
        clash = any(theirs[key] != mine[key] for key in theirs.keys() & mine.keys())
        if mine and (policy == "raise" or (policy == "merge" and clash)):
            return None
        result = applied(result, mine)
    return result


@dataclass
class Writer:
    """A handle, and what its user knows of it."""

    live: Any
    policy: Any
    unsaved: dict = field(default_factory=dict)  # changed outside a turn
    open: bool = False
    failed: Any = None  # a turn that can be committed again


@dataclass
class Attempt:
    """Something that is to be stored: a turn, a part of one, or a flush."""

    turn: Any = None
    said: list = field(default_factory=list)
    changes: dict = field(default_factory=dict)  # beside what the handle shows
    guarded: bool = False  # whether a part of the turn is stored
    unsure: Any = None  # its first message, if something was sent and no answer came
    version: int = 0


class World:
    """The store, its handles, and what is known of them."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.writers = []
        self.versions = {0: {}}
        self.count = 0
        self.faults = []
        flusher = adapter._runtime.commits._flusher
        flush = flusher._flush

        async def failing_flush(writes):
            fault = self.faults.pop(0) if self.faults else None
            if fault == "down":
                raise BackendUnavailable("down")
            answer = None if fault == "cut before" else await flush(writes)
            if fault in ("cut before", "cut after"):
                raise OutcomeUnknown("cut")
            return answer

        flusher._flush = failing_flush

    async def open(self, policy):
        manager = PersistenceManager(self.adapter, on_conflict=policy, slow=None)
        self.writers.append(Writer(await manager.session("s").__aenter__(), policy))

    async def stored(self):
        session = await self.adapter.sessions.get("s")
        if session is None:
            return SimpleNamespace(version=0, data={}, said=[])
        said = [message.content for message in await self.adapter.messages.find("s", limit=1000)]
        self.versions[session.version] = session.data
        return SimpleNamespace(version=session.version, data=session.data, said=said)

    def new(self):
        self.count += 1
        return self.count

    def base(self, writer):
        return self.versions[writer.live.state.version]

    def check(self, writer):
        """What a handle shows is what the store had at its version, with its own unsaved changes in it."""
        assert writer.live.data == applied(self.base(writer), writer.unsaved)

    async def store(self, writer, attempt, call, faults=()):
        """Make one call that stores what a handle holds, and judge what came of it; gives its error."""
        before, base = await self.stored(), self.base(writer)
        states = [base, applied(base, writer.unsaved), applied(writer.live.data, attempt.changes)]
        expected = outcomes(writer.policy, states, before, writer.live.state.version)
        left = [one for one in attempt.said if one not in before.said]
        self.faults, error = list(faults), None
        try:
            await call()
        except (VersionConflict, BackendUnavailable, OutcomeUnknown) as caught:
            error = caught
        self.faults = []
        after = await self.stored()
        if error is None:
            done = attempt.unsure is not None and attempt.unsure in before.said  # stored, though no answer came
            assert done or expected != [None], "a lost update"
            assert after.data in ([before.data] if done else expected)
            assert after.said == before.said + left
            assert after.version == before.version or writer.live.data == after.data
            writer.unsaved = {}
            self.check(writer)
        elif isinstance(error, OutcomeUnknown) and "cut after" in faults:
            assert after.said in (before.said, before.said + left)
            assert after.data in [before.data, *expected]
        else:
            assert after == before
        if isinstance(error, VersionConflict):
            assert error.turn is attempt.turn
            if not attempt.guarded and attempt.unsure is None:
                assert None in expected, "a conflict without a reason"
        return error

    # --- what a handle may do ----------------------------------------------------------------------

    async def turn(self, writer, steps, end, faults):
        if writer.open:
            return
        writer.open = True
        turn = writer.live.turn()
        await turn.__aenter__()
        attempt, entry = Attempt(turn), dict(writer.live.data)
        for step, *details in steps:
            if step == "checkpoint":
                await self.checkpoint(writer, attempt)
                entry = dict(writer.live.data)
            else:
                await self.step(writer, attempt, step, details)
        writer.open = False
        if end == "raise":
            await turn.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)
            self.check(writer)
            return
        changes = difference(entry, writer.live.data)
        error = await self.store(writer, attempt, lambda: turn.__aexit__(None, None, None), faults)
        if error is not None:
            attempt.changes = changes
            self.has_failed(writer, attempt, error)

    async def step(self, writer, attempt, step, details):
        if step == "say":
            attempt.said.append(f"m{self.new()}")
            attempt.turn.add("user", attempt.said[-1])
        elif step == "set":
            writer.live.data[details[0]] = self.new()
        elif step == "delete":
            writer.live.data.pop(details[0], None)
        else:
            await self.run(*details)

    async def checkpoint(self, writer, attempt):
        error = await self.store(writer, attempt, attempt.turn.checkpoint)
        attempt.guarded = True
        if error is not None:
            await attempt.turn.commit(state="theirs")
            writer.unsaved = {}
            self.check(writer)
        attempt.said = []

    def has_failed(self, writer, attempt, error):
        self.check(writer)  # it is put back
        sure = not isinstance(error, OutcomeUnknown)
        if not sure and attempt.said:
            attempt.unsure = attempt.said[0]
        attempt.version = writer.live.state.version
        writer.failed = attempt if sure or attempt.said else None  # else nothing tells whether it is stored

    async def again(self, writer, faults):
        attempt = writer.failed
        if attempt is None or writer.open:
            return
        if attempt.version != writer.live.state.version:
            writer.failed = None  # overtaken by later turns of the same handle
            return
        try:
            error = await self.store(writer, attempt, attempt.turn.commit, faults)
        except InvalidArgument:
            return  # the session was changed since
        writer.failed = None
        if error is not None:
            self.has_failed(writer, attempt, error)

    async def theirs(self, writer):
        attempt, before = writer.failed, await self.stored()
        if attempt is None or writer.open or not before.version:
            return
        try:
            await attempt.turn.commit(state="theirs")
        except InvalidArgument:
            return  # the session was changed since
        after = await self.stored()
        assert after.data == before.data
        assert after.said == before.said + [one for one in attempt.said if one not in before.said]
        writer.unsaved, writer.failed = {}, None
        assert writer.live.data == after.data
        self.check(writer)

    async def change(self, writer, key):
        if not writer.open:
            writer.live.data[key] = writer.unsaved[key] = self.new()

    async def flush(self, writer, faults):
        if not writer.open:
            await self.store(writer, Attempt(), writer.live.flush, faults)
            self.check(writer)

    async def flush_theirs(self, writer):
        before = await self.stored()
        if writer.open or not before.version:
            return
        await writer.live.flush(state="theirs")
        assert await self.stored() == before
        writer.unsaved = {}
        assert writer.live.data == before.data

    async def run(self, name, number, *details):
        await getattr(self, name)(self.writers[number % len(self.writers)], *details)


keys = st.sampled_from("abc")
numbers = st.integers(0, 2)
down = st.sampled_from([()] * 4 + [("down",), (None, "down")])
lost = st.sampled_from([()] * 6 + [("down",), (None, "down")] + [("cut before",), ("cut after",)] * 2)
ends = st.sampled_from(["normally"] * 4 + ["raise"])
simple = [
    st.tuples(st.just("say")),
    st.tuples(st.just("set"), keys),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("checkpoint")),
]


def turns(steps):
    return st.tuples(st.just("turn"), numbers, st.lists(steps, max_size=5), ends, lost)


others = st.one_of(
    turns(st.one_of(simple)),
    st.tuples(st.just("again"), numbers, lost),
    st.tuples(st.just("theirs"), numbers),
    st.tuples(st.just("change"), numbers, keys),
    st.tuples(st.just("flush"), numbers, down),
    st.tuples(st.just("flush_theirs"), numbers),
)
nested = others.map(lambda operation: ("other", *operation))
operations = st.one_of(turns(st.one_of(*simple, nested)), others)
policies = st.sampled_from(["raise", "merge", mine_over_theirs])


@settings(max_examples=400, deadline=None)
@given(st.lists(policies, min_size=2, max_size=3), st.lists(operations, max_size=12))
def test_nothing_acknowledged_is_lost_doubled_or_undone(chosen, steps):
    async def run():
        async with MemoryAdapter() as adapter:
            world = World(adapter)
            for policy in chosen:
                await world.open(policy)
            for step in steps:
                await world.run(*step)

    asyncio.run(run())
