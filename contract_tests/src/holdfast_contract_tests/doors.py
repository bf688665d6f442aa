"""Where an ability is not declared, every call that asks for it must say so, and do nothing."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from holdfast import Adapter, Capability, Session, SessionQuery, Turn, UnsupportedCapability
from holdfast_contract_tests.case import Case
from holdfast_contract_tests.verdict import ContractError

__all__ = ["ABILITIES", "check_closed_door"]

Ask = Callable[[Case, Adapter], Awaitable[Any]]


async def _tenants(case: Case, adapter: Adapter) -> None:
    del case
    adapter.for_tenant("t")


def _save(**fields: Any) -> Ask:
    return lambda _, adapter: adapter.sessions.save(Session(id="asked", **fields))


ABILITIES: Mapping[str, tuple[Ask, ...]] = {
    Capability.TENANTS: (_tenants,),
    Capability.PARENTS: (
        _save(parent_id="s"),
        lambda _, adapter: adapter.sessions.find(SessionQuery(parent="s")),
        lambda _, adapter: adapter.commit(Turn(session_id="asked", session=Session(id="asked", parent_id="s"))),
    ),
    Capability.EXPIRY: (
        lambda case, adapter: _save(expires_at=case.clock() + timedelta(hours=1))(case, adapter),
        lambda case, adapter: _save(state_expires_at=case.clock() + timedelta(hours=1))(case, adapter),
        lambda case, _: case.open(message_ttl=60),
        lambda case, _: case.open(session_ttl_by_status={"active": 60}),
    ),
    Capability.REMOVE: (
        lambda _, adapter: adapter.messages.remove("s", after=0, through=1),
        lambda _, adapter: adapter.commit(Turn(session_id="s", remove=(0, 1))),
    ),
    Capability.REPLACE: (lambda case, adapter: adapter.messages.replace("s", case.say("a")[0]),),
}
"""By ability, the calls that ask for it."""


async def check_closed_door(case: Case, ability: str) -> None:
    """Check that an undeclared ability is refused, by name, and before anything is done.

    Raises:
        ContractError: It is not.
    """
    adapter = await case.open()
    await adapter.sessions.save(Session(id="s"))
    await adapter.messages.append("s", case.say("a", "b"))
    for ask in ABILITIES[ability]:
        async with case.unchanged(adapter):
            error = await case.refused(UnsupportedCapability, ask(case, adapter))
        if error.capability != ability:
            raise ContractError(f"expected the name of the capability, {ability!r}, found {error.capability!r}")
        if str(error).rstrip(". ").endswith(repr(ability)):
            raise ContractError(f"the error names no alternative to {ability!r}: {error}")
