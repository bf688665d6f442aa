"""The sound adapters: what each bug is planted in, before it is planted."""

from contract_tests.tests.planted.bases import Outer, Shared, Toy, contract_of
from contract_tests.tests.planted.files import File
from contract_tests.tests.planted.locking import Locking
from contract_tests.tests.planted.on_client import OnClient

__all__ = ["CONTROLS"]

CONTROLS = {
    "toy": contract_of(Toy),
    "shared": contract_of(Shared),
    "outer": contract_of(Outer),
    "file": File(),
    "locking": Locking(),
    "on_client": OnClient(),
}
