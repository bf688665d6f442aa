"""One run of one clause: what its proof works with."""

import asyncio
import inspect
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis

from holdfast import Adapter, Capability, HoldfastError, Message, NotFound, SessionInfo, SessionQuery
from holdfast_contract_tests.clause import Clause, Level
from holdfast_contract_tests.env import Env, FakeClock
from holdfast_contract_tests.equality import difference, shown
from holdfast_contract_tests.journal import Journal, watched
from holdfast_contract_tests.loops import ClauseLoop
from holdfast_contract_tests.probe import Probe
from holdfast_contract_tests.reading import all_messages, all_sessions
from holdfast_contract_tests.verdict import ContractError, Unsupported

if TYPE_CHECKING:
    from holdfast_contract_tests.contract import AdapterContract

__all__ = ["CALL_TIMEOUT", "Case", "unwatched"]

E = TypeVar("E", bound=BaseException)
T = TypeVar("T")

CALL_TIMEOUT = 20.0
"""Seconds that one call may take."""

_NO_HEALTH_CHECKS = [
    hypothesis.HealthCheck.too_slow,
    hypothesis.HealthCheck.data_too_large,
    hypothesis.HealthCheck.filter_too_much,
    hypothesis.HealthCheck.large_base_example,
]
_LAG, _STEP = 20.0, 0.05  # seconds for a listing that lags, and between two looks at it


class Case:
    """What a proof gets: adapters of its own, a clock, and the checks that all proofs share.

    Attributes:
        contract: The author's class.
        clause: What is proved.
        env: Where its adapters are made.
        clock: Their time.
        journal: What was called.
        profile: How much is to be done.
        seed: Makes chance repeatable.
        random: Chance.
        notes: What the card is to say beside the verdict.
    """

    def __init__(
        self,
        contract: "AdapterContract",
        clause: Clause,
        env: Env,
        *,
        runner: asyncio.Runner,
        profile: Level,
        seed: int,
        timeout: float = CALL_TIMEOUT,
    ) -> None:
        self.contract = contract
        self.clause = clause
        self.clock = FakeClock()
        self.env = replace(env, clock=self.clock, options={"clock": self.clock, **clause.options})
        self.journal = Journal(timeout)
        self.profile = profile
        self.seed = seed
        self.random = random.Random(f"{seed} {clause.id}")  # noqa: S311 - no secret
        self.notes: list[str] = []
        self._runner = runner
        self._stack = AsyncExitStack()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run a call on the clause's loop: for proofs that are no coroutines."""
        return self._runner.run(call)

    def size(self, smoke: int, default: int, thorough: int) -> int:
        """A number by the profile."""
        return (smoke, default, thorough)[self.profile]

    def loop(self) -> ClauseLoop:
        """The loop that the clause runs on."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, ClauseLoop):
            raise TypeError("A clause runs on a loop of its own.")
        return loop

    # --- adapters ---

    async def new(self, *, env: Env | None = None, **options: Any) -> Adapter:
        """A new adapter, not opened; with these options beside the usual ones."""
        place = env or self.env
        try:
            made: Any = self.contract.make_adapter(replace(place, options={**place.options, **options}))
            adapter = await made if inspect.isawaitable(made) else made
        except Unsupported as why:
            raise ContractError(f"make_adapter(env) raised Unsupported: {why}") from why
        if not hasattr(adapter, "initialize"):
            raise ContractError(f"make_adapter(env) gave {shown(adapter)}, which is no adapter")
        return watched(adapter, self.journal)

    async def open(self, *, env: Env | None = None, **options: Any) -> Adapter:
        """A new adapter, open until the clause ends. A second one is another handle on the same data."""
        adapter = await self.new(env=env, **options)
        await adapter.initialize()
        self._stack.push_async_callback(adapter.aclose)
        return adapter

    async def handles(self, count: int, **options: Any) -> list[Adapter]:
        """So many handles on the same data; one and the same where nobody else can see it."""
        first = await self.open(**options)
        if Capability.SHARED not in first.capabilities:
            return [first] * count
        return [first, *[await self.open(**options) for _ in range(count - 1)]]

    async def probe(self, adapter: Adapter) -> Probe:
        """The author's probe of what an adapter stored.

        Raises:
            NotRun: There is none.
        """
        return self.contract.probe(unwatched(adapter), self.env)

    async def on_client(self) -> tuple[Adapter, Callable[[], Awaitable[Any]]]:
        """An adapter over a client of the author's, not opened yet; and what looks at that client.

        Raises:
            Unsupported: His adapter takes none.
        """
        adapter, look = await self.contract.make_on_client(self.env)
        return watched(adapter, self.journal), look

    def elsewhere(self, namespace: str) -> Env:
        """The env of another namespace; its files are in a folder beside."""
        path = self.env.path / namespace
        path.mkdir(exist_ok=True)
        return replace(self.env, namespace=namespace, path=Path(path))

    async def close(self) -> None:
        """Close what was opened."""
        await self._stack.aclose()

    def given(self, examples: int, **strategies: Any) -> Callable[[Callable[..., None]], Callable[[], None]]:
        """Run a check on so many generated examples, whatever profile of hypothesis the author has."""

        def decorate(check: Callable[..., None]) -> Callable[[], None]:
            given = hypothesis.given(**strategies)(check)
            return hypothesis.seed(self.seed)(self.hypothesis_settings(examples)(given))

        return decorate

    @staticmethod
    def hypothesis_settings(examples: int) -> hypothesis.settings:
        """Settings of our own: none of the author's reaches a clause."""
        return hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=_NO_HEALTH_CHECKS,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
            verbosity=hypothesis.Verbosity.normal,
        )

    # --- what proofs say and check ---

    def say(self, *words: str, **fields: Any) -> list[Message]:
        """Messages of a user whose id and text are the same words."""
        return [_message(word, fields) for word in words]

    def same(self, found: object, expected: object, what: str) -> None:
        """Check that a value is another, type for type.

        Raises:
            ContractError: It is not; the text says where they differ.
        """
        differs = difference(found, expected, what)
        if differs:
            raise ContractError(differs)

    @contextmanager
    def about(self, what: str) -> Generator[None]:
        """Say in a failure's text which of several things was at hand."""
        try:
            yield
        except Exception as error:
            error.add_note(f"with {what}")
            raise

    async def listed(
        self, adapter: Adapter, query: SessionQuery, expected: Sequence[str]
    ) -> Sequence[SessionInfo]:
        """Check that one page lists these sessions, in this order; where listing lags, wait until it does.

        Raises:
            ContractError: It lists others.
        """
        exact = Capability.ACTIVITY_EXACT if query.order == "activity" else Capability.LISTING_EXACT
        lags = {Capability.LISTING_EXACT, exact} - adapter.capabilities
        deadline = asyncio.get_running_loop().time() + (_LAG if lags else 0)
        while True:
            page = await adapter.sessions.find(query)
            found = [info.id for info in page]
            if found == list(expected) or asyncio.get_running_loop().time() >= deadline:
                self.same(found, list(expected), "what is listed")
                return page.items
            await asyncio.sleep(_STEP)

    async def refused(self, kind: type[E], call: Awaitable[Any]) -> E:
        """The error of a call that must be refused with exactly this kind of error.

        Raises:
            ContractError: It was answered, or raised something else.
        """
        try:
            answer = await call
        except kind as error:
            if type(error) is not kind:
                raise ContractError(f"expected {kind.__name__}, but {_raised(error)}") from error
            return error
        except (ContractError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise ContractError(f"expected {kind.__name__}, but {_raised(error)}") from error
        raise ContractError(f"expected {kind.__name__}, but the call was answered: {shown(answer)}")

    def refused_at_once(self, kind: type[E], call: Callable[[], Any]) -> E:
        """The error of a call that must be refused before it waits for anything: so before anything is sent.

        Raises:
            ContractError: It was not, or with another kind of error.
        """
        try:
            _first_step(call())
        except (ContractError, kind) as error:
            if isinstance(error, kind):
                return error
            raise ContractError(f"expected {kind.__name__} at once, but {error}") from None
        except Exception as error:
            raise ContractError(f"expected {kind.__name__}, but {_raised(error)}") from error
        raise ContractError(f"expected {kind.__name__} at once, but the call began to wait for something")

    async def everything(self, *adapters: Adapter) -> list[Any]:
        """All that can be read of these adapters' tenants; where listing lags, of the sessions that were named."""
        return [await self._all_of(adapter) for adapter in adapters]

    async def _all_of(self, adapter: Adapter) -> list[Any]:
        if Capability.LISTING_EXACT in adapter.capabilities:
            query = SessionQuery(nested=True, include_expired=True, with_state=True, order="created")
            sessions: Sequence[Any] = await all_sessions(adapter, query)
        else:
            names = self.journal.named(getattr(adapter, "_hf_tenant", ""))
            sessions = [session for name in names if (session := await adapter.sessions.get(name))]
        return [(session, await _messages(adapter, session.id)) for session in sessions]

    @asynccontextmanager
    async def unchanged(self, *adapters: Adapter) -> AsyncGenerator[None]:
        """What is done inside must change nothing that can be read.

        Raises:
            ContractError: Something changed.
        """
        before = await self.everything(*adapters)
        yield
        self.same(await self.everything(*adapters), before, "what is stored after a call that must change nothing")


def _message(word: str, fields: dict[str, Any]) -> Message:
    said: dict[str, Any] = {"id": word, "role": "user", "content": word, **fields}
    return Message(**said)


def unwatched(adapter: Adapter) -> Adapter:
    """The adapter itself, as the author made it."""
    target: Adapter = getattr(adapter, "_hf_target", adapter)
    return target


def _first_step(call: Any) -> None:
    """Run a call up to the first time that it waits."""
    if not inspect.iscoroutine(call):
        raise ContractError(f"the call was answered: {shown(call)}")
    try:
        call.send(None)
    except StopIteration as answer:
        raise ContractError(f"the call was answered: {shown(answer.value)}") from None
    finally:
        call.close()


def _raised(error: BaseException) -> str:
    kind = type(error)
    name = kind.__name__ if isinstance(error, HoldfastError) else f"{kind.__module__}.{kind.__qualname__}"
    return f"the call raised {name}: {shown(str(error))}"


async def _messages(adapter: Adapter, session_id: str) -> Sequence[Message] | None:
    try:
        return await all_messages(adapter, session_id)
    except NotFound:
        return None  # it has expired
