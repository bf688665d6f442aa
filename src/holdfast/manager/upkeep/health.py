"""Health: whether the backend answers, how fast, and how safe what it keeps is."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic as _monotonic

from holdfast.capabilities import Durability, Finding
from holdfast.errors import AdapterClosed, HoldfastError
from holdfast.repositories import Adapter

__all__ = ["Health", "health"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an adapter and its backend are.

    Attributes:
        reachable: Whether the backend answers.
        latency: How long the answer took, in seconds; None if there was none.
        schema: The number of the stored schema; None where nothing has one, or it was never opened.
        durability: What an acknowledgement survives; None if it was never opened.
        capabilities: What the adapter offers; empty if it was never opened.
        findings: What opening has learned about the backend's settings.
        error: Why it is not reachable: the kind of the error and its text, nothing of the driver's.
    """

    reachable: bool
    latency: float | None = None
    schema: int | None = None
    durability: Durability | None = None
    capabilities: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    def __str__(self) -> str:
        lines = ["not reachable" if self.latency is None else f"reachable in {self.latency * 1000:.1f} ms"]
        if self.error:
            lines.append(self.error)
        if self.durability is not None:
            lines.append(f"durability: {self.durability.name.lower()}")
            lines.append(f"schema: {'none' if self.schema is None else self.schema}")
            lines.append(f"capabilities: {', '.join(sorted(self.capabilities)) or 'none'}")
        return "\n".join([*lines, *map(_told, self.findings)])


def _told(finding: Finding) -> str:
    return f"{finding.severity}: {finding.setting} is {finding.found}, better {finding.wanted}. {finding.why}"


async def health(adapter: Adapter, *, monotonic: Callable[[], float] = _monotonic) -> Health:
    """Ask the backend for a sign of life, and say what is known of it.

    It never raises for a backend that is away, nor for an adapter that may not be used: that is ``error`` then.
    It takes no longer than one operation may.

    Args:
        adapter: The adapter.
        monotonic: Tells the seconds that ``latency`` is made of.
    """
    started = monotonic()
    try:
        await adapter.ping()
    except HoldfastError as error:
        return _known(adapter, latency=None, error=f"{type(error).__name__}: {error}")
    return _known(adapter, latency=monotonic() - started, error=None)


def _known(adapter: Adapter, *, latency: float | None, error: str | None) -> Health:
    reachable = error is None
    try:
        return Health(
            reachable=reachable,
            latency=latency,
            schema=adapter.schema,
            durability=adapter.durability,
            capabilities=adapter.capabilities,
            findings=tuple(adapter.findings),
            error=error,
        )
    except AdapterClosed:  # it was never opened, and so has learned nothing
        return Health(reachable=reachable, latency=latency, error=error)
