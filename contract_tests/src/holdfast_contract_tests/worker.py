"""A process of the suite: ``python -m holdfast_contract_tests.worker SPEC`` makes an adapter, and works."""

import asyncio
import importlib
import importlib.util
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from holdfast import Adapter
from holdfast_contract_tests.contract import AdapterContract
from holdfast_contract_tests.env import Env, FakeClock
from holdfast_contract_tests.jobs import JOBS, print_report

__all__ = ["main"]


def main(spec: dict[str, Any]) -> None:
    """Do one job."""
    contract: AdapterContract = _contract(**spec["contract"])()
    clock = FakeClock()
    path, place = Path(spec["env"].pop("path")), spec["env"]
    env = Env(**place, path=path, clock=clock, options={"clock": clock})

    async def make() -> Adapter:
        made = contract.make_adapter(env)
        return await made if inspect.isawaitable(made) else made

    asyncio.run(_work(JOBS[spec["job"]](make, print_report, **spec["arguments"])))


async def _work(job: Any) -> None:
    await job


def _contract(*, module: str, file: str, name: str) -> type[AdapterContract]:
    """The author's class, by the name of its module, or by its file where the name leads elsewhere."""
    found: Any = _by_name(module, file) or _by_file(module, file)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, AdapterContract)):
        raise TypeError(f"{module}:{name} is no AdapterContract.")
    return found


def _by_name(module: str, file: str) -> ModuleType | None:
    parts = module.split(".")
    if Path(file).with_suffix("").parts[-len(parts) :] == tuple(parts):
        sys.path.insert(0, str(Path(file).parents[len(parts) - 1]))  # its package may import its neighbours
    try:
        found = importlib.import_module(module)
    except ImportError:
        return None
    return found if Path(str(found.__file__)).resolve() == Path(file).resolve() else None


def _by_file(module: str, file: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(module, file)
    if specification is None or specification.loader is None:
        raise ImportError(f"{module} cannot be imported from {file}.")
    found = importlib.util.module_from_spec(specification)
    sys.modules[module] = found
    specification.loader.exec_module(found)
    return found


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
