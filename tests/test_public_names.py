"""What importing holdfast gives, and what it costs."""

import subprocess
import sys

import holdfast
from holdfast import toolkit


def test_all_names_the_public_names_once_and_sorted():
    for module in (holdfast, toolkit):
        assert len(module.__all__) == len(set(module.__all__))
        for name in module.__all__:
            assert hasattr(module, name)


def test_the_names_of_the_first_screen_are_there():
    expected = {"open", "PersistenceManager", "Session", "Message", "Turn", "Adapter", "HoldfastError"}
    assert expected <= set(holdfast.__all__)


def test_importing_holdfast_loads_no_driver_no_event_loop_and_no_toolkit():
    # asyncio alone would cost more than the 40 ms that core may add to pydantic's own time.
    script = "import sys, pydantic, holdfast; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"asyncio", "sqlite3", "aiosqlite", "holdfast.toolkit", "holdfast_sqlite"}
