"""Where the programs of servers are."""

import os
import re
import shutil
from pathlib import Path

__all__ = ["FOLDERS", "Missing", "find_program"]

FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"]
"""Where we look after ``PATH``: distributions keep servers out of it. The highest version wins."""


class Missing(Exception):
    """What a server needs is not here."""


def find_program(name: str) -> Path:
    """Where a program is.

    Raises:
        Missing: It is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_folders()))
    if found is None:
        raise Missing(f"{name} is not installed")
    return Path(found)


def _folders() -> list[str]:
    found = (sorted(Path("/").glob(pattern.lstrip("/")), key=_version, reverse=True) for pattern in FOLDERS)
    return [str(folder) for folders in found for folder in folders]


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]
