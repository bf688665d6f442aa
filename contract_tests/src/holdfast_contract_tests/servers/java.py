"""Finding a Java that is new enough."""

import os
import re
from pathlib import Path

from holdfast_contract_tests.servers.programs import Missing

__all__ = ["HOMES", "find_java"]

HOMES = "/usr/lib/jvm/*"
"""Where distributions keep Javas."""


def find_java(oldest: int, variable: str = "JAVA_HOME") -> Path:
    """The home of a Java of this version or newer: the one that the variable names, else one that is installed.

    Raises:
        Missing: There is none.
    """
    given = [Path(os.environ[name]) for name in (variable, "JAVA_HOME") if os.environ.get(name)]
    root, _, pattern = HOMES.partition("*")
    for home in [*given, *sorted(Path(root).glob(f"*{pattern}"))]:
        if _version(home) >= oldest:
            return home
    raise Missing(f"there is no Java {oldest} or newer in {HOMES}, and {variable} names none")


def _version(home: Path) -> int:
    """The first number of its version; 0 where nothing says it."""
    release = home / "release"
    found = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
    return int(found[1]) if found else 0
