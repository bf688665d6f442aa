"""The same random writes, many at once, to SQLite and to Memory: the same answers, and the same rows."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from holdfast import HoldfastError, Message, Session, Turn
from holdfast.toolkit import Ref, Span
from holdfast_memory import MemoryAdapter
from holdfast_sqlite import SQLiteAdapter

TURNS = ["0", "t", 't"1', "té", "😀", *(f"t{n}" for n in range(20))]
IDS = ["1", "1.0", '"', "null", "é", "😀", *(f"m{n}" for n in range(30))]
WORDS = ["a", "", "b\0c", '"\\u0000', "é😀\ud7ff"]
STATES = [{}, {"a": 1}, {"b": "\0"}, {"n": 10**400}]


class Writes:
    """Makes calls at random; each can be made on any adapter, and again."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.made = []
        self.removals = []

    def batch(self):
        """Some calls, and whether one of them removes messages."""
        calls = [self._one() for _ in range(self.dice.choice([1, 2, 4, 8]))]
        return calls, any(call in self.removals for call in calls)

    def _one(self):
        if self.made and self.dice.random() < 0.25:
            return self.dice.choice(self.made[-12:])
        kinds = [self._append, self._append, self._turn, self._turn, self._turn, self._save, self._remove]
        call = self.dice.choice(kinds)(self.dice.choice(["s", "s", "s", "7"]))
        self.made.append(call)
        return call

    def _messages(self):
        pick = self.dice.choice
        ids = self.dice.sample(IDS, pick([1, 1, 2, 3]))
        return [Message(id=id_, role=pick(["user", "assistant"]), content=pick(WORDS)) for id_ in ids]

    def _turn_id(self):
        return self.dice.choice([*TURNS, f"fresh{self.dice.random()}"])

    def _append(self, session):
        messages, turn, last = self._messages(), self._turn_id(), self.dice.choice([None] * 5 + [0, 2, 5])
        return lambda adapter: adapter.messages.append(session, messages, turn_id=turn, last_seq=last)

    def _turn(self, session):
        pick = self.dice.choice
        turn = Turn(
            id=self._turn_id(),
            segment=pick([0, 0, 0, 1]),
            session_id=session,
            messages=self._messages() if pick([1, 1, 1, 0]) else [],
            session=pick([None, Session(id=session, data=pick(STATES), status=pick(["active", "completed"]))]),
            expected=pick([None, "any", "any", 0, 1, 2, 3]),
            remove=pick([None] * 6 + [(0, 1), (0, 2), (1, 3)]),
        )

        def call(adapter):
            return adapter.commit(turn)

        return call if turn.remove is None else self._removes(call)

    def _save(self, session):
        pick = self.dice.choice
        saved, expected, turn = Session(id=session, data={"saved": 1}), pick([None, "any", 0, 1]), self._turn_id()
        return lambda adapter: adapter.sessions.save(saved, expected=expected, turn_id=turn)

    def _remove(self, session):
        after, turn = self.dice.randrange(4), self._turn_id()
        return self._removes(
            lambda adapter: adapter.messages.remove(session, after=after, through=after + 1, turn_id=turn)
        )

    def _removes(self, call):
        self.removals.append(call)
        return call


def plain(answer, removing):
    """An answer without what is random: the keys of lives.

    The messages of a write that was made before are read after its flush: another one, which removes them, may
    have come in between. So they are not compared then.
    """
    if isinstance(answer, HoldfastError):
        return type(answer), str(answer)
    if isinstance(answer, Session):
        return answer.model_copy(update={"key": None})
    if isinstance(answer, int):
        return answer
    if isinstance(answer, tuple):
        return () if removing else answer
    messages = () if removing else answer.messages
    return answer.session.model_copy(update={"key": None}), messages, answer.replayed, answer.removed


async def stored(adapter, session):
    store = adapter._runtime.store
    [head] = await store.heads([Ref("", session)], state=True)
    return head and (head._replace(key=None), list(await store.rows(head.key, Span(limit=1000))))


@pytest.mark.parametrize("lifetimes", [{}, {"message_ttl": 50, "session_ttl": 20}], ids=["for ever", "expiring"])
@pytest.mark.parametrize("seed", range(12))
async def test_sqlite_answers_as_memory_does(path, seed, lifetimes):
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    writes = Writes(seed)
    options = {"clock": lambda: now[0], **lifetimes}
    async with MemoryAdapter(**options) as memory, SQLiteAdapter(path, synchronous="NORMAL", **options) as sqlite:
        for _ in range(60):
            calls, removing = writes.batch()
            made = [[call(one) for call in calls] for one in (memory, sqlite)]
            answers = [await asyncio.gather(*some, return_exceptions=True) for some in made]
            expected, given = ([plain(answer, removing) for answer in some] for some in answers)
            assert given == expected
            for session in ("s", "7"):
                assert await stored(memory, session) == await stored(sqlite, session)
            now[0] += timedelta(seconds=writes.dice.choice([0, 0.5, 1, 10]))
