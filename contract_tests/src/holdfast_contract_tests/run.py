"""Running one clause against one adapter, up to its verdict."""

import asyncio
import inspect
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import packages_distributions, version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from holdfast import Adapter, Capability, Message, Session
from holdfast_contract_tests.case import CALL_TIMEOUT, Case, unwatched
from holdfast_contract_tests.clause import Clause, Level
from holdfast_contract_tests.doors import ABILITIES, check_closed_door
from holdfast_contract_tests.env import Env, FakeClock
from holdfast_contract_tests.loops import hard_deadline, new_runner
from holdfast_contract_tests.reading import all_messages
from holdfast_contract_tests.verdict import ContractError, NotRun, Unsupported, Verdict

if TYPE_CHECKING:
    from holdfast_contract_tests.contract import AdapterContract

__all__ = ["Outcome", "Place", "run_clause"]

_NEAR = 0.005  # seconds for a ping

HARD_DEADLINE = {Level.SMOKE: 120.0, Level.DEFAULT: 300.0, Level.THOROUGH: 1200.0}
"""Seconds that a whole clause may take, by profile."""


@dataclass
class Place:
    """Where all clauses of one contract class run: each in a namespace of its own, beside a neighbour's.

    Attributes:
        contract: The author's class: the instance of the present test.
        url: Of the server, if there is one.
        facts: What is known of the adapter once it was opened.
        patience: How much longer than usual calls may take: a server may be far away.
    """

    contract: "AdapterContract"
    url: str | None
    name: str = field(default_factory=lambda: f"hf_{secrets.token_hex(4)}")
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    patience: float = 1.0
    _folder: TemporaryDirectory[str] = field(
        default_factory=lambda: TemporaryDirectory(prefix="holdfast-", ignore_cleanup_errors=True)
    )
    _neighbour: list[Any] | None = None
    _count: int = 0

    def close(self) -> None:
        """Drop the neighbour, and remove the folder."""
        if self._neighbour is not None:
            with new_runner() as runner:
                runner.run(self.contract.drop(self._neighbours_env()))
        self._folder.cleanup()

    def next_env(self) -> Env:
        """A namespace that nobody has used. The neighbour's name is how it begins."""
        self._count += 1
        return self._env(f"{self.name}_{self._count}")

    def _env(self, namespace: str) -> Env:
        path = Path(self._folder.name) / namespace
        path.mkdir(exist_ok=True)
        return Env(namespace=namespace, path=path, url=self.url, clock=FakeClock(), options={})

    async def learn(self, case: Case) -> frozenset[str]:
        """The adapter's capabilities; the neighbour moves in."""
        if not self.facts:
            adapter = await case.new(env=self._neighbours_env())
            await adapter.initialize()
            try:
                self.patience = await _patience(adapter)
                if Capability.SHARED in adapter.capabilities:
                    await _move_in(adapter)
                    self._neighbour = await _look(case, adapter)
                    await self._check_apart(case)
                self.facts = {
                    "adapter": type(unwatched(adapter)).__name__,
                    "capabilities": sorted(adapter.capabilities),
                    "durability": adapter.durability.name.lower(),
                    "adapter_version": _version(unwatched(adapter)),
                    **self.contract.about(unwatched(adapter)),
                }
            finally:
                await adapter.aclose()
        return frozenset(self.facts["capabilities"])

    async def _check_apart(self, case: Case) -> None:
        async with await case.new(env=self.next_env()) as stranger:
            if await case.everything(stranger) != [[]]:
                raise ContractError(
                    "What was stored in one namespace is seen in another: "
                    "make_adapter(env) must keep its data under env.namespace, or in env.path."
                )

    async def check_neighbour(self, case: Case) -> None:
        """Check that nothing outside the clause's namespace was touched.

        Raises:
            ContractError: Something was.
        """
        if self._neighbour is None:
            return
        adapter = await case.new(env=self._neighbours_env())
        await adapter.initialize()
        try:
            case.same(await _look(case, adapter), self._neighbour, "what is stored in another namespace")
        finally:
            await adapter.aclose()

    def _neighbours_env(self) -> Env:
        clock = FakeClock()
        return replace(self._env(self.name), clock=clock, options={"clock": clock})


async def _look(case: Case, adapter: Adapter) -> list[Any]:
    """What the neighbour has: his session, and where listings are exact, that there is no other."""
    exact = Capability.LISTING_EXACT in adapter.capabilities
    return [
        await adapter.sessions.get("s"),
        await all_messages(adapter, "s"),
        await case.everything(adapter) if exact else None,
    ]


async def _patience(adapter: Adapter) -> float:
    """1 for a server that answers within 5 ms, more for one that is farther away."""
    pings: list[float] = []
    for _ in range(3):
        started = perf_counter()
        await adapter.ping()
        pings.append(perf_counter() - started)
    return max(1.0, min(pings) / _NEAR)


def _version(adapter: Adapter) -> str:
    """The version of the distribution that an adapter comes from."""
    package = type(adapter).__module__.partition(".")[0]
    names = packages_distributions().get(package, [])
    return f"{names[0]} {version(names[0])}" if names else "not installed"


async def _move_in(adapter: Adapter) -> None:
    """The neighbour has what most clauses make, under the same ids."""
    await adapter.sessions.save(Session(id="s", user_id="u", data={"neighbour": True}))
    said: Sequence[Message] = [Message(id=word, role="user", content=f"neighbour's {word}") for word in "abc"]
    await adapter.messages.append("s", said)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a clause ended.

    Attributes:
        case: What was done.
        verdict: The verdict.
        reason: Why it was not proved, or what else there is to say.
        error: What a failed proof raised.
    """

    case: Case
    verdict: Verdict
    reason: str = ""
    error: BaseException | None = None


def run_clause(place: Place, clause: Clause, *, profile: Level = Level.DEFAULT, seed: int = 0) -> Outcome:
    """Run a clause against the adapter of a place."""
    runner = new_runner()
    timeout = CALL_TIMEOUT * place.patience
    case = Case(
        place.contract, clause, place.next_env(), runner=runner, profile=profile, seed=seed, timeout=timeout
    )
    try:
        with hard_deadline(HARD_DEADLINE[profile] * place.patience), runner:
            _prove(place, case)
    except Unsupported as why:
        return Outcome(case, Verdict.UNSUPPORTED, str(why))
    except NotRun as why:
        return Outcome(case, Verdict.NOT_RUN, str(why))
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is the verdict
        return Outcome(case, Verdict.FAIL, error=error)
    return Outcome(case, Verdict.PASS, "; ".join(case.notes))


def _prove(place: Place, case: Case) -> None:
    try:
        missing = sorted(set(case.clause.needs) - case.run(place.learn(case)))
        if missing:
            _unsupported(case, missing)
        proof = case.clause.proof(case)
        if inspect.iscoroutine(proof):
            case.run(proof)
    except BaseException:
        _close_quietly(case)
        raise
    case.run(case.close())
    case.run(place.check_neighbour(case))
    case.run(case.contract.drop(case.env))


def _unsupported(case: Case, missing: Sequence[str]) -> None:
    for capability in missing:
        if capability in ABILITIES:
            case.run(check_closed_door(case, capability))
    raise Unsupported(f"not declared: {', '.join(missing)}")


def _close_quietly(case: Case) -> None:
    # The clause has failed already; how it closes must not hide why.
    case.journal.close()
    try:
        case.run(case.close())
        case.run(case.contract.drop(case.env))
    except Exception as error:  # noqa: BLE001 - it is told in the journal
        case.journal.begin("aclose", (), {}).answer = f"raised {type(error).__name__}"
