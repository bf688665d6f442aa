"""The model test: the same random calls to the adapter and to the memory adapter must be answered alike."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from holdfast import Adapter, Capability, HoldfastError, Message, Session, SessionQuery, Turn
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.equality import difference
from holdfast_contract_tests.reading import all_messages
from holdfast_contract_tests.verdict import ContractError
from holdfast_memory import MemoryAdapter

__all__ = ["machine_for"]

# Few of each, so that they collide.
NAMES = ["s", "S", "s:1"]
SESSIONS = st.sampled_from(NAMES)
IDS = st.lists(st.sampled_from(["a", "b", "c", "A", "é"]), min_size=1, max_size=3, unique=True)
WORDS = st.sampled_from(["", "x", "y\x00", "é😀"])
TURNS = st.sampled_from([f"t{number}" for number in range(6)])
STATES = st.sampled_from([{}, {"a": 1}, {"a": 1.0}, {"b": None, "a": [True]}])
EXPECTED = st.sampled_from([None, "any", 0, 1, 2, 3])
GUARDS = st.sampled_from([None, None, None, 0, 1, 2, 5])
STATUSES = st.sampled_from(["active", "completed"])
LIVES = st.sampled_from([None, None, None, 30, 90])
SEQS = st.integers(0, 8)

_numbers = count()

Ask = Callable[[Adapter], Coroutine[Any, Any, Any]]


class Games(RuleBasedStateMachine):
    """Plays on adapters of a case, each time in a namespace of its own."""

    case: ClassVar[Case]

    def __init__(self) -> None:
        super().__init__()
        self.game = Game(self.case)

    @rule(session=SESSIONS, ids=IDS, word=WORDS, turn=TURNS, last_seq=GUARDS)
    def append(self, session: str, ids: list[str], word: str, turn: str, last_seq: int | None) -> None:
        """Messages."""
        said = messages(ids, word)
        self.game.play(lambda a: a.messages.append(session, said, turn_id=turn, last_seq=last_seq))

    @rule(session=SESSIONS, data=STATES, status=STATUSES, expected=EXPECTED, turn=TURNS, life=LIVES)
    def save(self, *, session: str, data: Any, status: str, expected: Any, turn: str, life: int | None) -> None:
        """A state that nobody loaded."""
        saved = self.game.session(session, data, status, life)
        self.game.play(lambda a: a.sessions.save(saved, expected=expected, turn_id=turn))

    @rule(session=SESSIONS, data=STATES)
    def change(self, session: str, data: Any) -> None:
        """Load, change, save."""
        self.game.change(session, data)

    @rule(
        session=SESSIONS,
        ids=IDS | st.just([]),
        word=WORDS,
        turn=TURNS,
        segment=st.sampled_from([0, 0, 1]),
        data=STATES | st.none(),
        expected=EXPECTED,
        last_seq=GUARDS,
        remove=st.none() | st.tuples(SEQS, SEQS).filter(lambda pair: pair[0] < pair[1]),
    )
    def commit(
        self,
        *,
        session: str,
        ids: list[str],
        word: str,
        turn: str,
        segment: int,
        data: Any,
        expected: Any,
        last_seq: int | None,
        remove: tuple[int, int] | None,
    ) -> None:
        """A turn, of any shape."""
        state = None if data is None else self.game.session(session, data, "active", None)
        sent = Turn(
            id=turn,
            segment=segment,
            session_id=session,
            messages=messages(ids, word),
            session=state,
            expected=expected,
            last_seq=last_seq,
            remove=remove if self.game.can(Capability.REMOVE) else None,
        )
        self.game.play(lambda a: a.commit(sent))

    @rule(session=SESSIONS, after=SEQS, width=st.integers(1, 3), turn=TURNS)
    def remove(self, session: str, after: int, width: int, turn: str) -> None:
        """A few messages."""
        if self.game.can(Capability.REMOVE):
            self.game.play(lambda a: a.messages.remove(session, after=after, through=after + width, turn_id=turn))

    @rule(session=SESSIONS, ids=IDS, word=WORDS)
    def replace(self, session: str, ids: list[str], word: str) -> None:
        """A redaction."""
        if self.game.can(Capability.REPLACE):
            [said] = messages(ids[:1], word)
            self.game.play(lambda a: a.messages.replace(session, said))

    @rule(session=SESSIONS, expected=st.sampled_from([None, None, 1, 2]), last_seq=GUARDS)
    def delete(self, session: str, expected: int | None, last_seq: int | None) -> None:
        """An end."""
        self.game.play(lambda a: a.sessions.delete(session, expected=expected, last_seq=last_seq))

    @rule(session=SESSIONS, last=st.integers(1, 4), before=st.none() | SEQS, turned=st.booleans())
    def page(self, session: str, last: int, before: int | None, *, turned: bool) -> None:
        """A page from the end."""
        align: Any = "turn" if turned else None
        bounds: Any = {"last": last} if before is None else {"before": before, "limit": last}
        self.game.play(lambda a: a.messages.find(session, align=align, **bounds))

    @rule(session=SESSIONS, ids=IDS)
    def get(self, session: str, ids: list[str]) -> None:
        """One message."""
        self.game.play(lambda a: a.messages.get(session, ids[0]))

    @rule(seconds=st.sampled_from([1, 20, 60]))
    def pass_time(self, seconds: int) -> None:
        """Time."""
        self.case.clock.pass_(seconds=seconds)

    @rule(limit=st.sampled_from([1, 5, 1000]))
    def sweep(self, limit: int) -> None:
        """Freeing."""
        self.game.sweep(limit)

    @invariant()
    def all_the_same(self) -> None:
        """After each step."""
        self.game.compare_everything()

    def teardown(self) -> None:
        """The end of a game."""
        self.game.end()


def machine_for(case: Case) -> type[Games]:
    """The machine that plays on this case's adapters."""
    return type("Games", (Games,), {"case": case})


def messages(ids: list[str], word: str) -> list[Message]:
    """Messages with these ids, that say one thing."""
    return [Message(id=id_, role="user", content=word) for id_ in ids]


class Game:
    """One game: the adapter beside the model, each with the session values that it gave out itself."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._sides: list[Adapter] = case.run(self._open())

    async def _open(self) -> list[Adapter]:
        env = self._case.elsewhere(f"{self._case.env.namespace}_{next(_numbers)}")
        adapter = await self._case.new(env=env)
        model = MemoryAdapter(clock=self._case.clock)
        for side in (adapter, model):
            await side.initialize()
        return [adapter, model]

    def end(self) -> None:
        """Close both."""
        for side in self._sides:
            self._case.run(side.aclose())

    def can(self, capability: str) -> bool:
        """Whether the adapter offers this."""
        return capability in self._sides[0].capabilities

    def session(self, id_: str, data: Any, status: str, life: int | None) -> Session:
        """A session that nobody loaded; with a lifetime where there are any."""
        lives = life is not None and self.can(Capability.EXPIRY)
        until = self._case.clock() + timedelta(seconds=life or 0) if lives else None
        return Session(id=id_, data=dict(data), status=status, expires_at=until)

    def play(self, ask: Ask) -> None:
        """Ask both, and compare the answers."""
        found, expected = (self._case.run(_answer(ask(side))) for side in self._sides)
        self._same(found, expected, "the answer")

    def change(self, session_id: str, data: Any) -> None:
        """Load, change and save, on each side with its own value."""

        async def ask(adapter: Adapter) -> Session | None:
            session = await adapter.sessions.get(session_id)
            if session is None:
                return None
            session.data = dict(data)
            return await adapter.sessions.save(session)

        self.play(ask)

    def sweep(self, limit: int) -> None:
        """Sweep both; how many rows there are to free is the backend's own affair."""
        for side in self._sides:
            self._case.run(side.sweep(limit=limit))

    def compare_everything(self) -> None:
        """All that can be read must be the same, and listed in the same order."""
        exact = self.can(Capability.LISTING_EXACT)
        look = self._case.everything if exact else _named
        found, expected = (self._case.run(look(side)) for side in self._sides)
        self._same(_plain(found), _plain(expected), "all that is stored")
        if self.can(Capability.ACTIVITY_EXACT):
            self.play(lambda a: a.sessions.find(SessionQuery(limit=2)))

    def _same(self, found: Any, expected: Any, what: str) -> None:
        differs = difference(found, expected, what)
        if differs:
            raise ContractError(f"{differs} (expected is what the memory adapter says)")


async def _named(adapter: Adapter) -> list[Any]:
    """What can be read of the sessions that games are about; no listing is asked."""
    found = [await adapter.sessions.get(id_) for id_ in NAMES]
    return [(session, await all_messages(adapter, session.id)) for session in found if session]


async def _answer(call: Coroutine[Any, Any, Any]) -> Any:
    try:
        return _plain(await call)
    except HoldfastError as error:
        told = {name: getattr(error, name, None) for name in ("expected", "actual", "guard", "limit")}
        return type(error).__name__, told, sorted(getattr(error, "ids", ()))


def _plain(value: Any) -> Any:
    """A value without what is random: the keys of lives, and cursors."""
    if isinstance(value, Session):
        return value.model_copy(update={"key": None})
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "replayed"):
        info = value.session.model_copy(update={"key": None})
        return [info, list(value.messages), value.replayed, value.removed]
    if hasattr(value, "next"):
        items = [one.model_copy(update={"key": None}) if hasattr(one, "key") else one for one in value.items]
        return [items, value.next is not None]
    return value
