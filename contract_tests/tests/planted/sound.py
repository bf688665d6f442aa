"""The sound adapters: what bugs are planted in, before they are planted."""

from collections.abc import Mapping

from contract_tests.tests.planted.bases import Contract, Shared, Toy, contract_of
from contract_tests.tests.planted.files import File
from contract_tests.tests.planted.locking import Locking
from contract_tests.tests.planted.on_client import OnClient

__all__ = ["controls"]

_USUAL = {"toy": contract_of(Toy), "shared": contract_of(Shared), "file": File()}
_FILE = {"file": File()}


def controls(clause_id: str) -> Mapping[str, Contract]:
    """The sound adapters that must pass a clause, by name."""
    if clause_id.startswith(("processes.", "death.kill")):
        return _FILE  # what toys share, they share in one process
    if clause_id == "locks.others_go_on":
        return _USUAL | {"locking": Locking()}
    return _USUAL | {"on_client": OnClient()} if clause_id == "opening.client" else _USUAL
