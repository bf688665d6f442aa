"""Where the figures come from. No names of machines or users, no paths."""

import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

__all__ = ["environment"]


def environment(versions: Mapping[str, str]) -> dict[str, object]:
    """All that the figures depend on.

    Args:
        versions: Those of the backend and its driver.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "filesystem": _filesystem(),
        "load_before": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "versions": {"holdfast": version("holdfast"), "pydantic": version("pydantic"), **versions},
    }


def _commit() -> str | None:
    try:
        return _git("rev-parse", "--short", "HEAD") + (" and changes" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    here = Path(__file__).parent
    git = ["git", "-C", str(here), *arguments]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _filesystem() -> str | None:
    """The type of the file system that temporary files are on: a sync costs nothing on tmpfs."""
    temporary = Path(tempfile.gettempdir()).resolve()
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return None
    over = [(len(point), kind) for _, point, kind, *_ in mounts if temporary.is_relative_to(point)]
    return max(over)[1] if over else None
